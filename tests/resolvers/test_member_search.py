"""Members are found by whatever somebody has of them, and shown as the caller may see them."""

from dataclasses import replace

import pytest

from domain.access import Permission
from domain.errors import Forbidden, InvalidRequest
from domain.member import MASK
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.member import EnrollMember, enroll_member, get_member, list_answering_members, list_members
from resolvers.member import get_member_by_unique_attribute as by_attribute
from resolvers.member_search import search_members
from resolvers.merge import MergeMembers, merge_members
from resolvers.segment import list_segment_members
from resolvers.sub_relation import LinkSubRelation, link_sub_relation, list_members_by_sub_relation
from tests.resolvers.conftest import RULES, Shop
from tests.resolvers.desk import administrator, enroll, member_of

ANN = {
    "relation_reference": "ANN-1",
    "status": 1,
    "full_name": "Ann Lee",
    "email_id": "ann@shop.example",
    "mobile_number": "+49 30 1234",
    "dob": "1990-05-01",
    "gender": "F",
    "passport": "P-77",
}
CARD = "4111 1111 1111 1111"


@pytest.fixture
async def desk(shop: Shop) -> Context:
    """An administrator of a program with ANN-1, ANN-2 and BOB; the other program has the same ANN-1."""
    for context in shop.contexts:
        await enroll_member(context, EnrollMember(values=ANN))
        await link_sub_relation(context, LinkSubRelation(relation_reference="ANN-1", card_number=CARD))
    context = shop.contexts[0]
    await enroll(context, "ANN-2")
    await enroll(context, "BOB")
    await link_sub_relation(context, LinkSubRelation(relation_reference="BOB", sub_relation_identifier="watch-7"))
    return administrator(context, "one")


def without_persons(ctx: Context) -> Context:
    """The same, for whom persons are no business."""
    permissions = ctx.principal.permissions - {Permission.PERSONAL_INFORMATION}
    return replace(ctx, principal=replace(ctx.principal, permissions=permissions))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ANN-1", [("ANN-1", "relation_reference")]),
        ("ANN", [("ANN-1", "relation_reference"), ("ANN-2", "relation_reference")]),
        ("Ann@Shop.Example", [("ANN-1", "email_id")]),
        (" +49 30 1234 ", [("ANN-1", "mobile_number")]),
        ("p-77", [("ANN-1", "passport")]),
        ("4111-1111-1111-1111", [("ANN-1", "card_number")]),
        ("watch-7", [("BOB", "sub_relation_identifier")]),
        ("ann", []),
        ("Ann Lee", []),
        ("4111", []),
    ],
)
async def test_a_member_is_found_by_what_one_has_of_it(desk: Context, text: str, found: list[tuple[str, str]]) -> None:
    matches = await search_members(desk, text, first=10)
    assert [(one.member.relation_reference, one.by) for one in matches] == found


async def test_a_merged_member_is_found_as_who_answers_for_it(desk: Context) -> None:
    await merge_members(desk, MergeMembers(victim="ANN-2", survivor="BOB"))
    matches = await search_members(desk, "ANN-2", first=10)
    assert matches[0].member.relation_reference == "BOB"


async def test_no_more_are_found_than_are_asked_for(desk: Context) -> None:
    assert len(await search_members(desk, "ANN", first=1)) == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 501, "a\0b"])
async def test_a_search_for_nothing_is_refused(desk: Context, text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await search_members(desk, text, first=10)
    assert refused.value.field == "search"


async def test_a_search_needs_to_be_allowed_and_is_no_members(desk: Context) -> None:
    principal = replace(desk.principal, permissions=frozenset())
    with pytest.raises(Forbidden):
        await search_members(replace(desk, principal=principal), "ANN", first=10)
    with pytest.raises(Forbidden):
        await search_members(member_of(desk, "ANN-1"), "ANN", first=10)


async def test_personal_information_is_masked_for_whom_it_is_not(desk: Context) -> None:
    masked = without_persons(desk)
    member = await get_member(masked, "ANN-1")
    others = [
        (await search_members(masked, "ann@shop.example", first=1))[0].member,
        await by_attribute(masked, "email_id", "ann@shop.example"),
        next(one for one in await list_members(masked, first=10) if one.id == member.id),
        (await list_answering_members(masked, [member.id]))[member.id],
        (await list_members_by_sub_relation(masked, CARD, None, first=10))[0],
    ]
    for one in [member, *others]:
        assert (one.full_name, one.email_id, one.mobile_number, one.dob) == (MASK, MASK, MASK, None)
        assert one.attributes == {"passport": MASK}
        assert (one.relation_reference, one.status, one.gender) == ("ANN-1", 1, "F")
    seen = await get_member(desk, "ANN-1")
    assert (seen.full_name, seen.attributes) == ("Ann Lee", {"passport": "P-77"})


async def test_a_segment_is_decided_by_what_is_stored_and_shown_masked(shop: Shop, desk: Context) -> None:
    segments = b"segments: [{name: Lees, when: {attribute: member.full_name, op: eq, value: Ann Lee}}]\n"
    await apply_configuration(shop.contexts[0], RULES + segments)
    page = await list_segment_members(without_persons(desk), "Lees", first=10)
    assert [(one.relation_reference, one.full_name) for one in page.members] == [("ANN-1", MASK)]
