"""Members: refused in the published order, found by keyed hashes, personal information never in clear."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from domain.errors import (
    BadRequest,
    CancelledMemberUpdate,
    DuplicateAttribute,
    DuplicateEmail,
    DuplicateMobile,
    DuplicateRecord,
    InvalidAttribute,
    InvalidRequest,
    KeyReused,
    MemberNonexistent,
    MemberNotFound,
    TesseraError,
)
from domain.models import member, member_unique_value, outbox
from resolvers.context import Context
from resolvers.member import (
    EnrollMember,
    ImportMember,
    Member,
    UpdateMember,
    count_members,
    enroll_member,
    get_member,
    get_member_by_unique_attribute,
    import_members,
    update_member,
)
from tests.resolvers.conftest import Shop

ANN: dict[str, Any] = {
    "relation_reference": "ANN",
    "full_name": "Ann Example",
    "email_id": "ann@example.org",
    "mobile_number": "+491701234567",
    "passport": "P123",
}


LOOK_ALIKES = [
    " ANN",
    "ANN ",
    " ",
    "ANN\u200b",
    "\u202eANN",
    "AN\u00a0N",
    "ANN\u2028",
    "\ufeffANN",
    "A\u00adNN",
    "ANN\n",
    "ANN\x01",
    "AN\u200dN",
    "\u3000ANN",
]
"""References that a person would take for another member's."""


async def enrolled(context: Context, **values: Any) -> Member:
    return (await enroll_member(context, EnrollMember(values={**ANN, **values}))).member


async def test_unset_status_is_inactive_and_activation_is_remembered(shop: Shop) -> None:
    ann = await enrolled(shop.contexts[0])
    assert (ann.status, ann.activated_at) == (5, None)
    shop.later(hours=1)
    active = await update_member(shop.contexts[0], UpdateMember(values={"status": "1"}, member_id=ann.id))
    assert (active.member.status, active.member.activated_at) == (1, shop.now)
    assert await get_member(shop.contexts[0], "ANN") == active.member


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"relation_reference": ""}, BadRequest),
        ({"favourite": "x"}, InvalidAttribute),
        ({"status": 9}, InvalidAttribute),
        ({"gender": "X"}, InvalidAttribute),
        ({"full_name": "a\x00b"}, InvalidAttribute),
        ({"full_name": "\u202eevil"}, InvalidAttribute),
        *(({"relation_reference": reference}, InvalidAttribute) for reference in LOOK_ALIKES),
        ({}, DuplicateRecord),
        ({"relation_reference": "BOB"}, DuplicateEmail),
        ({"relation_reference": "BOB", "email_id": "b@example.org"}, DuplicateMobile),
        ({"relation_reference": "BOB", "email_id": "b@x.org", "mobile_number": "+4912345"}, DuplicateAttribute),
        ({"relation_reference": "BOB", "email_id": " ANN@Example.ORG "}, DuplicateEmail),
    ],
)
async def test_enrolling_is_refused_in_order_and_stores_nothing(
    shop: Shop, values: dict[str, Any], error: type[TesseraError]
) -> None:
    context = shop.contexts[0]
    await enrolled(context)
    events = await context.read(lambda tx: len(tx.execute(select(outbox)).all()))
    with pytest.raises(error):
        await enrolled(context, **values)
    assert await count_members(context) == 1
    assert await context.read(lambda tx: len(tx.execute(select(outbox)).all())) == events


async def test_another_program_neither_sees_nor_blocks(shop: Shop) -> None:
    ann = await enrolled(shop.contexts[0])
    twin = await enrolled(shop.contexts[1])
    assert twin.relation_reference == ann.relation_reference
    stranger = UpdateMember(values={"full_name": "Mallory"}, member_id=ann.id + twin.id + 1)
    with pytest.raises(MemberNonexistent):
        await update_member(shop.contexts[1], stranger)
    assert (await get_member(shop.contexts[0], "ANN")).full_name == "Ann Example"


@pytest.mark.parametrize("reference", LOOK_ALIKES)
async def test_a_look_alike_is_refused_in_files_and_unknown_everywhere_else(shop: Shop, reference: str) -> None:
    context = shop.contexts[0]
    await enrolled(context)
    for action in ("NEW", None):
        row = ImportMember(values={"relation_reference": reference}, action=action)
        (told,) = await context.write(lambda tx, row=row: import_members(tx, context, context.program(tx), [row]))  # type: ignore[misc]
        assert isinstance(told, InvalidAttribute)
    with pytest.raises(MemberNotFound):
        await get_member(context, reference)
    assert await count_members(context) == 1


async def test_references_of_every_script_are_taken(shop: Shop) -> None:
    context = shop.contexts[0]
    for reference in ("A B", "\u00e9", "\u4f1a\u54e1-1", "#1/2", "\u0645\u0631\u0648"):
        made = await enroll_member(context, EnrollMember(values={"relation_reference": reference}))
        assert await get_member(context, reference) == made.member
    # What is written in two ways is one reference.
    with pytest.raises(DuplicateRecord):
        await enroll_member(context, EnrollMember(values={"relation_reference": "e\u0301"}))


async def test_nothing_personal_is_stored_in_clear(shop: Shop) -> None:
    await enrolled(shop.contexts[0])

    def everything(tx: Any) -> bytes:
        rows = [*tx.execute(select(member)), *tx.execute(select(member_unique_value)), *tx.execute(select(outbox))]
        return b"".join(one if isinstance(one, bytes) else str(one).encode() for row in rows for one in row)

    stored = (await shop.contexts[0].read(everything)).lower()
    for secret in (b"ann example", b"example.org", b"1701234567", b"p123"):
        assert secret not in stored


async def test_found_by_unique_attribute_whatever_the_case(shop: Shop) -> None:
    ann = await enrolled(shop.contexts[0])
    for key, value in (("email_id", "ANN@EXAMPLE.ORG"), ("passport", "P123"), ("relation_reference", "ANN")):
        assert await get_member_by_unique_attribute(shop.contexts[0], key, value) == ann
    with pytest.raises(InvalidRequest):
        await get_member_by_unique_attribute(shop.contexts[0], "full_name", "Ann Example")


async def test_a_freed_unique_value_can_be_taken(shop: Shop) -> None:
    ann = await enrolled(shop.contexts[0])
    await update_member(
        shop.contexts[0],
        UpdateMember(values={"email_id": "new@example.org", "passport": "P999"}, member_id=ann.id),
    )
    bob = await enrolled(shop.contexts[0], relation_reference="BOB", mobile_number="+4923456")
    assert bob.email_id == "ann@example.org"


async def test_a_blank_clears_in_an_update_and_frees_the_unique_value(shop: Shop) -> None:
    context = shop.contexts[0]
    ann = await enrolled(context, dob="1990-12-31", full_name="  Ann Example ")
    assert ann.full_name == "Ann Example"
    blanks = dict.fromkeys(("full_name", "email_id", "mobile_number", "dob", "passport"), " ")
    cleared = (await update_member(context, UpdateMember(values=blanks, member_id=ann.id))).member
    assert (cleared.full_name, cleared.email_id, cleared.mobile_number, cleared.dob) == (None, None, None, None)
    assert cleared.attributes == {}
    assert await get_member(context, "ANN") == cleared
    bob = await enrolled(context, relation_reference="BOB")
    assert (bob.email_id, bob.attributes) == ("ann@example.org", {"passport": "P123"})


@pytest.mark.parametrize(
    "values", [{"email_id": "notmail"}, {"mobile_number": "123"}, {"dob": "2026-03-02"}, {"dob": "1899-12-31"}]
)
async def test_an_update_that_cannot_be_right_stores_nothing(shop: Shop, values: dict[str, Any]) -> None:
    ann = await enrolled(shop.contexts[0])
    with pytest.raises(InvalidAttribute):
        await update_member(shop.contexts[0], UpdateMember(values={"full_name": "X", **values}, member_id=ann.id))
    assert await get_member(shop.contexts[0], "ANN") == ann


async def test_a_birthday_is_in_the_future_by_the_clocks_of_the_program(shop: Shop) -> None:
    shop.now = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    ann = await enrolled(shop.contexts[0], dob="2026-03-02")
    assert ann.dob == date(2026, 3, 2)


async def test_a_cancelled_member_cannot_be_changed(shop: Shop) -> None:
    ann = await enrolled(shop.contexts[0], status=4)
    with pytest.raises(CancelledMemberUpdate):
        await update_member(shop.contexts[0], UpdateMember(values={"full_name": "X"}, member_id=ann.id))
    assert (await get_member(shop.contexts[0], "ANN")).full_name == "Ann Example"


async def test_the_key_of_an_enrolment_replays_and_refuses_another_body(shop: Shop) -> None:
    command = EnrollMember(values=ANN, idempotency_key="k1")
    first = await enroll_member(shop.contexts[0], command)
    again = await enroll_member(shop.contexts[0], command)
    assert (again.replayed, again.member.id) == (True, first.member.id)
    with pytest.raises(KeyReused):
        await enroll_member(shop.contexts[0], EnrollMember(values={**ANN, "full_name": "B"}, idempotency_key="k1"))


async def test_rows_of_a_file_see_each_other_and_fail_alone(shop: Shop) -> None:
    context = shop.contexts[0]
    rows = [
        ImportMember(values=ANN),
        ImportMember(values={"relation_reference": "BOB", "email_id": "ann@example.org"}),
        ImportMember(values={"relation_reference": "ANN", "full_name": "Ann Changed"}),
        ImportMember(values={"relation_reference": "EVE"}, action="UPDATE"),
        ImportMember(values={"relation_reference": "ANN"}, action="SUSPEND"),
        ImportMember(values={"relation_reference": "ANN"}, action="NEW"),
        ImportMember(values={"relation_reference": "CAT", "status": "1"}),
        ImportMember(values={"relation_reference": "BOB", "full_name": "Bob", "mobile_number": " "}),
        ImportMember(values={"relation_reference": "BOB", "full_name": " ", "dob": "2090-01-01"}),
        ImportMember(values={"relation_reference": "BOB", "full_name": " "}, action="UPDATE"),
    ]
    outcomes = await context.write(lambda tx: import_members(tx, context, context.program(tx), rows))
    codes = [one.code if isinstance(one, TesseraError) else "000" for one in outcomes]
    assert codes == ["000", "1205", "000", "103", "000", "1201", "000", "000", "106", "000"]
    ann = await get_member(context, "ANN")
    assert (ann.full_name, ann.status, await count_members(context)) == ("Ann Changed", 2, 3)
    assert (await get_member(context, "BOB")).full_name == "Bob"
