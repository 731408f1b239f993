"""Mutations of messages to members."""

import strawberry

from resolvers.message import send_test_message
from schema.context import Info
from schema.field import mutation


@strawberry.input(description="A template to send to an address, with samples for what is filled in.")
class MessageTestSendInput:
    template: str = strawberry.field(description="The name of a template of the configuration.")
    to: str = strawberry.field(description="An e-mail address or a number, as the template's channel wants.")


@strawberry.type(description="What became of a test message.")
class MessageTestSendPayload:
    delivered: bool = strawberry.field(description="Whether the mail server or the gateway took it.")
    outcome: str = strawberry.field(description="What kind of failure there was, if there was one.")


@strawberry.type
class MessageMutation:
    @mutation("Send a template to an address, with samples, and wait for what becomes of it.")
    async def message_test_send(self, info: Info, input: MessageTestSendInput) -> MessageTestSendPayload | None:
        done = await send_test_message(info.context.changing(), input.template, input.to)
        return MessageTestSendPayload(delivered=done.is_delivered, outcome=done.outcome)
