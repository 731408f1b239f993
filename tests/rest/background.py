"""What is done in the background, done now: queued transactions, messages on their way."""

from resolvers.delivery import deliver_messages
from resolvers.queue_work import work_queue
from tests.resolvers.mailbox import Mailbox
from tests.rest.world import World


async def work(world: World) -> None:
    """Let all that is queued be done, by whatever test."""
    while await work_queue(world.services):
        pass


async def code_sent_to(world: World, address: str) -> str:
    """The code that was sent last to an address."""
    mailbox = Mailbox()
    await deliver_messages(world.services, mailbox)
    return next(str(one.details["code"]) for one in reversed(mailbox.messages) if one.to == address)
