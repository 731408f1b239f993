"""Mutations of members."""

from datetime import date, datetime
from typing import Any

import orjson
import strawberry
from strawberry.scalars import JSON

from domain.errors import BadRequest, MemberNonexistent
from resolvers.erasure import erase_member
from resolvers.member import EnrollMember, MemberWritten, UpdateMember, enroll_member, update_member
from resolvers.member_data import MOST_ROWS, as_json, export_member_data
from schema.context import Info, RequestContext
from schema.field import field, mutation
from schema.global_id import MEMBER, decode
from schema.mutations.idempotency import read_key
from schema.scalar import ClearableDate
from schema.types.attribute import AttributeInput, attribute_values
from schema.types.member import Member, load_answering, to_member
from schema.types.member_status import MemberStatus

_FIXED = ("full_name", "email_id", "mobile_number", "gender", "dob", "address", "preferred_language")


@strawberry.input(description="A member to enrol. What is null is not given.")
class MemberEnrollInput:
    relation_reference: str = strawberry.field(description="The program's own reference: up to 100 characters.")
    status: MemberStatus | None = strawberry.field(default=None, description="Null: inactive until activated.")
    full_name: str | None = strawberry.field(default=None, description="Name.")
    email_id: str | None = strawberry.field(default=None, description="E-mail address `a@b.c`, unique in the program.")
    mobile_number: str | None = strawberry.field(
        default=None, description="Mobile number of 5 to 20 digits, unique in the program."
    )
    gender: str | None = strawberry.field(default=None, description="`M`, `F` or `O`.")
    dob: date | None = strawberry.field(default=None, description="Date of birth: from 1900 until today.")
    address: str | None = strawberry.field(default=None, description="Postal address.")
    preferred_language: str | None = strawberry.field(
        default=None, description="Preferred language: a tag such as `en` or `pt-BR`, of up to 35 characters."
    )
    attributes: list[AttributeInput] | None = strawberry.field(default=None, description="Custom attributes.")
    referral_code: str | None = strawberry.field(
        default=None, description="The code of the member who brought this one; case and outer blanks do not matter."
    )
    ignore_unknown: bool | None = strawberry.field(
        default=None, description="Leave out attributes that nobody defined; null: as the program has it."
    )
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(
    description="Changes to one member, named by `relationReference` or `memberId`; with a member's token by neither. "
    'What is null stays; the empty text `""` clears what is not mandatory.'
)
class MemberUpdateInput:
    relation_reference: str | None = strawberry.field(default=None, description="The member's reference.")
    member_id: strawberry.ID | None = strawberry.field(default=None, description="The member's global id.")
    full_name: str | None = strawberry.field(default=None, description="Name.")
    email_id: str | None = strawberry.field(default=None, description="E-mail address `a@b.c`, unique in the program.")
    mobile_number: str | None = strawberry.field(
        default=None, description="Mobile number of 5 to 20 digits, unique in the program."
    )
    gender: str | None = strawberry.field(default=None, description="`M`, `F` or `O`.")
    dob: ClearableDate | None = strawberry.field(default=None, description="Date of birth: from 1900 until today.")
    address: str | None = strawberry.field(default=None, description="Postal address.")
    preferred_language: str | None = strawberry.field(
        default=None, description="Preferred language: a tag such as `en` or `pt-BR`, of up to 35 characters."
    )
    attributes: list[AttributeInput] | None = strawberry.field(default=None, description="Custom attributes.")
    ignore_unknown: bool | None = strawberry.field(
        default=None, description="Leave out attributes that nobody defined; null: as the program has it."
    )
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="A new status for one member, named by `relationReference` or `memberId`.")
class MemberStatusChangeInput:
    status: MemberStatus = strawberry.field(description="The new status.")
    relation_reference: str | None = strawberry.field(default=None, description="The member's reference.")
    member_id: strawberry.ID | None = strawberry.field(default=None, description="The member's global id.")
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="A member to forget.")
class MemberEraseInput:
    relation_reference: str = strawberry.field(description="The member's reference.")


@strawberry.input(description="A member whose data is asked for.")
class MemberDataExportInput:
    relation_reference: str | None = strawberry.field(
        default=None, description="The member's reference; with a member's token null or its own."
    )


@strawberry.type(description="What is stored on a member.")
class MemberDataExportPayload:
    document: JSON = strawberry.field(
        description="`format`, `exported_at`, `program`, `decimals` (of points, which are in the smallest unit), "
        "`members` (the member and whom it answers for since a merge), and a list for each kind of record."
    )


@strawberry.type(description="What is left of the member.")
class MemberErasePayload:
    erased_at: datetime = strawberry.field(description="When the member was erased.")
    replayed: bool = strawberry.field(description="It had been done before: nothing was done again.")
    member_id: strawberry.Private[int]

    @field("The member, with its numbers and a reference that names nobody.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)


@strawberry.type(description="The member as stored.")
class MemberPayload:
    member: Member = strawberry.field(description="The member.")
    replayed: bool = strawberry.field(description="The idempotency key had run before: nothing was done again.")
    ignored_keys: list[str] = strawberry.field(description="Attributes that nobody defined and that were left out.")


@strawberry.type
class MemberMutation:
    @mutation("Enrol a member with an empty account.")
    async def member_enroll(self, info: Info, input: MemberEnrollInput) -> MemberPayload | None:
        values = _values(input) | {"relation_reference": input.relation_reference}
        if input.status is not None:
            values["status"] = input.status.value
        command = EnrollMember(
            values=values,
            ignore_unknown=input.ignore_unknown,
            referral_code=input.referral_code,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return _payload(await enroll_member(info.context.changing(), command), info.context)

    @mutation(
        "Change fields and custom attributes of a member. With a member's token another `emailId` or `mobileNumber` "
        "needs a TwoFA code that was verified within the last ten minutes (`PROOF_NEEDED`). An address that is left is "
        "told of it, what was sent there is dead, and the member's other sessions end."
    )
    async def member_update(self, info: Info, input: MemberUpdateInput) -> MemberPayload | None:
        return await _update(input, _values(input), input.ignore_unknown, info.context)

    @mutation("Change what a member may do.")
    async def member_status_change(self, info: Info, input: MemberStatusChangeInput) -> MemberPayload | None:
        return await _update(input, {"status": input.status.value}, None, info.context)

    @mutation(
        "Forget a member for good: profile, attributes, sub-relations and reference are destroyed, postings and points "
        "stay. For administrators; there is no way back."
    )
    async def member_erase(self, info: Info, input: MemberEraseInput) -> MemberErasePayload | None:
        erased = await erase_member(info.context.changing(), input.relation_reference)
        return MemberErasePayload(
            erased_at=info.context.local(erased.erased_at), replayed=erased.replayed, member_id=erased.member_id
        )

    @mutation(
        "Everything that is stored on a member, as a document to hand out: for the member, and for administrators who "
        "may erase members. It stands in the audit trail."
    )
    async def member_data_export(self, info: Info, input: MemberDataExportInput) -> MemberDataExportPayload | None:
        told = await export_member_data(info.context.changing(), input.relation_reference, most_rows=MOST_ROWS)
        return MemberDataExportPayload(document=JSON(orjson.loads(as_json(told))))


async def _update(
    input: MemberUpdateInput | MemberStatusChangeInput,
    values: dict[str, Any],
    ignore_unknown: bool | None,
    context: RequestContext,
) -> MemberPayload:
    command = UpdateMember(
        values=values,
        member_id=_member_id(input.member_id, context),
        relation_reference=input.relation_reference,
        ignore_unknown=ignore_unknown,
        idempotency_key=read_key(input.idempotency_key, context),
    )
    return _payload(await update_member(context.changing(), command), context)


def _values(input: MemberEnrollInput | MemberUpdateInput) -> dict[str, Any]:
    """What was given, by attribute key. Raises BadRequest for a custom attribute that is a field of its own."""
    fixed = {key: value for key in _FIXED if (value := getattr(input, key)) is not None}
    custom = attribute_values(input.attributes)
    for key in ("relation_reference", "status", *_FIXED):
        if key in custom:
            raise BadRequest(f"{key}: is a field of the input, not a custom attribute", field=key)
    return {**fixed, **custom}


def _member_id(given: str | None, context: RequestContext) -> int | None:
    """The member's number. Raises BadRequest, MemberNonexistent (somebody else's members do not exist)."""
    if given is None:
        return None
    number = decode(given, "memberId").number(MEMBER, context.ctx.principal.program)
    if number is None:
        raise MemberNonexistent
    return number


def _payload(written: MemberWritten, context: RequestContext) -> MemberPayload:
    return MemberPayload(
        member=to_member(written.member, context),
        replayed=written.replayed,
        ignored_keys=list(written.ignored_keys),
    )
