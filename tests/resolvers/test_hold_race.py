"""Many at once on one balance and on one hold: one succeeds."""

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal

from resolvers.context import Context
from resolvers.hold import (
    PAY_WITH_REWARDS,
    CancelHold,
    SettleHold,
    cancel_hold,
    create_hold,
    get_hold,
    settle_hold,
)
from tests.resolvers.desk import (
    HOLD_ORDER,
    figures,
    outcome,
)

ORDER = HOLD_ORDER
PAY = replace(ORDER, purpose=PAY_WITH_REWARDS)


async def test_of_fifty_holds_of_the_whole_balance_one_succeeds(ann: Context) -> None:
    order = replace(ORDER, points=Decimal(100))
    codes = Counter(await asyncio.gather(*(outcome(create_hold(ann, order)) for _ in range(50))))
    assert codes == {"000": 1, "121": 49}
    assert await figures(ann, "ANN") == (0, 100)


async def test_twenty_equal_keys_at_once_make_one_hold(ann: Context) -> None:
    order = replace(ORDER, idempotency_key="K")
    holds = await asyncio.gather(*(create_hold(ann, order) for _ in range(20)))
    assert len({one.id for one in holds}) == 1
    assert sorted(one.replayed for one in holds) == [False] + [True] * 19
    assert await figures(ann, "ANN") == (70, 30)


async def test_of_twenty_payments_at_once_one_is_pending(ann: Context) -> None:
    order = replace(PAY, points=Decimal(2))
    codes = Counter(await asyncio.gather(*(outcome(create_hold(ann, order)) for _ in range(20))))
    assert codes == {"000": 1, "126": 19}


async def test_of_settlements_and_cancellations_at_once_one_succeeds(ann: Context) -> None:
    hold = await create_hold(ann, ORDER)
    settle, cancel = SettleHold(hold_id=hold.id), CancelHold(hold_id=hold.id)
    ends = [work for _ in range(5) for work in (settle_hold(ann, settle), cancel_hold(ann, cancel))]
    codes = Counter(await asyncio.gather(*map(outcome, ends)))
    assert codes == {"000": 1, "127": 9}
    settled = (await get_hold(ann, hold.id)).status == "SETTLED"
    assert await figures(ann, "ANN") == ((70 if settled else 100), 0)
