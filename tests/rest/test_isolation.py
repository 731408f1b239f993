"""A walk over the route table with what is another's: of another program, and of another member of one program.

It answers exactly as what does not exist, and stays as it is. Rows that are added are walked as well: each has to
name something that `owned.py` knows how to own.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import Connection, Table, or_, select

from domain.models import METADATA, account
from rest_compat.envelope import Family
from rest_compat.operation import Operation
from rest_compat.routes import OPERATIONS
from tests.database import FreshDatabase
from tests.rest.owned import Owned, asked, naming_fields, nothing, owned_by
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

Case = tuple[Operation, tuple[str, ...]]


def _cases() -> Iterator[Case]:
    for operation in OPERATIONS:
        named = () if operation.is_public else naming_fields(operation)
        yield from ((operation, (name,)) for name in named)
        if len(named) > 1:
            yield operation, tuple(named)


every_case = pytest.mark.parametrize("case", list(_cases()), ids=lambda case: f"{case[0].name}-{'+'.join(case[1])}")


@pytest_asyncio.fixture(scope="module")
async def pair(fresh_database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[World]]:
    """Two programs on one database; the second has many more members, so that its ids are none of the first."""
    folder: Path = tmp_path_factory.mktemp("isolation")
    with fresh_database() as url:
        async with open_world(url, folder) as ours:
            theirs = await ours.another_program("Theirs")
            for _ in range(40):
                await theirs.member()
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
    return await world.send(
        operation.method,
        operation.path(family),
        content=orjson.dumps(body) if operation.body is not None else None,
        query=query,
        token=token,
        headers={"Content-Type": "application/json"},
    )


def _shown(answer: Answer, names: Owned) -> Any:
    """An answer without the names that were sent, which it may repeat; of a success, that it was one."""
    if answer.envelope["IsSucessful"]:
        return answer.outcome, _shape(answer.value)
    text = orjson.dumps(answer.body).decode()
    for kind, name in names.names.items():
        text = re.sub(rf"(?<![\w-]){re.escape(str(name))}(?![\w-])", f"<{kind}>", text)
    return answer.outcome, text


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


@every_case
@pytest.mark.parametrize("family", Family)
async def test_what_is_of_another_program_does_not_exist_and_does_not_change(
    pair: list[World], intruder: Owned, case: Case, family: Family
) -> None:
    ours, theirs = pair
    victim = await owned_by(theirs, "VICTIM")
    unknown = nothing(victim)
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


@every_case
@pytest.mark.parametrize("family", Family)
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
