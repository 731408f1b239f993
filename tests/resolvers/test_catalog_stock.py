"""Stock and pools of codes: what goes in and out, and each refusal with nothing written."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from domain.catalog_errors import VoucherCodesRefused
from domain.errors import TesseraError
from resolvers.catalog_stock import ChangeStock, ImportCodes, change_stock, import_codes, list_pools, withdraw_codes
from resolvers.context import Context
from resolvers.order import place_order
from resolvers.order_record import get_order_code
from resolvers.program import apply_configuration
from tests.resolvers.conftest import Shop, contents
from tests.resolvers.desk import administrator, member_of, nothing_written, outcome
from tests.resolvers.wares import CARD, CATALOG, last_audit

CODES = ImportCodes(pool="CARDS", codes=["A-1", "A-2"])


@pytest.fixture
async def counter(ann: Context) -> Context:
    """A caller of the program with the catalogue and nothing in stock; the books are checked afterwards."""
    await apply_configuration(ann, CATALOG)
    return ann


async def test_stock_is_set_and_moved_and_told(counter: Context) -> None:
    assert await change_stock(counter, ChangeStock(item="BOWL", by=5)) == 5
    assert await change_stock(counter, ChangeStock(item="BOWL", by=-2)) == 3
    newest = await last_audit(counter)
    assert (newest.action, newest.subject) == ("catalog.stock", "catalog-item:BOWL")
    assert (newest.before, newest.after) == ({"quantity": 5}, {"quantity": 3})
    assert await change_stock(counter, ChangeStock(item="BOWL", quantity=0)) == 0
    added = await asyncio.gather(*(change_stock(counter, ChangeStock(item="BOWL", by=1)) for _ in range(10)))
    assert sorted(added) == list(range(1, 11))


Change = Callable[[Context], Awaitable[Any]]
REFUSALS: list[tuple[str, Change]] = [
    ("999", lambda ctx: change_stock(ctx, ChangeStock(item="BOWL"))),
    ("999", lambda ctx: change_stock(ctx, ChangeStock(item="BOWL", quantity=1, by=1))),
    ("1380", lambda ctx: change_stock(ctx, ChangeStock(item="NOTHING", by=1))),
    ("998", lambda ctx: change_stock(ctx, ChangeStock(item="GIFT", by=1))),
    ("998", lambda ctx: change_stock(ctx, ChangeStock(item="CARD", by=1))),
    ("998", lambda ctx: change_stock(ctx, ChangeStock(item="BOWL", by=-1))),
    ("998", lambda ctx: change_stock(ctx, ChangeStock(item="BOWL", quantity=10**9 + 1))),
    ("999", lambda ctx: import_codes(ctx, replace(CODES, codes=[]))),
    ("999", lambda ctx: import_codes(ctx, replace(CODES, codes=["x"] * 10_001))),
    ("999", lambda ctx: import_codes(ctx, replace(CODES, pool=" "))),
    ("998", lambda ctx: import_codes(ctx, replace(CODES, last_day=date(2026, 2, 28)))),
    ("999", lambda ctx: import_codes(ctx, replace(CODES, last_day=date.max))),
    ("1389", lambda ctx: import_codes(ctx, replace(CODES, codes=["B", ""]))),
    ("1389", lambda ctx: import_codes(ctx, replace(CODES, codes=["B", "x" * 201]))),
    ("1389", lambda ctx: import_codes(ctx, replace(CODES, codes=["B", "C", " B "]))),
    ("1389", lambda ctx: import_codes(ctx, replace(CODES, codes=["B", "OLD"]))),
]


@pytest.mark.parametrize("number", range(len(REFUSALS)))
async def test_what_is_refused_writes_nothing(shop: Shop, counter: Context, number: int) -> None:
    code, change = REFUSALS[number]
    await import_codes(counter, replace(CODES, codes=["OLD"]))
    async with nothing_written(shop):
        assert await outcome(change(counter)) == code
        for ctx in (member_of(counter, "ANN"), administrator(counter, "desk", "customer-executive")):
            assert await outcome(change(ctx)) == "403"


async def test_a_refused_code_is_named_by_its_line_alone(counter: Context) -> None:
    await import_codes(counter, CODES)
    with pytest.raises(VoucherCodesRefused) as refused:
        await import_codes(counter, replace(CODES, codes=["A-3", "A-2", "A-1"]))
    assert refused.value.detail == "2 codes have been in the pool before: lines 2, 3"
    # A code may stand in two pools, and codes that differ in case are different.
    assert await import_codes(counter, replace(CODES, pool="OTHER")) == 2
    assert await import_codes(counter, replace(CODES, codes=["a-1"])) == 1


async def test_a_list_can_be_taken_in_again_without_what_is_known(shop: Shop, counter: Context) -> None:
    await import_codes(counter, CODES)
    more = replace(CODES, codes=["A-2", "A-3", "A-1"], skips_known=True)
    assert await import_codes(counter, more) == 1
    newest = await last_audit(counter)
    assert (newest.before, newest.after) == ({"free": 2}, {"codes": 1, "free": 3})
    async with nothing_written(shop):
        assert await import_codes(counter, more) == 0
        assert await outcome(import_codes(counter, replace(more, codes=["B", "B"]))) == "1389"


async def test_a_code_is_taken_in_once_ever(shop: Shop, counter: Context) -> None:
    await import_codes(counter, CODES)
    order = await place_order(counter, CARD)
    assert await withdraw_codes(counter, "CARDS") == 1
    async with nothing_written(shop):
        assert await outcome(import_codes(counter, CODES)) == "1389"
        assert await outcome(place_order(counter, CARD)) == "1384"
    assert await get_order_code(counter, order.id) == "A-1"
    [pool] = await list_pools(counter)
    assert (pool.free, pool.given, pool.withdrawn, pool.expired) == (0, 1, 1, 0)


async def test_of_the_same_codes_at_once_each_is_taken_once(counter: Context) -> None:
    codes = [f"C-{number}" for number in range(100)]
    done = [outcome(import_codes(counter, replace(CODES, codes=codes))) for _ in range(8)]
    assert sorted(await asyncio.gather(*done)) == ["000", *["1389"] * 7]
    [pool] = await list_pools(counter)
    assert pool.free == 100


async def test_codes_that_lapse_first_are_given_first_and_none_that_lapsed(shop: Shop, counter: Context) -> None:
    await import_codes(counter, replace(CODES, codes=["NEVER"]))
    await import_codes(counter, replace(CODES, codes=["APRIL"], last_day=date(2026, 4, 30)))
    await import_codes(counter, replace(CODES, codes=["MARCH"], last_day=date(2026, 3, 31)))
    shop.now += timedelta(days=31)
    given = [await place_order(counter, CARD) for _ in range(2)]
    assert [await get_order_code(counter, one.id) for one in given] == ["APRIL", "NEVER"]
    assert await outcome(place_order(counter, CARD)) == "1384"
    [pool] = await list_pools(counter)
    assert (pool.pool, pool.free, pool.given, pool.expired) == ("CARDS", 0, 2, 1)


async def test_nothing_but_the_order_tells_a_code(counter: Context) -> None:
    await import_codes(counter, CODES)
    newest = await last_audit(counter)
    assert (newest.action, newest.subject) == ("voucher.import", "voucher-pool:CARDS")
    assert (newest.before, newest.after) == ({"free": 0}, {"codes": 2, "free": 2})
    rows = await contents(counter)
    cells = [cell for table in rows.values() for row in table for cell in row]
    stored = b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)
    assert b"A-1" not in stored


async def test_pools_are_nothing_for_members_and_other_programs(shop: Shop, counter: Context) -> None:
    await import_codes(counter, CODES)
    with pytest.raises(TesseraError, match="403"):
        await list_pools(member_of(counter, "ANN"))
    assert await list_pools(shop.contexts[1]) == []
    assert await withdraw_codes(shop.contexts[1], "CARDS") == 0
    assert [one.free for one in await list_pools(administrator(counter, "desk", "customer-executive"))] == [2]
