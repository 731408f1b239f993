"""Transactions that arrive at once share a database transaction, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from domain.errors import ServiceUnavailable, TesseraError
from domain.store import database, failure
from domain.store.merge import MergedMeanwhile
from resolvers.context import Context
from resolvers.earning import Earnings
from resolvers.member import EnrollMember, enroll_member
from resolvers.transaction import SubmitTransaction, TransactionOutcome, submit_transaction
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop
from tests.resolvers.test_transaction import BUY, ann, balance

ANNS_ACCOUNTS = """SELECT 1 FROM account a JOIN member m ON m.program_id = a.program_id AND m.id = a.member_id
WHERE m.relation_reference = 'ANN' FOR UPDATE OF a"""
LOCKS = {
    "account": "SELECT 1 FROM account WHERE program_id = $1 FOR UPDATE",
    "program": "SELECT 1 FROM program WHERE id = $1 FOR UPDATE",
}
FORTY = [replace(BUY, transaction_id=f"T{number}", idempotency_key=f"K{number}") for number in range(40)]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many transactions each database transaction was tried with. One of them breaks the code."""
    sizes: list[int] = []
    posted = Earnings.post

    def post(self: Earnings, commands: Any) -> Any:
        sizes.append(len(commands))
        outcomes = posted(self, commands)
        if any(one.transaction_id == "BROKEN" for one in commands):
            raise RuntimeError("a fault of our own")
        return outcomes

    monkeypatch.setattr(Earnings, "post", post)
    return sizes


async def at_once(context: Context, commands: list[SubmitTransaction]) -> list[Any]:
    return await asyncio.gather(*(submit_transaction(context, one) for one in commands), return_exceptions=True)


@asynccontextmanager
async def held(url: str, rows: str, *values: object) -> AsyncIterator[None]:
    """Somebody holds these rows meanwhile."""
    holder = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(False))
    try:
        async with holder.transaction():
            await holder.execute(rows, *values)
            yield
    finally:
        await holder.close()


async def test_transactions_that_arrive_at_once_go_together(shop: Shop, runs: list[int]) -> None:
    context = shop.contexts[0]
    await ann(context)
    outcomes = await at_once(context, FORTY)
    assert [str(one.points) for one in outcomes] == ["30"] * 40
    assert sum(runs) == 40
    assert len(runs) < 10
    assert await balance(context) == 40 * 30
    assert await verify_ledger(context.services) == []


async def test_of_transactions_that_go_together_each_meets_its_own_fault(shop: Shop, runs: list[int]) -> None:
    context = shop.contexts[0]
    await ann(context)
    commands = list(FORTY)
    commands[11] = replace(commands[11], transaction_id="BROKEN")
    commands[12] = replace(commands[12], product_code="UNHEARD OF")
    commands[13] = replace(commands[13], transaction_id="T10")
    outcomes = await at_once(context, commands)
    wrong = {number: one for number, one in enumerate(outcomes) if not isinstance(one, TransactionOutcome)}
    assert {number: type(one).__name__ for number, one in wrong.items()} == {
        11: "AwardFailed",
        12: "InvalidProductCode",
        13: "DuplicateRecord",
    }
    assert runs.count(1) > 1
    assert await balance(context) == 37 * 30
    assert await verify_ledger(context.services) == []


async def test_a_member_that_is_merged_again_and_again_is_no_matter_of_the_others(shop: Shop) -> None:
    def body(_tx: Connection, _ctx: Context, items: Sequence[str]) -> Sequence[str]:
        if "merged" in items:
            raise MergedMeanwhile
        return items

    items = ["one", "merged", "two", "three"]
    outcomes = await asyncio.gather(
        *(shop.contexts[0].write_together(body, one, one) for one in items), return_exceptions=True
    )
    assert [one if isinstance(one, str) else type(one) for one in outcomes] == [
        "one",
        ServiceUnavailable,
        "two",
        "three",
    ]


async def test_a_caller_that_gives_up_takes_no_transaction_along(shop: Shop) -> None:
    context = shop.contexts[0]
    await ann(context)
    tasks = [asyncio.create_task(submit_transaction(context, one)) for one in FORTY]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(isinstance(task.result(), TransactionOutcome) for task in tasks[1::2])
    # What was given up may be done or not; asked for again it is done once.
    again = await at_once(context, FORTY)
    assert all(isinstance(one, TransactionOutcome) for one in again)
    assert await balance(context) == 40 * 30


async def test_the_same_transaction_at_once_is_posted_once(shop: Shop) -> None:
    context = shop.contexts[0]
    await ann(context)
    answers = await at_once(context, [FORTY[0]] * 25)
    assert len({one.id for one in answers}) == 1
    assert sum(one.replayed for one in answers) == 24
    refused = await at_once(context, [replace(FORTY[0], idempotency_key=None)] * 5)
    assert {one.code for one in refused if isinstance(one, TesseraError)} == {"1201"}
    assert await balance(context) == 30


async def test_programs_and_callers_do_not_mix(shop: Shop, runs: list[int]) -> None:
    first, second = shop.contexts
    await ann(first)
    await enroll_member(second, EnrollMember(values={"relation_reference": "ANN", "status": 1}))
    other = replace(first, principal=replace(first.principal, actor="somebody else"))
    outcomes = await asyncio.gather(*(at_once(one, FORTY[:9]) for one in (first, second)), at_once(other, FORTY[9:12]))
    assert [len([one for one in mine if isinstance(one, TransactionOutcome)]) for mine in outcomes] == [9, 9, 3]
    assert await balance(first) == 12 * 30
    assert await balance(second) == 9 * 30


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_an_account_that_somebody_holds_stops_nobody_else(
    shop: Shop, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ann(shop.contexts[0])
    await enroll_member(shop.contexts[0], EnrollMember(values={"relation_reference": "BOB", "status": 1}))
    # A shorter patience, so that the test does not take half a minute.
    monkeypatch.setattr(database, "SESSION_OF_STATEMENTS", database.SESSION_OF_STATEMENTS | {"lock_timeout": "200"})
    monkeypatch.setattr(failure, "_RETRIES", 1)
    impatient = database.open_database(database_url, data_dir=tmp_path)
    context = replace(shop.contexts[0], services=replace(shop.services, db=impatient))
    whose = ["BOB" if place % 5 else "ANN" for place in range(len(FORTY))]
    commands = [replace(one, member_relation_reference=name) for one, name in zip(FORTY, whose, strict=True)]
    try:
        async with held(database_url, ANNS_ACCOUNTS):
            outcomes = await at_once(context, commands)
    finally:
        await impatient.close()
    told = {type(one).__name__ for one, name in zip(outcomes, whose, strict=True) if name == "ANN"}
    assert told == {"ServiceUnavailable"}
    assert sum(isinstance(one, TransactionOutcome) for one in outcomes) == 32
    assert await balance(shop.contexts[0]) == 0
    assert await verify_ledger(shop.services) == []


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
@pytest.mark.parametrize("locked", LOCKS)
async def test_a_program_whose_rows_somebody_holds_stops_no_other(shop: Shop, database_url: str, locked: str) -> None:
    first, second = shop.contexts
    await enroll_member(second, EnrollMember(values={"relation_reference": "ANN", "status": 1}))
    purchases = [replace(one, member_relation_reference=f"M{number}") for number, one in enumerate(FORTY[:16])]
    for one in purchases:
        values = {"relation_reference": one.member_relation_reference, "status": 1}
        await enroll_member(first, EnrollMember(values=values))
    async with held(database_url, LOCKS[locked], first.principal.program_id):
        waiting = []
        for one in purchases:
            waiting.append(asyncio.create_task(submit_transaction(first, one)))
            # Each begins after the one before stands still.
            await asyncio.sleep(0.06)
        assert {str(one.points) for one in await at_once(second, FORTY)} == {"30"}
        assert not any(task.done() for task in waiting)
    assert {str(one.points) for one in await asyncio.gather(*waiting)} == {"30"}
