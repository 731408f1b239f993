"""A load of redemptions and reversals that keeps count of what was acknowledged, through any failure."""

import asyncio
import random
import uuid
from dataclasses import dataclass, field

import httpx2

from tests.callers import Answer, Caller, callers
from tests.ledger.invariants import Books, stored_books, violations
from tests.servers import Credentials, Deployment, Server

WORKERS = 12
MEMBERS = [f"MEMBER-{number}" for number in range(6)]
PLENTY = 1_000_000


@dataclass(frozen=True)
class Request:
    """A redemption of one point, or the reversal of the redemption with this reference."""

    member: str
    key: str
    reverses: str | None = None

    async def send(self, caller: Caller) -> Answer:
        """Send it; a retry is the same again."""
        if self.reverses is None:
            return await caller.redeem(self.member, 1, self.key)
        return await caller.reverse(self.member, self.reverses, self.key)


@dataclass
class Load:
    """Clients that go on until they are told to stop or nobody answers any more.

    `open` are requests whose outcome nobody knows, `answers` what came that was neither success nor 503.
    """

    members: list[str]
    randomness: random.Random
    done: dict[str, tuple[Request, str]] = field(default_factory=dict)
    open: dict[str, Request] = field(default_factory=dict)
    away: list[Answer] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    is_stopping: bool = False

    async def run(self, caller: Caller) -> None:
        """Send requests from all workers until `stop`, or until the server is gone."""
        self.is_stopping = False
        await asyncio.gather(*(self._work(caller) for _ in range(WORKERS)))

    def stop(self) -> None:
        """Let every worker finish what it is waiting for."""
        self.is_stopping = True

    async def request(self, caller: Caller, member: str, key: str) -> Answer:
        """Send one redemption."""
        return await self._send(caller, Request(member, key))

    async def settle(self, caller: Caller) -> dict[str, Answer]:
        """Retry what is open, each once with its key; the answers by key."""
        waiting = list(self.open.values())
        answers = await asyncio.gather(*(self._send(caller, request) for request in waiting))
        return {request.key: answer for request, answer in zip(waiting, answers, strict=True)}

    @property
    def redeemed(self) -> list[str]:
        """The references of the redemptions that were acknowledged."""
        return [reference for request, reference in self.done.values() if request.reverses is None]

    @property
    def reversed(self) -> list[str]:
        """The references of the redemptions whose reversal was acknowledged."""
        return [request.reverses for request, _ in self.done.values() if request.reverses is not None]

    async def _work(self, caller: Caller) -> None:
        reversible: list[Request] = []
        while not self.is_stopping:
            if reversible and self.randomness.random() < 0.2:
                request = reversible.pop()
            else:
                request = Request(self.randomness.choice(self.members), str(uuid.uuid4()))
            try:
                answer = await self._send(caller, request)
            except httpx2.TransportError:
                return
            if answer.code == "000" and request.reverses is None:
                reversible.append(Request(request.member, str(uuid.uuid4()), answer.value))
            elif answer.code == "503":
                await asyncio.sleep(0.02)

    async def _send(self, caller: Caller, request: Request) -> Answer:
        self.open[request.key] = request
        answer = await request.send(caller)
        if answer.code == "000":
            self.done[request.key] = request, str(answer.value)
            del self.open[request.key]
        else:
            (self.away if answer.code == "503" else self.answers).append(answer)
        return answer


def redemptions(books: Books) -> list[str]:
    """The references of all redemptions that are stored."""
    return [str(entry.external_reference).upper() for entry in books.entries if entry.kind == "redemption"]


def reversals(books: Books) -> list[str]:
    """The references of all redemptions that are stored as reversed."""
    by_id = {entry.id: str(entry.external_reference).upper() for entry in books.entries}
    return [by_id[entry.reverses_id] for entry in books.entries if entry.kind == "reversal"]


async def open_accounts(server: Server, credentials: Credentials) -> None:
    """Enrol the members with more points than the load will take, in a few lots."""
    async with callers([server], credentials) as [caller]:
        for member in MEMBERS:
            await caller.enroll(member)
            for number in range(3):
                await caller.earn(member, [7, 50, PLENTY][number], f"{member} {number}")


async def everything_is_there_once(deployment: Deployment, credentials: Credentials, load: Load) -> None:
    """Each request of the load is in the books, once; and the books hold."""
    books = await stored_books(deployment.database_url, deployment.data_dir, credentials.program_id)
    assert sorted(redemptions(books)) == sorted(load.redeemed)
    assert sorted(reversals(books)) == sorted(load.reversed)
    assert violations(books) == []


async def verify(deployment: Deployment, credentials: Credentials) -> None:
    """Let the product check its own books; fails with what it found."""
    program = str(credentials.program_id)
    await asyncio.to_thread(deployment.command, "ledger", "verify", "--program", program)
