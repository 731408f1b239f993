"""Two members become one at the portal, and apart again; a person is forgotten once its reference was typed."""

from decimal import Decimal

import pytest

from domain.errors import MemberNotFound
from resolvers.bonus import PostBonus, post_bonus
from resolvers.ledger import list_balances
from resolvers.member import EnrollMember, Member, enroll_member, get_member
from resolvers.merge_record import list_merges
from resolvers.verification import verify_ledger
from tests.portal.world import Browser, World


@pytest.fixture
async def pair(world: World) -> tuple[Member, Member]:
    """ANN with 100 points and her duplicate ANNE with 30; program 2 has a member as well."""
    ctx, made = world.contexts[0], []
    for reference, points in (("ANN", 100), ("ANNE", 30)):
        values = {"relation_reference": reference, "status": 1, "full_name": f"{reference} Lee"}
        made.append((await enroll_member(ctx, EnrollMember(values=values))).member)
        await post_bonus(ctx, PostBonus(relation_reference=reference, points=Decimal(points)))
    await enroll_member(world.contexts[1], EnrollMember(values={"relation_reference": "FOREIGN"}))
    return made[0], made[1]


async def available(world: World, reference: str) -> int:
    """What a member may spend; the books hold."""
    assert await verify_ledger(world.services) == []
    member = await get_member(world.contexts[0], reference)
    return int((await list_balances(world.contexts[0], [member.id]))[member.id].available)


async def test_a_merge_is_shown_before_it_is_done(world: World, ada: Browser, pair: tuple[Member, Member]) -> None:
    before = await world.contents()
    shown = await ada.get(f"members/{pair[0].id}/merge?other=ANNE")
    for told in ("Goes away: ANNE", "Stays: ANN", "ANNE Lee", "Points 30", "Lots 1"):
        assert told in shown.text
    assert await world.contents() == before


async def test_members_are_merged_once_and_parted_again(
    world: World, ada: Browser, pair: tuple[Member, Member]
) -> None:
    ann, anne = pair
    for _ in range(2):
        assert (await ada.post(f"members/{ann.id}/merge", {"other": "ANNE", "key": "m-1"})).status == 303
    assert await available(world, "ANNE") == 130
    led = await ada.get(f"members/{anne.id}")
    assert "was merged into this one" in led.text
    assert "ANN Lee" in led.text
    assert "merged into ANN" in (await ada.get("members")).text
    assert "ANNE" in (await ada.get(f"members/{ann.id}/merges")).text
    [merged] = await list_merges(world.contexts[0], ann.id)
    undo = f"members/{ann.id}/merges/{merged.id}/undo"
    assert (await ada.post(undo)).status == 303
    assert (await available(world, "ANN"), await available(world, "ANNE")) == (100, 30)
    before = await world.contents()
    again = await ada.post(undo)
    assert (again.status, "<code>1310</code>" in again.source) == (409, True)
    assert (await ada.post(f"members/{ann.id}/merges/99999/undo")).status == 404
    assert await world.contents() == before


@pytest.mark.parametrize(("other", "status"), [("", 400), ("NOBODY", 404), ("ANN", 400), ("FOREIGN", 404)])
async def test_a_merge_with_whom_there_is_not_is_refused(
    world: World, ada: Browser, pair: tuple[Member, Member], other: str, status: int
) -> None:
    before = await world.contents()
    shown = await ada.get(f"members/{pair[0].id}/merge?other={other}")
    assert (shown.status, "other-error" in shown.source) == (status, True)
    assert (await ada.post(f"members/{pair[0].id}/merge", {"other": other, "key": "m"})).status == status
    assert await world.contents() == before


async def test_a_person_is_forgotten_once_its_reference_was_typed(
    world: World, ada: Browser, pair: tuple[Member, Member]
) -> None:
    ann = pair[0]
    before = await world.contents()
    for typed in ("", "ann", "ANNE"):
        shown = await ada.post(f"members/{ann.id}/erase", {"confirm": typed})
        assert (shown.status, "confirm-error" in shown.source) == (400, True)
    assert await world.contents() == before
    assert (await ada.post(f"members/{ann.id}/erase", {"confirm": "ANN"})).status == 303
    with pytest.raises(MemberNotFound):
        await get_member(world.contexts[0], "ANN")
    for page in ("", "/profile", "/statement", "/links", "/sessions", "/merges", "/audit", "/privacy"):
        shown = await ada.get(f"members/{ann.id}{page}")
        assert shown.status == 200
        assert "This person was forgotten" in shown.text
        assert "ANN Lee" not in shown.source
    assert await verify_ledger(world.services) == []
