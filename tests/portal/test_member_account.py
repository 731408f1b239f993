"""A member's account at the portal: the statement with its reasons, lots, transactions, tier, requests."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from resolvers.bonus import PostBonus, post_bonus
from resolvers.hold import CreateHold, create_hold
from resolvers.ledger import page_entries
from resolvers.member import EnrollMember, Member, enroll_member, get_member
from resolvers.program import apply_configuration
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
    ["kind=x", "from=x", "from=2026-02-02&to=2026-02-01", "before=1", "before=x_1", "before=1_99999999999999999999"],
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
            "One for one gives 12.5",
            "Amount 12.5",
            "The sum is 12.5, posted as 13",
            "T-1",
            "13 points, good",
        ):
            assert told in shown.text
        assert ("<html" in shown.source) == (not headers)


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
