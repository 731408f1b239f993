"""Transfers: lots keep their dates, each refusal writes nothing, and members who send to each other never lock up."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, update

from domain.errors import (
    BadRequest,
    Forbidden,
    InsufficientPoints,
    InvalidRequest,
    KeyReused,
    MemberCancelled,
    MemberNotFound,
    MembershipBlocked,
    MemberSuspended,
    PointsNotPositive,
    TesseraError,
)
from domain.models import member
from resolvers.context import Context
from resolvers.expiry import expire_due
from resolvers.ledger import list_entries_by_id
from resolvers.program import apply_configuration
from resolvers.transfer import TransferPoints, transfer_points
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import (
    balance,
    enroll,
    entries,
    figures,
    give,
    member_of,
    nothing_written,
    outcome,
    set_status,
    verified,
)

ORDER = TransferPoints(from_reference="ANN", to_reference="BEN", points=Decimal(30), narration=" Für dich ")


@pytest.fixture
async def pair(shop: Shop) -> AsyncIterator[Context]:
    """A caller of the program in which ANN and BEN have 100 points each; the books are checked afterwards."""
    for reference in ("ANN", "BEN"):
        await enroll(shop.contexts[0], reference, 100)
    yield shop.contexts[0]
    await verified(shop)


async def test_both_sides_name_each_other_and_show_the_narration(pair: Context) -> None:
    sent = await transfer_points(pair, ORDER)
    out, into = (await entries(pair, "ANN"))[0], (await entries(pair, "BEN"))[0]
    assert (out.stored.id, into.stored.id) == (sent.entry_id, sent.received_entry_id)
    assert (out.stored.related_id, into.stored.related_id) == (into.stored.id, out.stored.id)
    assert [int(out.points), int(into.points)] == [-30, 30]
    assert out.stored.external_reference == sent.external_reference
    assert (out.stored.loyalty_txn_type, into.stored.loyalty_txn_type) == (8, 7)
    assert (out.stored.bucket, into.stored.bucket, out.category, into.category) == (
        "redeem",
        "other",
        "Transfer",
        "Transfer",
    )
    assert out.narration == out.note == into.narration == "Für dich"
    assert [(await balance(pair, one)).total for one in ("ANN", "BEN")] == [70, 130]


async def test_without_a_narration_a_sentence_stands_in(shop: Shop, pair: Context) -> None:
    await transfer_points(pair, replace(ORDER, narration="  "))
    out = (await entries(pair, "ANN"))[0]
    assert (out.narration, out.note) == ("Points transferred out", None)


async def test_the_narration_of_an_erased_member_is_gone_on_its_side_alone(shop: Shop, pair: Context) -> None:
    await transfer_points(pair, ORDER)
    [(_, other_key)] = shop.services.keys.new_data_keys(1)

    def forget(tx: Connection) -> None:
        tx.execute(update(member).where(member.c.relation_reference == "ANN").values(data_key=other_key))

    reader = shop.contexts[0]
    found = (await entries(reader, "ANN"))[0]
    number = (await entries(reader, "BEN"))[0]
    await shop.services.db.write(forget)
    read = await list_entries_by_id(reader, [found.stored.id, number.stored.id])
    assert (read[found.stored.id].note, read[found.stored.id].narration) == (None, "Points transferred out")
    assert read[number.stored.id].note == "Für dich"


async def test_lots_keep_the_dates_on_which_they_expire(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await enroll(ctx, "ANN", 40, expires=date(2026, 3, 10))
    await give(ctx, "ANN", 60)
    await enroll(ctx, "BEN")
    await transfer_points(ctx, replace(ORDER, points=Decimal(50)))
    shop.later(days=20)
    for _ in range(2):
        assert (await figures(ctx, "ANN"), await figures(ctx, "BEN")) == ((50, 0), (10, 0))
        await expire_due(shop.services)
    await verified(shop)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"from_reference": None}, BadRequest),
        ({"to_reference": ""}, BadRequest),
        ({"points": Decimal("NaN")}, BadRequest),
        ({"narration": "x" * 501}, BadRequest),
        ({"narration": "a\nb"}, BadRequest),
        ({"idempotency_key": ""}, InvalidRequest),
        ({"to_reference": "ANN", "points": Decimal(0)}, InvalidRequest),
        ({"points": Decimal(0)}, PointsNotPositive),
        ({"points": Decimal("0.000009"), "to_reference": "NOBODY"}, PointsNotPositive),
        ({"to_reference": "NOBODY", "points": Decimal("0.011")}, MemberNotFound),
        ({"from_reference": "NOBODY"}, MemberNotFound),
        ({"points": Decimal("0.011")}, InvalidRequest),
        ({"points": Decimal("100.01")}, InsufficientPoints),
    ],
)
async def test_a_transfer_that_is_refused_writes_nothing(
    shop: Shop, change: dict[str, Any], error: type[TesseraError]
) -> None:
    ctx = shop.contexts[0]
    await apply_configuration(ctx, b"version: 1\nprogram: {points_decimals: 2}")
    for reference in ("ANN", "BEN"):
        await enroll(ctx, reference, 100)
    async with nothing_written(shop):
        with pytest.raises(error):
            await transfer_points(ctx, replace(ORDER, **change))
    await transfer_points(ctx, replace(ORDER, points=Decimal("0.01")))


@pytest.mark.parametrize(
    ("sender", "receiver", "error"),
    [
        (4, 6, MemberCancelled),
        (2, 4, MemberSuspended),
        (1, 4, MemberCancelled),
        (1, 6, MembershipBlocked),
        (3, 2, None),
        (5, 3, None),
        (6, 5, None),
    ],
)
async def test_the_status_of_both_decides(
    shop: Shop, pair: Context, sender: int, receiver: int, error: type[TesseraError] | None
) -> None:
    await set_status(pair, "ANN", sender)
    await set_status(pair, "BEN", receiver)
    if error is None:
        await transfer_points(pair, ORDER)
        return
    async with nothing_written(shop):
        with pytest.raises(error):
            await transfer_points(pair, replace(ORDER, points=Decimal(1000)))


async def test_a_member_sends_from_its_own_account_only(shop: Shop, pair: Context) -> None:
    app = member_of(pair, "ANN")
    async with nothing_written(shop):
        with pytest.raises(Forbidden):
            await transfer_points(app, replace(ORDER, from_reference="BEN", to_reference="ANN"))
        with pytest.raises(InvalidRequest):
            await transfer_points(app, replace(ORDER, from_reference=None, to_reference="ANN"))
    await transfer_points(app, replace(ORDER, from_reference=None))


async def test_members_of_another_program_do_not_exist(shop: Shop, pair: Context) -> None:
    await enroll(shop.contexts[1], "CLEO")
    async with nothing_written(shop):
        with pytest.raises(MemberNotFound):
            await transfer_points(pair, replace(ORDER, to_reference="CLEO"))


async def test_a_key_transfers_once(shop: Shop, pair: Context) -> None:
    order = replace(ORDER, idempotency_key="K")
    sent = await asyncio.gather(*(transfer_points(pair, order) for _ in range(20)))
    assert len({one.entry_id for one in sent}) == 1
    assert sorted(one.replayed for one in sent) == [False] + [True] * 19
    async with nothing_written(shop):
        with pytest.raises(KeyReused):
            await transfer_points(pair, replace(order, narration="Other"))
    assert [(await balance(pair, one)).total for one in ("ANN", "BEN")] == [70, 130]


async def test_transfers_both_ways_at_once_keep_the_sum(pair: Context) -> None:
    back = replace(ORDER, from_reference="BEN", to_reference="ANN", points=Decimal(20))
    orders = [one for _ in range(15) for one in (replace(ORDER, points=Decimal(5)), back)]
    codes = await asyncio.gather(*(outcome(transfer_points(pair, one)) for one in orders))
    assert set(codes) <= {"000", "121"}
    assert codes.count("000") >= 20
    totals = [(await balance(pair, one)).total for one in ("ANN", "BEN")]
    assert sum(totals) == 200
    assert all(one >= 0 for one in totals)
