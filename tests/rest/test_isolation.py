"""A walk over the route table with what is another's: of another program, and of another member of one program.

It answers exactly as what does not exist, and stays as it is. Rows that are added are walked as well: each has to
name something that `owned.py` knows how to own.
"""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import Connection, Table, or_, select

from domain.models import METADATA, account, hold, member
from rest_compat.envelope import Family
from rest_compat.operation import Operation
from rest_compat.routes import OPERATIONS
from tests.database import FreshDatabase
from tests.rest.background import work
from tests.rest.owned import Owned, asked, naming_fields, nothing, owned_by
from tests.rest.test_walk import encoded
from tests.rest.world import Answer, World, open_world

# These answer alike whether there is the member or not: so that nobody learns who is one.
ALIKE = {
    "CheckMembershipCredentialsByRelationReference",
    "GenerateOTP",
    "VerifyOTP",
    "GenerateOTPByRelationReference",
    "VerifyOTPByRelationReference",
}

# A caller chooses these, and two of one program cannot have the same: what is taken is refused as a reused key.
CHOSEN = {("RedeemPoints", ("ExternalReference",))}

# A member may give to another: what that does to the other has a test of its own.
GIVES = {("TransferPoints", ("ToRelationReference",))}

Case = tuple[Operation, tuple[str, ...]]


def _cases() -> Iterator[Case]:
    """Each name of a request on its own, and all of them together."""
    for operation in OPERATIONS:
        named = () if operation.is_public else naming_fields(operation)
        yield from ((operation, (name,)) for name in named)
        if len(named) > 1:
            yield operation, tuple(named)


def _each(cases: Iterable[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", list(cases), ids=lambda case: f"{case[0].name}-{'+'.join(case[1])}")


every_case = _each(_cases())


@pytest_asyncio.fixture(scope="module")
async def pair(fresh_database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[World]]:
    """Two programs on one database; the second has many more members, so that its ids are none of the first."""
    folder: Path = tmp_path_factory.mktemp("isolation")
    with fresh_database() as url:
        async with open_world(url, folder) as ours:
            theirs = await ours.another_program("Theirs")
            for _ in range(40):
                await theirs.member()
            for _ in range(5):
                await owned_by(theirs)
            yield [ours, theirs]


@pytest_asyncio.fixture(scope="module")
async def intruder(pair: list[World]) -> Owned:
    """A member of the first program, whose own names stand where no other's do."""
    return await owned_by(pair[0], "INTRUDER")


async def _send(
    world: World, case: Case, family: Family, token: str, own: Owned, other: Owned, **changed: Any
) -> Answer:
    operation, named = case
    query, body = asked(operation, own, other, named, **changed)
    answer = await world.send(
        operation.method,
        operation.path(family),
        content=encoded(operation, body) if operation.body is not None else None,
        query=query,
        token=token,
        headers={"Content-Type": "application/json"},
    )
    return await _done(world, answer, family) if answer.status == 202 else answer


async def _done(world: World, queued: Answer, family: Family) -> Answer:
    """What became of what was queued: the answer itself is the same whatever was asked."""
    await work(world)
    return await world.call(
        "PollTransactionBatchStatus", query={"batch_id": queued.value["batch_id"]}, family=family, token=world.token
    )


def _shown(answer: Answer, names: Owned) -> Any:
    """An answer without the names that were sent, which it may repeat; of a success, that it was one."""
    if answer.envelope["IsSucessful"]:
        return answer.outcome, _shape(answer.value), [_nameless(fate, names) for fate in _fates(answer.value)]
    return answer.outcome, _nameless(answer.body, names)


def _fates(value: Any) -> list[Any]:
    """How each transaction of a polled batch fared: it is all that a batch has to tell."""
    rows = value.get("results", ()) if isinstance(value, Mapping) else ()
    return [{name: item for name, item in row.items() if name != "request_id"} for row in rows]


def _nameless(value: Any, names: Owned) -> str:
    text = orjson.dumps(value).decode()
    for kind, name in names.names.items():
        # A row's number is not the first part of a decimal.
        text = re.sub(rf"(?<![\w.-]){re.escape(str(name))}(?![\w-]|\.\d)", f"<{kind}>", text)
    return text


def _shape(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _shape(item) for key, item in value.items()}
    return [_shape(item) for item in value] if isinstance(value, list) else type(value).__name__


async def _rows(world: World, partition: int, member: int | None = None) -> dict[str, list[Any]]:
    """Every row of a program, or only those of one of its members. How many requests were counted is no content."""

    def body(tx: Connection) -> dict[str, list[Any]]:
        conditions = {table: _owned_by(table, partition, member) for table in METADATA.sorted_tables}
        return {
            table.name: [tuple(row) for row in tx.execute(select(table).where(*where).order_by(*table.primary_key))]
            for table, where in conditions.items()
            if where and table.name not in {"rate_lease", "access_token"}
        }

    return await world.services.db.read(body)


def _owned_by(table: Table, partition: int, member: int | None) -> list[Any]:
    """What picks the rows of a program or a member; nothing where the table has none."""
    key = table.c.get("id" if table.name == "program" else "program_id")
    if key is None or member is None:
        return [] if key is None else [key == partition]
    accounts = select(account.c.id).where(account.c.program_id == partition, account.c.member_id == member)
    found = [table.c.id == member] if table.name == "member" else []
    found += [table.c.member_id == member] if "member_id" in table.c else []
    found += [table.c.account_id.in_(accounts)] if "account_id" in table.c else []
    return [key == partition, or_(*found)] if found else []


async def _require_names_of_none(world: World, victim: Owned) -> None:
    """Ids are counted in each program: those of the victim must not be somebody's here, or the walk shows nothing."""

    def body(tx: Connection) -> tuple[set[int], set[int]]:
        members, holds = (
            set(tx.execute(select(table.c.id).where(table.c.program_id == 1)).scalars()) for table in (member, hold)
        )
        return members, holds

    members, holds = await world.services.db.read(body)
    assert victim.names["id"] not in members
    assert victim.names["request"] not in holds


@every_case
async def test_what_is_of_another_program_does_not_exist_and_does_not_change(
    pair: list[World], intruder: Owned, case: Case, family: Family
) -> None:
    ours, theirs = pair
    victim = await owned_by(theirs, "VICTIM")
    unknown = nothing(victim)
    await _require_names_of_none(ours, victim)
    before = await _rows(theirs, 2)
    assert before["member"]
    foreign = await _send(ours, case, family, ours.token, intruder, victim)
    assert _shown(foreign, victim) == _shown(await _send(ours, case, family, ours.token, intruder, unknown), unknown)
    assert "VICTIM" not in orjson.dumps(foreign.body).decode()
    assert await _rows(theirs, 2) == before


@pytest.mark.parametrize(
    "operation", [row for row in OPERATIONS if not row.is_public and row.name not in ALIKE], ids=lambda row: row.name
)
async def test_the_names_of_the_walk_reach_something_for_those_whose_they_are(
    pair: list[World], operation: Operation
) -> None:
    theirs = pair[1]
    victim, family = await owned_by(theirs, "VICTIM"), Family.V1
    unknown = nothing(victim)
    named = tuple(naming_fields(operation))
    reached = []
    for case in [(operation, (name,)) for name in named] + [(operation, named)]:
        own = await _send(theirs, case, family, theirs.token, victim, victim)
        none = await _send(theirs, case, family, theirs.token, victim, unknown)
        reached.append(_shown(own, victim) != _shown(none, unknown))
    assert any(reached)


@_each(case for case in _cases() if (case[0].name, case[1]) not in GIVES)
async def test_a_bound_token_does_not_reach_another_member(
    pair: list[World], intruder: Owned, case: Case, family: Family
) -> None:
    ours = pair[0]
    victim = await owned_by(ours, "VICTIM")
    unknown = nothing(victim)
    token = await ours.bound_token(intruder.names["reference"])
    before = await _rows(ours, 1, victim.names["id"])
    assert before["member"]
    assert before["ledger_entry"]
    foreign = await _send(ours, case, family, token, intruder, victim)
    free = await _send(ours, case, family, token, intruder, unknown)
    if (case[0].name, case[1]) in CHOSEN:
        assert (foreign.outcome, free.outcome) == ((409, "409"), (200, "000"))
    else:
        assert _shown(foreign, victim) == _shown(free, unknown)
    assert "VICTIM" not in orjson.dumps(foreign.body).decode()
    assert await _rows(ours, 1, victim.names["id"]) == before
    if not case[0].for_members:
        assert foreign.outcome == (403, "403")


async def test_a_bound_token_gives_to_another_member_and_learns_nothing_of_it(
    pair: list[World], intruder: Owned, family: Family
) -> None:
    ours = pair[0]
    giver, victim = await owned_by(ours, "GIVER"), await owned_by(ours, "VICTIM")
    token = await ours.bound_token(giver.names["reference"])
    before = await _rows(ours, 1, victim.names["id"])

    async def points(one: Owned) -> Any:
        return (await ours.call("CheckAvailability", {"RelationReference": one.names["reference"]})).value

    had = await points(giver), await points(victim)
    [case] = [one for one in _cases() if (one[0].name, one[1]) in GIVES]
    given = await _send(ours, case, family, token, giver, victim, Points=3)
    assert given.outcome == (200, "000")
    # The name of the transfer is all that the answer has.
    assert UUID(given.value)
    assert (await points(giver), await points(victim)) == (had[0] - 3, had[1] + 3)
    own = await ours.call("GetMemberProfile", token=token)
    dates = {"DateFrom": "2026-01-01", "DateTo": "2026-12-31"}
    statement = await ours.call("GetMemberTransactionSummaryByDate", dates, token=token)
    assert statement.value[0]["Points"] == 3
    for shown in (given, own, statement):
        assert "VICTIM" not in orjson.dumps(shown.body).decode()
    after = await _rows(ours, 1, victim.names["id"])
    # What the other had is as it was, but for its balance.
    lost = {name for name, rows in before.items() if not {*map(repr, rows)} <= {*map(repr, after[name])}}
    assert lost <= {"account"}
