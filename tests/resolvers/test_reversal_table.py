"""The table of reversals after expiry, row by row: both databases do what the core says, and the page shows it."""

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from domain.clock import NEVER
from domain.ledger.posting import Lot
from domain.ledger.reversal_table import (
    AWARDED_AT,
    REDEEMED,
    REDEEMED_AT,
    SCENARIOS,
    SENT_AT,
    Outcome,
    Scenario,
    play,
)
from domain.models import account, member
from domain.store.lot import open_lots, taken_lots
from resolvers.bonus import PostBonus, post_bonus
from resolvers.context import Context
from resolvers.expiry import expire_due
from resolvers.program import apply_configuration
from resolvers.redemption import RedeemPoints, Redemption, ReverseRedemption, redeem_points, reverse_redemption
from resolvers.transfer import TransferPoints, transfer_points
from resolvers.verification import verify_ledger
from tessera.pages import reversal_row
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import balance, enroll, entries

PAGE = Path(__file__).parents[2] / "docs" / "reversals.md"


async def redeemed(shop: Shop, context: Context, scenario: Scenario) -> Redemption:
    """The redemption of the scenario, by ANN, who has its lots."""
    document = f"version: 1\nprogram: {{time_zone: UTC, reversal_of_expired: {scenario.policy}}}"
    await apply_configuration(context, document.encode())
    shop.now = AWARDED_AT
    for reference in ("ANN", "BEN"):
        await enroll(context, reference)
    for one in scenario.given:
        owner = "BEN" if one.sent else "ANN"
        points = Decimal(one.points)
        bonus = PostBonus(relation_reference=owner, points=points, awarded_at=AWARDED_AT, expires=one.last_day)
        await post_bonus(context, bonus)
    shop.now = SENT_AT
    for one in scenario.given:
        if one.sent:
            order = TransferPoints(from_reference="BEN", to_reference="ANN", points=Decimal(one.points))
            await transfer_points(context, order)
    shop.now = REDEEMED_AT
    asked = RedeemPoints(relation_reference="ANN", points=Decimal(REDEEMED), merchant_name="Shop")
    return await redeem_points(context, asked)


async def lots_now(context: Context) -> list[Lot]:
    """ANN's open lots."""

    def body(tx: Connection) -> list[Lot]:
        program_id = context.principal.program
        mine = (member.c.program_id == account.c.program_id) & (member.c.id == account.c.member_id)
        query = select(account.c.id).join(member, mine)
        query = query.where(member.c.program_id == program_id, member.c.relation_reference == "ANN")
        [number] = tx.scalars(query)
        return open_lots(tx, program_id, [number])[number]

    return await context.read(body)


async def reversed_now(context: Context, redemption: Redemption) -> Outcome:
    """Reverse it, and read what came of it."""
    took = await context.read(lambda tx: taken_lots(tx, context.principal.program, redemption.entry_id))
    order = ReverseRedemption(
        relation_reference="ANN", external_reference=str(redemption.external_reference), merchant_name="Shop"
    )
    reversal = await reverse_redemption(context, order)
    postings = sorted(await entries(context, "ANN"), key=lambda one: one.stored.seq)
    since = [one.stored.id for one in postings].index(redemption.entry_id) + 1
    return Outcome(
        taken=[(points, lot.expires_at) for lot, points in took],
        postings=[(one.stored.kind, int(one.points), one.stored.transaction_date) for one in postings[since:]],
        receipts=[(int(one.points), one.expires_at or NEVER, int(one.expired_points)) for one in reversal.lots],
        lots=[(lot.remaining, lot.earned_at, lot.expires_at) for lot in await lots_now(context)],
        balance=int((await balance(context, "ANN")).total),
    )


def test_the_page_has_a_row_for_each_policy_with_no_some_and_all_lots_past_and_a_transferred_one() -> None:
    rows = {(one.policy, one.past) for one in SCENARIOS}
    cases = ("none", "some", "all", "the transferred one")
    assert rows == {(policy, past) for policy in ("extend", "forfeit", "original") for past in cases}
    for one in SCENARIOS:
        past = [given.expires_at <= one.reversed_at for given in one.given]
        assert past == {"none": [False, False], "all": [True, True]}.get(one.past, [True, False])
        assert any(given.sent for given in one.given) is (one.past == "the transferred one")
    assert PAGE.read_text().count("\n| `") == len(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: f"{one.policy}, {one.past}")
async def test_each_row_is_what_happens_whether_the_job_came_by_or_not(shop: Shop, scenario: Scenario) -> None:
    untouched, swept = shop.contexts
    made = [await redeemed(shop, context, scenario) for context in shop.contexts]
    shop.now = scenario.reversed_at
    found = await reversed_now(untouched, made[0])
    assert found == play(scenario)
    assert reversal_row(scenario, found) in PAGE.read_text().splitlines()
    await expire_due(shop.services)
    assert await reversed_now(swept, made[1]) == found
    # What the reversal brought back is good until the date that its receipt names, and no longer.
    for until in sorted({until for _, until, expired in found.receipts if not expired}):
        shop.now = until
        left = sum(points for points, _, date in found.lots if date > until)
        assert (await balance(untouched, "ANN")).total == (await balance(swept, "ANN")).total == left
    assert await verify_ledger(shop.services) == []
