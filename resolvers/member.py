"""Use cases of members: enrol, read, update, and the rows of a member file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import BadRequest, Forbidden, InvalidRequest, MemberNotFound, TesseraError, UpdateFailed
from domain.member import MEMBER_WRITABLE, Member
from domain.record import record
from domain.referral import read_code
from domain.rules.fixed import member_definitions
from domain.store.asking import need
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.member import find_members, members_named
from domain.store.program import ProgramState
from domain.store.unique_value import owners
from resolvers.context import Context
from resolvers.member_change import Change, note_change
from resolvers.member_list import MemberFilter, MemberOrder, count_members, list_members
from resolvers.roster import Roster
from resolvers.surprise import told_as

__all__ = [
    "EnrollMember",
    "ImportMember",
    "Member",
    "MemberFilter",
    "MemberOrder",
    "MemberWritten",
    "UpdateMember",
    "count_members",
    "enroll_member",
    "get_member",
    "get_member_by_unique_attribute",
    "import_members",
    "list_members",
    "list_answering_members",
    "list_members_by_id",
    "update_member",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrollMember:
    """Enrol a member. `values` holds fixed and custom attributes by key, `relation_reference` among them.

    `ignore_unknown` None: the program's setting decides about unknown attribute keys. `referral_code` is that
    of the member by whom this one was brought, in any letter case.
    """

    values: Mapping[str, Any]
    ignore_unknown: bool | None = None
    referral_code: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateMember:
    """Change the given attributes of one member, named by id or by reference; absent keys stay.

    A blank text clears an attribute that is not mandatory; None says nothing.
    """

    values: Mapping[str, Any]
    member_id: int | None = None
    relation_reference: str | None = None
    ignore_unknown: bool | None = None
    idempotency_key: str | None = None


@record
class ImportMember:
    """A row of a member file. `action`: NEW, UPDATE, SUSPEND, CLOSE, REACTIVATE or None (new or update)."""

    values: Mapping[str, Any]
    action: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberWritten:
    """The stored member; `replayed` where the idempotency key had run before."""

    member: Member
    replayed: bool = False
    ignored_keys: Sequence[str] = field(default=())


async def enroll_member(ctx: Context, command: EnrollMember) -> MemberWritten:
    """Enrol one member with an empty account.

    Raises BadRequest, Forbidden, InvalidRequest, KeyReused, InvalidAttribute, DuplicateRecord,
    DuplicateEmail, DuplicateMobile, DuplicateAttribute, ReferralRefused.
    """
    if not command.values.get("relation_reference"):
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    ctx.principal.require(Permission.MEMBER_WRITE)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("members do not enrol members")
    change = Change(
        action="NEW",
        values=command.values,
        ignore_unknown=command.ignore_unknown,
        referral_code=read_code(command.referral_code),
    )
    return await _write_one(ctx, "enroll", change, command.idempotency_key)


async def update_member(ctx: Context, command: UpdateMember) -> MemberWritten:
    """Change attributes of a member.

    Raises BadRequest, Forbidden, InvalidRequest, KeyReused, InvalidAttribute, MemberNonexistent,
    CancelledMemberUpdate, DuplicateEmail, DuplicateMobile, DuplicateAttribute, UpdateFailed.
    """
    if not command.values:
        raise BadRequest("nothing is to be changed: at least one field or attribute is needed")
    ctx.principal.require(Permission.MEMBER_WRITE)
    reference = command.relation_reference
    if ctx.principal.kind is PrincipalKind.MEMBER:
        _check_writable(command.values)
        reference = ctx.principal.member(reference)
    if "relation_reference" in command.values:
        raise InvalidRequest("relation_reference is permanent", field="relation_reference")
    change = Change(
        action="UPDATE",
        values=command.values,
        ignore_unknown=command.ignore_unknown,
        member_id=command.member_id,
        reference=reference,
        clears=True,
    )
    with told_as(UpdateFailed, UpdateFailed):
        return await _write_one(ctx, "update", change, command.idempotency_key)


def _check_writable(values: Mapping[str, Any]) -> None:
    # Custom attributes may decide what a purchase earns, so members do not write them either.
    for key in values:
        if key not in MEMBER_WRITABLE:
            raise Forbidden(f"members may not change {key}")


async def _write_one(ctx: Context, use_case: str, change: Change, given_key: str | None) -> MemberWritten:
    key = ctx.key(given_key)
    values = {name: change.values[name] for name in sorted(change.values)}
    code = () if change.referral_code is None else (change.referral_code,)
    fingerprint = fingerprint_of(use_case, change.member_id, change.reference, values, *code)
    now = ctx.services.clock()

    def body(tx: Connection) -> MemberWritten:
        state = ctx.program(tx)
        bound = find_keys(tx, state.id, use_case, [key] if key else [], now)
        if key in bound:
            member_id = bound[key].replay(fingerprint)["member_id"]
            stored = find_members(tx, ctx.services.keys, state.id, ids=[member_id])
            return MemberWritten(member=ctx.shown(tx, [stored[0].member])[0], replayed=True)
        outcome = Roster(tx, ctx, state, now).apply([change])[0]
        if isinstance(outcome, TesseraError):
            raise outcome
        if ctx.is_by_hand:
            note_change(tx, ctx, use_case, outcome)
        if key:
            bind_key(tx, state.id, use_case, key, fingerprint, {"member_id": outcome.member.id}, now)
        return MemberWritten(member=ctx.shown(tx, [outcome.member])[0], ignored_keys=outcome.ignored_keys)

    return await ctx.write(body)


def import_members(
    tx: Connection, ctx: Context, state: ProgramState, commands: Sequence[ImportMember]
) -> list[Member | TesseraError]:
    """Enrol or change many members in this database transaction: a member or a refusal each, in order."""
    ctx.principal.require(Permission.MEMBER_WRITE)
    changes = [Change(action=command.action, values=command.values, ignore_unknown=False) for command in commands]
    outcomes = Roster(tx, ctx, state, ctx.services.clock()).apply(changes)
    return [one if isinstance(one, TesseraError) else one.member for one in outcomes]


async def get_member(ctx: Context, relation_reference: str | None) -> Member:
    """The member with this reference (None: the token's own). Raises BadRequest, Forbidden, MemberNotFound."""
    ctx.principal.require(Permission.MEMBER_READ)
    reference = ctx.principal.member(relation_reference)
    if not reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")

    # Not with the request's other reads: they need to know which member it is.
    named = members_named(ctx.services.keys, ctx.principal.program, [reference])
    [found] = await ctx.services.db.ask(lambda: need(named))
    if not found:
        raise MemberNotFound
    member: Member = found[0].member
    if ctx.sight is not None:
        # The token's own, or with a token that may see everybody.
        ctx.sight.know([member])
    return member if ctx.sees_persons else (await ctx.read(lambda tx: ctx.shown(tx, [member])))[0]


async def get_member_by_unique_attribute(ctx: Context, key: str, value: str) -> Member:
    """The member with this value of a unique attribute.

    Raises Forbidden, InvalidRequest (the attribute is not unique), MemberNotFound.
    """
    ctx.principal.require(Permission.MEMBER_READ)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("the token is bound to one member")

    def body(tx: Connection) -> Member:
        state = ctx.program(tx)
        unique = {one.key for one in member_definitions(state.configuration) if one.unique}
        if key not in unique:
            raise InvalidRequest(f"{key[:100]}: not a unique attribute")
        if key == "relation_reference":
            found = find_members(tx, ctx.services.keys, state.id, references=[value])
        else:
            digest = ctx.services.keys.lookup_hash(state.id, key, value)
            ids = list(owners(tx, state.id, key, [digest]).values())
            found = find_members(tx, ctx.services.keys, state.id, ids=ids, follow=True) if ids else []
        if not found:
            raise MemberNotFound
        return ctx.shown(tx, [found[0].member])[0]

    return await ctx.read(body)


async def list_members_by_id(ctx: Context, member_ids: Sequence[int]) -> dict[int, Member]:
    """The members of the caller's program among these ids; those of others are left out."""
    ctx.principal.require(Permission.MEMBER_READ)

    def body(tx: Connection) -> dict[int, Member]:
        return {one.id: one for one in ctx.shown(tx, ctx.members(tx, member_ids).values())}

    return await ctx.read(body)


async def list_answering_members(ctx: Context, member_ids: Sequence[int]) -> dict[int, Member]:
    """Who answers for these members since they were merged, by whom they answer for: themselves as a rule.

    Those of other programs, and whom the caller may not see, are left out.
    """
    ctx.principal.require(Permission.MEMBER_READ)

    def body(tx: Connection) -> dict[int, Member]:
        found = find_members(tx, ctx.services.keys, ctx.principal.program, ids=member_ids, follow=True)
        own = ctx.own_members(tx)
        visible = {one.asked_id or one.member.id: one.member for one in found if own is None or one.member.id in own}
        if ctx.sight is not None:
            ctx.sight.know(visible.values())
        return dict(zip(visible, ctx.shown(tx, visible.values()), strict=True))

    return await ctx.read(body)
