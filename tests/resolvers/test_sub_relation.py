"""Sub-relations: upsert by pair, refusals that write nothing, look-ups by every value, card numbers never in clear."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from domain.access import MEMBER_PERMISSIONS, PROGRAM_PERMISSIONS, ROLES, Permission, PrincipalKind
from domain.errors import (
    BadRequest,
    CancelledMemberUpdate,
    Forbidden,
    InvalidRequest,
    KeyReused,
    MemberNotFound,
    SubRelationLinked,
    SubRelationNotFound,
    TesseraError,
)
from resolvers.context import Context
from resolvers.member import EnrollMember, UpdateMember, enroll_member, update_member
from resolvers.merge import MergeMembers, merge_members
from resolvers.sub_relation import (
    LinkSubRelation,
    SubRelation,
    UnlinkSubRelation,
    link_sub_relation,
    list_members_by_sub_relation,
    list_sub_relations,
    page_sub_relations,
    unlink_sub_relation,
)
from tests.resolvers.conftest import Shop, contents

VISA, MASTER = "4111111111111111", "5555555555554444"
CARD = LinkSubRelation(relation_reference="ANN", type="CARD", card_number=VISA, sub_relation_identifier="A-1")


async def members(context: Context, *references: str) -> dict[str, int]:
    """Active members by reference."""
    made = {}
    for reference in references:
        values = {"relation_reference": reference, "status": 1}
        made[reference] = (await enroll_member(context, EnrollMember(values=values))).member.id
    return made


async def link(context: Context, **changes: Any) -> SubRelation:
    return (await link_sub_relation(context, replace(CARD, **changes))).sub_relation


async def found(context: Context, card: str | None = None, identifier: str | None = None) -> list[str]:
    return [one.relation_reference for one in await list_members_by_sub_relation(context, card, identifier, first=100)]


def as_member(context: Context, reference: str) -> Context:
    principal = replace(
        context.principal,
        kind=PrincipalKind.MEMBER,
        member_reference=reference,
        permissions=MEMBER_PERMISSIONS,
    )
    return replace(context, principal=principal)


async def test_the_same_pair_is_one_link_and_keeps_what_is_not_given(shop: Shop) -> None:
    context = shop.contexts[0]
    await members(context, "ANN")
    first = await link(context, product_code="GOLD", expiry_date=date(2030, 1, 31), last_six_digits="111111")
    assert (first.card_number, first.card_last_four, first.identifier) == (None, "1111", "A-1")
    again = await link(context, card_number="4111-1111 1111 1111", status="BLOCKED")
    assert again == replace(first, status="BLOCKED", version=2)
    assert await link(context) == again
    assert await list_sub_relations(context, "ANN") == [again]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"relation_reference": ""}, BadRequest),
        ({"card_number": "0", "sub_relation_identifier": "00"}, BadRequest),
        ({"card_number": None, "sub_relation_identifier": None}, BadRequest),
        ({"sub_relation_identifier": "x" * 101}, BadRequest),
        ({"product_code": "a\x00"}, BadRequest),
        ({"idempotency_key": ""}, InvalidRequest),
        ({"type": "WATCH"}, InvalidRequest),
        ({"card_number": None, "sub_relation_identifier": MASTER}, InvalidRequest),
        ({"last_six_digits": VISA}, InvalidRequest),
        ({"relation_reference": "NOBODY"}, MemberNotFound),
        ({"relation_reference": "GONE"}, CancelledMemberUpdate),
        ({"sub_relation_identifier": "A-2"}, SubRelationLinked),
        ({"sub_relation_identifier": "0"}, SubRelationLinked),
        ({"card_number": MASTER}, SubRelationLinked),
        ({"card_number": None}, SubRelationLinked),
    ],
)
async def test_a_link_is_refused_with_its_code_and_stores_nothing(
    shop: Shop, changes: dict[str, Any], error: type[TesseraError]
) -> None:
    context = shop.contexts[0]
    await members(context, "ANN", "GONE")
    await update_member(context, UpdateMember(values={"status": 4}, relation_reference="GONE"))
    await link(context)
    before = await contents(context)
    with pytest.raises(error) as refused:
        await link(context, **changes)
    assert VISA not in refused.value.text
    assert MASTER not in refused.value.text
    assert await contents(context) == before


async def test_one_value_may_stand_on_several_members_and_finds_them_all(shop: Shop) -> None:
    context = shop.contexts[0]
    ids = await members(context, "ANN", "BOB", "CAT")
    await link(context)
    await link(context, relation_reference="BOB")
    await link(context, relation_reference="CAT", card_number="GIFT-7")
    assert await found(context, VISA) == ["ANN", "BOB"]
    assert await found(context, "4111 1111 1111 1111", "0") == ["ANN", "BOB"]
    assert await found(context, None, "A-1") == ["ANN", "BOB", "CAT"]
    assert await found(context, "GIFT-7", "A-1") == ["CAT"]
    assert await found(context, MASTER, "A-1") == []
    assert await found(context, None, "a-1") == []
    page = await list_members_by_sub_relation(context, None, "A-1", first=1, after_id=ids["ANN"])
    assert [one.id for one in page] == [ids["BOB"]]
    with pytest.raises(BadRequest):
        await found(context, "0", "0")


async def test_pages_of_many_members_are_bounded_and_ordered(shop: Shop) -> None:
    context = shop.contexts[0]
    ids = await members(context, "ANN", "BOB")
    links = [await link(context, card_number=None, sub_relation_identifier=f"A-{n}") for n in range(3)]
    bobs = await link(context, relation_reference="BOB")
    pages = await page_sub_relations(context, list(ids.values()), first=2)
    assert pages == {ids["ANN"]: links[:2], ids["BOB"]: [bobs]}
    rest = await page_sub_relations(context, [ids["ANN"]], first=2, after_id=links[1].id)
    assert rest == {ids["ANN"]: links[2:]}


async def test_what_was_unlinked_is_gone_and_its_id_means_nothing_else(shop: Shop) -> None:
    context = shop.contexts[0]
    await members(context, "ANN")
    linked = await link(context)
    unlink = UnlinkSubRelation(sub_relation_id=linked.id, idempotency_key="u")
    assert (await unlink_sub_relation(context, unlink)).sub_relation == linked
    before = await contents(context)
    replayed = await unlink_sub_relation(context, unlink)
    assert (replayed.replayed, replayed.sub_relation.id, replayed.sub_relation.identifier) == (True, linked.id, None)
    with pytest.raises(SubRelationNotFound):
        await unlink_sub_relation(context, replace(unlink, idempotency_key=None))
    with pytest.raises(KeyReused):
        await unlink_sub_relation(context, replace(unlink, sub_relation_id=linked.id + 1))
    assert await contents(context) == before
    assert (await list_sub_relations(context, "ANN"), await found(context, VISA)) == ([], [])
    again = await link(context)
    assert again.id != linked.id


async def test_a_key_links_once_and_refuses_another_body(shop: Shop) -> None:
    context = shop.contexts[0]
    await members(context, "ANN")
    keyed = replace(CARD, idempotency_key="k")
    first = await link_sub_relation(context, keyed)
    before = await contents(context)
    assert await link_sub_relation(context, keyed) == replace(first, replayed=True)
    others: tuple[dict[str, Any], ...] = ({"card_number": MASTER}, {"status": "X"}, {"relation_reference": "BOB"})
    for changes in others:
        with pytest.raises(KeyReused):
            await link_sub_relation(context, replace(keyed, **changes))
    assert await contents(context) == before


async def test_a_payment_card_stands_nowhere_in_clear(shop: Shop) -> None:
    context = shop.contexts[0]
    await members(context, "ANN")
    await link_sub_relation(context, replace(CARD, idempotency_key="k"))
    await link(context, card_number="12345", sub_relation_identifier="A-2")
    stored = repr(await contents(context))
    assert "12345" in stored
    assert VISA not in stored
    assert VISA[:12] not in stored


async def test_another_program_neither_sees_nor_changes(shop: Shop) -> None:
    ours, theirs = shop.contexts
    ids = await members(ours, "ANN")
    linked = await link(ours)
    await members(theirs, "EVE")
    assert (await found(theirs, VISA), await found(theirs, None, "A-1")) == ([], [])
    assert await page_sub_relations(theirs, list(ids.values()), first=10) in ({}, {ids["ANN"]: []})
    with pytest.raises(MemberNotFound):
        await link(theirs)
    with pytest.raises(MemberNotFound):
        await list_sub_relations(theirs, "ANN")
    before = await contents(ours)
    with pytest.raises(SubRelationNotFound):
        await unlink_sub_relation(theirs, UnlinkSubRelation(sub_relation_id=linked.id))
    assert await contents(ours) == before


async def test_a_member_reads_its_own_and_writes_nothing(shop: Shop) -> None:
    context = shop.contexts[0]
    ids = await members(context, "ANN", "BOB")
    linked = await link(context)
    ann, bob = as_member(context, "ANN"), as_member(context, "BOB")
    assert await list_sub_relations(ann, None) == [linked]
    assert await page_sub_relations(bob, list(ids.values()), first=10) == {ids["BOB"]: []}
    before = await contents(context)
    with pytest.raises(Forbidden):
        await list_sub_relations(bob, "ANN")
    with pytest.raises(Forbidden):
        await found(ann, VISA)
    with pytest.raises(Forbidden):
        await link(ann)
    with pytest.raises(Forbidden):
        await unlink_sub_relation(ann, UnlinkSubRelation(sub_relation_id=linked.id))
    assert await contents(context) == before


def test_programs_and_managers_link_and_nobody_else_below_the_administrator() -> None:
    assert Permission.SUB_RELATION_WRITE in PROGRAM_PERMISSIONS
    allowed = {role for role, permissions in ROLES.items() if Permission.SUB_RELATION_WRITE in permissions}
    assert allowed == {"program-admin", "program-manager"}


async def test_a_link_is_repeated_as_it_was_after_its_member_was_merged(shop: Shop) -> None:
    context = shop.contexts[0]
    await members(context, "ANN", "EVE")
    command = LinkSubRelation(
        relation_reference="ANN", sub_relation_identifier="Phone", status="first", idempotency_key="merged"
    )
    first = (await link_sub_relation(context, command)).sub_relation
    await link_sub_relation(context, replace(command, status="later", idempotency_key=None))
    await merge_members(context, MergeMembers(victim="ANN", survivor="EVE"))
    again = await link_sub_relation(context, command)
    assert again.replayed
    assert (again.sub_relation.id, again.sub_relation.status) == (first.id, "first")
