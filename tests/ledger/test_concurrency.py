"""Many at once over HTTP: one server process on SQLite, two on PostgreSQL, real sockets in between."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from tests.callers import Answer, Caller, callers
from tests.database import Dialect, FreshDatabase
from tests.ledger.invariants import stored_books, violations
from tests.servers import CONFIGURATION, Credentials, Deployment, Server, running_servers

# The servers of a database are started once, and not once for each worker.
pytestmark = pytest.mark.xdist_group("concurrency")

PROCESSES = {"sqlite": 1, "postgresql": 2}
MEMBERS = map("MEMBER-{}".format, count(1))


@dataclass(frozen=True)
class Shop:
    """A served program."""

    deployment: Deployment
    servers: list[Server]
    credentials: Credentials

    async def holds(self) -> None:
        """Fail where the books do not hold."""
        program_id = self.credentials.program_id
        books = await stored_books(self.deployment.database_url, self.deployment.data_dir, program_id)
        assert violations(books) == []


@pytest.fixture(scope="module")
def shop(dialect: Dialect, fresh_database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with fresh_database() as url:
        deployment = Deployment(url, tmp_path_factory.mktemp("shop"))
        credentials = deployment.create_program("shop", CONFIGURATION)
        with running_servers(deployment, PROCESSES[dialect]) as servers:
            yield Shop(deployment, servers, credentials)
            # The product's own opinion once for all tests, because a command takes a second to start.
            deployment.command("ledger", "verify", "--program", str(credentials.program_id))


async def member_with(caller: Caller, points: int) -> str:
    member = next(MEMBERS)
    await caller.enroll(member)
    await caller.earn(member, points, f"purchase of {member}")
    return member


def tally(answers: list[Answer]) -> dict[tuple[int, str], int]:
    return dict(Counter((answer.status, answer.code) for answer in answers))


@pytest.mark.parametrize("with_keys", [False, True], ids=["without keys", "with keys"])
async def test_of_fifty_who_redeem_the_whole_balance_one_succeeds(shop: Shop, with_keys: bool) -> None:
    async with callers(shop.servers, shop.credentials) as clients:
        member = await member_with(clients[0], 500)
        answers = await asyncio.gather(
            *(
                clients[number % len(clients)].redeem(member, 500, str(uuid.uuid4()) if with_keys else None)
                for number in range(50)
            )
        )
        assert tally(answers) == {(200, "000"): 1, (422, "121"): 49}
        assert [await client.available(member) for client in clients] == [0] * len(clients)
    await shop.holds()


async def test_a_balance_is_shared_out_to_the_last_point(shop: Shop) -> None:
    async with callers(shop.servers, shop.credentials) as clients:
        member = await member_with(clients[0], 70)
        for number in range(3):
            await clients[0].earn(member, 10, f"more {number} for {member}")
        answers = await asyncio.gather(*(clients[number % len(clients)].redeem(member, 7) for number in range(40)))
        assert tally(answers) == {(200, "000"): 14, (422, "121"): 26}
        assert await clients[0].available(member) == 2
    await shop.holds()


async def test_a_key_that_comes_twenty_times_at_once_debits_once(shop: Shop) -> None:
    async with callers(shop.servers, shop.credentials) as clients:
        member, key = await member_with(clients[0], 100), str(uuid.uuid4())
        answers = await asyncio.gather(
            *(clients[number % len(clients)].redeem(member, 60, key) for number in range(20))
        )
        assert tally(answers) == {(200, "000"): 20}
        assert all(answer.envelope == answers[0].envelope for answer in answers)
        assert sorted(answer.is_replay for answer in answers) == [False] + [True] * 19
        assert await clients[0].available(member) == 40
    await shop.holds()


async def test_a_refusal_that_comes_twenty_times_at_once_binds_its_key_once(shop: Shop) -> None:
    async with callers(shop.servers, shop.credentials) as clients:
        member, key = await member_with(clients[0], 100), str(uuid.uuid4())
        answers = await asyncio.gather(
            *(clients[number % len(clients)].redeem(member, 101, key) for number in range(20))
        )
        assert tally(answers) == {(422, "121"): 20}
        await clients[0].earn(member, 50, f"more for {member}")
        later = [await clients[0].redeem(member, 101, key), await clients[0].redeem(member, 1, key)]
        assert tally(later) == {(422, "121"): 1, (409, "409"): 1}
        assert await clients[0].available(member) == 150
    await shop.holds()


@pytest.mark.parametrize("with_keys", [False, True], ids=["without keys", "with keys"])
async def test_of_twenty_reversals_at_once_one_gives_the_points_back(shop: Shop, with_keys: bool) -> None:
    async with callers(shop.servers, shop.credentials) as clients:
        member = await member_with(clients[0], 100)
        reference = (await clients[0].redeem(member, 60)).value
        answers = await asyncio.gather(
            *(
                clients[number % len(clients)].reverse(member, reference, str(uuid.uuid4()) if with_keys else None)
                for number in range(20)
            )
        )
        assert tally(answers) == {(200, "000"): 1, (409, "122"): 19}
        assert await clients[0].available(member) == 100
    await shop.holds()


async def test_a_reversal_that_comes_twenty_times_at_once_with_its_key_is_one(shop: Shop) -> None:
    async with callers(shop.servers, shop.credentials) as clients:
        member, key = await member_with(clients[0], 100), str(uuid.uuid4())
        reference = (await clients[0].redeem(member, 60)).value
        answers = await asyncio.gather(
            *(clients[number % len(clients)].reverse(member, reference, key) for number in range(20))
        )
        assert tally(answers) == {(200, "000"): 20}
        assert all(answer.envelope == answers[0].envelope for answer in answers)
        assert sorted(answer.is_replay for answer in answers) == [False] + [True] * 19
        assert await clients[0].available(member) == 100
    await shop.holds()


async def test_a_key_that_comes_at_once_for_two_members_debits_one(shop: Shop) -> None:
    async with callers(shop.servers, shop.credentials) as clients:
        members = [await member_with(clients[0], 100) for _ in range(2)]
        for _ in range(5):
            key = str(uuid.uuid4())
            answers = await asyncio.gather(
                *(clients[n % len(clients)].redeem(members[n // 4], 2, key) for n in range(8))
            )
            assert tally(answers) == {(200, "000"): 4, (409, "409"): 4}
        assert sum([await clients[0].available(member) for member in members]) == 190
    await shop.holds()


async def test_redemptions_and_reversals_that_race_leave_what_they_say(shop: Shop) -> None:
    async with callers(shop.servers, shop.credentials) as clients:
        member = await member_with(clients[0], 100)

        async def redeem_and_take_back(number: int) -> int:
            client = clients[number % len(clients)]
            redeemed = await client.redeem(member, 30)
            if redeemed.code != "000":
                return 0
            if number % 3 == 0:
                return 30
            assert (await client.reverse(member, redeemed.value)).code == "000"
            return 0

        spent = sum(await asyncio.gather(*(redeem_and_take_back(number) for number in range(60))))
        assert await clients[0].available(member) == 100 - spent
    await shop.holds()
