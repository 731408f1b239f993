"""A member's account at the portal: the statement with its reasons, lots, transactions, tier, requests."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from resolvers.bonus import PostBonus, post_bonus
from resolvers.hold import CreateHold, create_hold
from resolvers.ledger import page_entries, page_posted
from resolvers.member import EnrollMember, Member, enroll_member, get_member
from resolvers.program import apply_configuration
from resolvers.tier import SetTier, set_tier
from resolvers.tier_standing import list_tiers
from resolvers.transaction import SubmitTransaction, submit_transaction
from tests.portal.world import RULES, Browser, World

TIERS = b"tiers: {assessment: %s, levels: [{name: Silver, from: 0}, {name: Gold, from: 500}]}\n"


@pytest.fixture
async def ann(world: World) -> Member:
    """A member who bought for 30 and for 12.50, and was given 7."""
    ctx = world.contexts[0]
    member = (await enroll_member(ctx, EnrollMember(values={"relation_reference": "ANN", "status": 1}))).member
    for number, amount in enumerate(("30", "12.50")):
        order = SubmitTransaction(
            transaction_id=f"T-{number}",
            transaction_type="DR",
            amount=Decimal(amount),
            transaction_date=datetime(2026, 2, 1 + number, 12, tzinfo=UTC),
            member_relation_reference="ANN",
            product_code="MUSIC",
        )
        await submit_transaction(ctx, order)
    await post_bonus(ctx, PostBonus(relation_reference="ANN", points=Decimal(7), narration="Birthday <i>"))
    return member


async def entry_id(world: World, member: Member, kind: str) -> int:
    """The newest posting of a kind."""
    found = await page_entries(world.contexts[0], [member.id], first=100)
    return next(one.stored.id for one in found[member.id] if one.stored.kind == kind)


async def test_the_statement_tells_each_posting(ada: Browser, ann: Member) -> None:
    shown = await ada.get(f"members/{ann.id}/statement")
    for told in ("Birthday <i>", "+7", "+30", "+13", "Base: One for one", "Why these points", "2027-02-28"):
        assert told in shown.text
    bonus = await ada.get(f"members/{ann.id}/statement?kind=bonus")
    assert ("+7" in bonus.text, "+30" in bonus.text) == (True, False)
    day = await ada.get(f"members/{ann.id}/statement?from=2026-02-01&to=2026-02-01")
    assert ("+7" in day.text, "+30" in day.text, "+13" in day.text) == (False, True, False)


@pytest.mark.parametrize(
    "query",
    ["kind=x", "from=x", "from=2026-02-02&to=2026-02-01", "before=x", "before=1_1", "before=1_99999999999999999999"],
)
async def test_a_statement_that_there_is_not_is_refused(ada: Browser, ann: Member, query: str) -> None:
    assert (await ada.get(f"members/{ann.id}/statement?{query}")).status == 400


async def test_long_statements_and_lots_have_pages(world: World, ada: Browser, ann: Member) -> None:
    for number in range(30):
        await post_bonus(world.contexts[0], PostBonus(relation_reference="ANN", points=Decimal(1000 + number)))
    for page, first, last in (("statement", "+1 029", "+30"), ("points", "30", "1 029")):
        shown = await ada.get(f"members/{ann.id}/{page}")
        older = shown.source.partition(">Older<")[0].rpartition('href="')[2].rstrip('"').replace("&amp;", "&")
        assert first in shown.text
        assert last in (await ada.get(older)).text


async def test_why_a_posting_has_its_points(world: World, ada: Browser, ann: Member) -> None:
    path = f"members/{ann.id}/entries/{await entry_id(world, ann, 'earn')}"
    for headers in ({}, {"hx-request": "true"}):
        shown = await ada.get(path, **headers)
        assert shown.status == 200
        for told in (
            "One for one gives 12.5 (1 point for every 1 of amount)",
            "So far = 12.5 Amount 12.5",
            "Rounded once, at the end: 12.5. So far = 13",
            "T-1",
            "13 points, good",
        ):
            assert told in shown.text
        assert ("<html" in shown.source) == (not headers)


async def test_balances_run_down_the_statement_whatever_postings_are_dated(
    world: World, ada: Browser, ann: Member
) -> None:
    late = PostBonus(relation_reference="ANN", points=Decimal(5), awarded_at=datetime(2026, 1, 5, 12, tzinfo=UTC))
    await post_bonus(world.contexts[0], late)
    shown = await ada.get(f"members/{ann.id}/statement")
    rows = [re.sub(r"<[^>]*>", " ", one).split() for one in shown.source.split('class="why-row"')[:-1]]
    moved = [tuple(int(word) for word in row[place(row) :][:2]) for row in rows]
    assert moved == [(5, 55), (7, 50), (13, 43), (30, 30)]
    assert "dated 2026-01-05" in shown.text


def place(row: list[str]) -> int:
    """Where in the words of a row its points are."""
    return next(number for number, word in enumerate(row) if word.startswith("+"))


STEPS = """
rule_groups:
  - name: Base
    caps: {transaction: 50, month: 60}
    rules:
      - {name: One for one, enabled: false, award: {type: flat, points: 1}}
      - {name: One for three, award: {type: per_unit, of: transaction.amount, points: 1, per: 3}}
      - {name: Ten on top, award: {type: flat, points: 15, expires: {months: 3}}, cap: 10}
      - {name: Double days, award: {type: multiplier, factor: 2}}
tiers: {assessment: manual, levels: [{name: Gold, multiplier: 1.5}]}
campaigns: [{name: Spring, starts: 2026-01-01, ends: 2026-12-31, award: {type: multiplier, factor: 1.1}}]
"""


async def test_the_steps_of_a_posting_add_up_to_its_points(world: World, ada: Browser) -> None:
    """Fixed and in proportion; multiplied by tier, campaign and rule; cut by a rule and twice by the group."""
    ctx = world.contexts[0]
    await apply_configuration(ctx, RULES.partition(b"rule_groups")[0] + STEPS.encode())
    member = (await enroll_member(ctx, EnrollMember(values={"relation_reference": "BOB", "status": 1}))).member
    await set_tier(ctx, SetTier(tier="Gold", reason="x", member_id=member.id))
    for number, amount in enumerate(("1", "88")):
        order = SubmitTransaction(
            transaction_id=f"B-{number}",
            transaction_type="DR",
            amount=Decimal(amount),
            transaction_date=world.now,
            member_relation_reference="BOB",
        )
        await submit_transaction(ctx, order)
    second, first = await page_posted(ctx, member.id, first=2)
    shown = (await ada.get(f"members/{member.id}/entries/{first.stored.id}")).text
    for told in (
        "One for three gives 0.3333… (1 point for every 3 of amount). So far = 0.3333…",
        "Ten on top gives 15, of which its own limit of 10 lets 10 count. They are good for 3 months.",
        "So far = 10.3333…",
        "The tier Gold multiplies by 1.5: 10.3333… × 1.5. So far = 15.5",
        "The campaign Spring multiplies by 1.1: 15.5 × 1.1. So far = 17.05",
        "Double days multiplies by 2: 17.05 × 2. So far = 34.1",
        "Rounded once, at the end: 34.1. So far = 34",
    ):
        assert told in shown
    assert first.points == 34
    shown = (await ada.get(f"members/{member.id}/entries/{second.stored.id}")).text
    for told in (
        "So far = 129.8",
        "The group of rules allows 50 points for each purchase: 79.8 too many. So far = 50",
        "allows 60 points a month, and 34 were given before, so 26 are left: 24 too many. So far = 26",
    ):
        assert told in shown
    assert "Rounded" not in shown
    assert second.points == 26


async def test_a_posting_of_another_member_is_not_shown(world: World, ada: Browser, ann: Member) -> None:
    await enroll_member(world.contexts[0], EnrollMember(values={"relation_reference": "BOB", "status": 1}))
    bob = await get_member(world.contexts[0], "BOB")
    entry = await entry_id(world, ann, "earn")
    assert (await ada.get(f"members/{bob.id}/entries/{entry}")).status == 404
    assert (await ada.get(f"members/{ann.id}/entries/{'9' * 30}")).status == 404
    assert (await ada.get(f"members/{ann.id}/entries/{entry}/reverse")).status == 404


async def test_lots_and_the_schedule_of_a_year(ada: Browser, ann: Member) -> None:
    shown = await ada.get(f"members/{ann.id}/points?year=2027")
    assert "2027-02-28 43 0 0 0 43" in shown.text
    assert "Total 50" in shown.text
    assert "Nothing expires in 2025" in (await ada.get(f"members/{ann.id}/points?year=2025")).text
    assert (await ada.get(f"members/{ann.id}/points?year=x")).status == 400
    assert (await ada.get(f"members/{ann.id}/points?before=1_2")).status == 400


async def test_transactions_and_their_filter(ada: Browser, ann: Member) -> None:
    shown = await ada.get(f"members/{ann.id}/transactions")
    assert "T-0 Purchase MUSIC 30 +30 Posted" in shown.text
    assert "None of this status" in (await ada.get(f"members/{ann.id}/transactions?status=HELD")).text
    assert (await ada.get(f"members/{ann.id}/transactions?status=x")).status == 400


async def test_the_way_to_the_next_tier(world: World, ada: Browser, ann: Member) -> None:
    await apply_configuration(world.contexts[0], RULES + TIERS % b"automatic")
    await post_bonus(world.contexts[0], PostBonus(relation_reference="ANN", points=Decimal(50)))
    shown = await ada.get(f"members/{ann.id}/tier")
    assert "Next: Gold , 400 points to go" in shown.text
    assert "<progress" in shown.source
    before = await world.contents()
    assert (await ada.post(f"members/{ann.id}/tier", {"tier": "Gold", "reason": "x"})).status == 409
    assert await world.contents() == before


async def test_a_tier_is_set_by_hand_with_its_reason(world: World, ada: Browser, ann: Member) -> None:
    await apply_configuration(world.contexts[0], RULES + TIERS % b"manual")
    before = await world.contents()
    for form in ({"tier": "Gold"}, {"tier": "Bronze", "reason": "x"}):
        assert (await ada.post(f"members/{ann.id}/tier", form)).status == 400
    assert await world.contents() == before
    assert (await ada.post(f"members/{ann.id}/tier", {"tier": "Gold", "reason": "A friend"})).status == 303
    assert (await list_tiers(world.contexts[0], [ann.id]))[ann.id].name == "Gold"
    assert "Reason A friend" in (await ada.get(f"members/{ann.id}/audit")).text
    assert (await ada.post(f"members/{ann.id}/tier", {"tier": "", "reason": "No friend"})).status == 303
    assert await list_tiers(world.contexts[0], [ann.id]) == {}


async def test_a_hold_is_cancelled_once(world: World, ada: Browser, ann: Member) -> None:
    order = CreateHold(relation_reference="ANN", points=Decimal(20), merchant_name="Shop")
    hold = await create_hold(world.contexts[0], order)
    assert "Shop 20" in (await ada.get(f"members/{ann.id}/requests")).text
    path = f"members/{ann.id}/holds/{hold.id}/cancel"
    assert (await ada.post(path, {"key": "k"})).status == 303
    assert "Cancelled" in (await ada.get(f"members/{ann.id}/requests")).text
    before = await world.contents()
    assert (await ada.post(path, {"key": "k"})).status == 303
    assert (await ada.post(path, {"key": "another"})).status == 409
    assert (await ada.post(f"members/{ann.id}/holds/99/cancel")).status == 404
    assert await world.contents() == before
