"""Use cases of changes that a second administrator approves: asked for, decided about, withdrawn, listed.

Nobody decides about a change of its own, and what is approved happens in the same database transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.administrator import Grant, Link
from domain.change_request import (
    ADMINISTRATOR,
    APPROVED,
    CONFIGURATION,
    CREDENTIAL_RESET,
    DONE,
    MEMBER_STATUS,
    PENDING,
    REJECTED,
    STATUSES,
    WITHDRAWN,
)
from domain.errors import BadRequest, Forbidden, InvalidRequest, RedemptionNotFound, RequestNotPending, TesseraError
from domain.member_status import STATUS_NAMES
from domain.store import change_request as store
from domain.store.member import find_members
from resolvers import administrator_approval
from resolvers.administrator import disable, give
from resolvers.administrator_link import invite, nobodys_password, reset
from resolvers.administrator_rights import require_administration
from resolvers.approving import propose
from resolvers.configuration import make_current, read_configuration
from resolvers.context import Context
from resolvers.independence import require_independent
from resolvers.member_change import Change, note_change
from resolvers.movement import free_text
from resolvers.role import store_role
from resolvers.roster import Roster
from resolvers.visitor import read_permissions


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeRequest:
    """A change that waits, or what became of it. `difference`: what is to change; `answer`: why it was rejected.

    `link`: what approving it made, for whoever approved.
    """

    id: int
    kind: str
    subject: str
    difference: Any
    status: str
    requested_at: datetime
    requested_by: str
    reason: str | None
    decided_at: datetime | None
    decided_by: str | None
    answer: str | None
    link: Link | None = None


async def request_status_change(ctx: Context, relation_reference: str, status: int, reason: str) -> ChangeRequest:
    """Ask that a member gets a status. Raises Forbidden, BadRequest (no reason), InvalidRequest, MemberNotFound."""
    ctx.principal.require(Permission.MEMBER_WRITE)
    asking = _asking(ctx, reason)
    if status not in STATUS_NAMES:
        raise InvalidRequest(f"status: one of {', '.join(map(str, STATUS_NAMES))}", field="status")

    def body(tx: Connection) -> ChangeRequest:
        found = find_members(tx, ctx.services.keys, ctx.principal.program, references=[relation_reference])
        if not found:
            raise RedemptionNotFound("no such member")
        member = found[0].member
        difference = {"status": {"before": STATUS_NAMES[member.status], "after": STATUS_NAMES[status]}}
        payload = {"member_id": member.id, "status": status}
        number = propose(tx, asking, MEMBER_STATUS, f"member:{member.id}", payload=payload, difference=difference)
        return _load(tx, ctx, number)

    return await ctx.write(body)


async def request_credential_reset(ctx: Context, reason: str) -> ChangeRequest:
    """Ask to make new credentials; once approved, who asked makes them. Raises Forbidden, BadRequest (no reason)."""
    ctx.principal.require(Permission.CREDENTIAL_WRITE)
    asking = _asking(ctx, reason)

    def body(tx: Connection) -> ChangeRequest:
        difference = {"credentials": "made anew; every earlier token dies"}
        subject = f"program:{ctx.principal.public_program_id}"
        return _load(tx, ctx, propose(tx, asking, CREDENTIAL_RESET, subject, payload={}, difference=difference))

    return await ctx.write(body)


async def approve_change(ctx: Context, change_id: int) -> ChangeRequest:
    """Have a change happen, exactly once; by anybody who may approve and is independent of the one who asked.

    What is done to administrators is done by whoever approves it, who may do so and gets the link.
    Raises Forbidden, DeciderNotIndependent, SecondFactorNeeded, RedemptionNotFound (123: no such request),
    RequestNotPending, ConfigurationChanged (another version is in force than it was made from) and what the change
    itself is refused with, which goes on waiting.
    """
    ctx.principal.require(Permission.CHANGE_APPROVE)
    ctx.principal.require_proof()
    found = await ctx.read(lambda tx: _undecided(tx, ctx, change_id, lock=False))
    payload = orjson.loads(ctx.services.keys.open_administration(found.payload))
    approved = replace(ctx, is_approved=True)
    if found.kind == ADMINISTRATOR:
        return await _approve_administration(approved, change_id, payload)
    if found.kind == CONFIGURATION:
        await make_current(
            approved,
            lambda _: read_configuration(payload),
            expected_version=found.base_version,
            change={"request": change_id},
            along=lambda tx: _decide(tx, ctx, change_id, DONE),
        )
        return await ctx.read(lambda tx: _load(tx, ctx, change_id))

    def body(tx: Connection) -> ChangeRequest:
        if found.kind == MEMBER_STATUS:
            _decide(tx, ctx, change_id, DONE)
            _change_status(tx, approved, payload)
        else:
            _decide(tx, ctx, change_id, APPROVED)
        return _load(tx, ctx, change_id)

    return await ctx.write(body)


async def _approve_administration(ctx: Context, change_id: int, payload: Mapping[str, Any]) -> ChangeRequest:
    require_administration(ctx)
    password = await nobodys_password(ctx.services)

    def body(tx: Connection) -> ChangeRequest:
        _decide(tx, ctx, change_id, DONE)
        return replace(_load(tx, ctx, change_id), link=_administer(tx, ctx, payload, password))

    return await ctx.write(body)


def _administer(tx: Connection, ctx: Context, payload: Mapping[str, Any], password: str) -> Link | None:
    grants = [Grant(**one) for one in payload.get("grants", ())]
    match payload["what"]:
        case administrator_approval.INVITE:
            return invite(tx, ctx, payload["email"], grants)
        case administrator_approval.RESET:
            return reset(tx, ctx, payload["administrator_id"], password)
        case administrator_approval.ROLES:
            give(tx, ctx, payload["administrator_id"], grants)
        case administrator_approval.ENABLE:
            disable(tx, ctx, payload["administrator_id"], disabled=False)
        case _:
            store_role(tx, ctx, payload["name"], read_permissions(payload["permissions"]))
    return None


async def reject_change(ctx: Context, change_id: int, answer: str) -> ChangeRequest:
    """Turn a change down; by anybody who may approve but the one who asked.

    Raises Forbidden, BadRequest (no answer), RedemptionNotFound, RequestNotPending, DeciderNotIndependent.
    """
    ctx.principal.require(Permission.CHANGE_APPROVE)
    told = free_text(answer, "answer")
    if told is None:
        raise BadRequest("answer: is missing", field="answer")

    def body(tx: Connection) -> ChangeRequest:
        _decide(tx, ctx, change_id, REJECTED, told)
        return _load(tx, ctx, change_id)

    return await ctx.write(body)


async def withdraw_change(ctx: Context, change_id: int) -> ChangeRequest:
    """Take back a change that one asked for. Raises Forbidden, RedemptionNotFound, RequestNotPending."""
    ctx.principal.require(Permission.CONFIGURATION_READ)

    def body(tx: Connection) -> ChangeRequest:
        row = _waiting(tx, ctx, change_id)
        if row.requested_by != ctx.principal.actor:
            raise Forbidden("who asked for it takes it back")
        _write(tx, ctx, change_id, WITHDRAWN, None)
        return _load(tx, ctx, change_id)

    return await ctx.write(body)


async def list_change_requests(
    ctx: Context, *, status: str | None = None, first: int, before_id: int | None = None
) -> list[ChangeRequest]:
    """The newest changes, of one status or of all. Raises Forbidden, InvalidRequest."""
    ctx.principal.require(Permission.CONFIGURATION_READ)
    if status is not None and status not in STATUSES:
        raise InvalidRequest(f"status: one of {', '.join(STATUSES)}", field="status")
    rows = await ctx.read(
        lambda tx: store.page_changes(tx, ctx.principal.program, status=status, first=first, before_id=before_id)
    )
    return [_request(row) for row in rows]


async def get_proposed_configuration(ctx: Context, change_id: int) -> Mapping[str, Any] | None:
    """The configuration that a change would put in force; None where it changes something else.

    Raises Forbidden, RedemptionNotFound.
    """
    ctx.principal.require(Permission.CONFIGURATION_READ)
    row = await ctx.read(lambda tx: store.find_change(tx, ctx.principal.program, change_id))
    if row is None:
        raise RedemptionNotFound("no such change")
    if row.kind != CONFIGURATION:
        return None
    proposed: Mapping[str, Any] = orjson.loads(ctx.services.keys.open_administration(row.payload))
    return proposed


def _asking(ctx: Context, reason: str) -> Context:
    told = free_text(reason, "reason")
    if told is None:
        raise BadRequest("reason: is missing", field="reason")
    return replace(ctx, proposal=told)


def _change_status(tx: Connection, ctx: Context, payload: Mapping[str, Any]) -> None:
    change = Change(action="UPDATE", values={"status": payload["status"]}, member_id=payload["member_id"], clears=True)
    [outcome] = Roster(tx, ctx, ctx.program(tx), ctx.services.clock()).apply([change])
    if isinstance(outcome, TesseraError):
        raise outcome
    note_change(tx, ctx, "update", outcome)


def _undecided(tx: Connection, ctx: Context, change_id: int, *, lock: bool = True) -> Row[Any]:
    """A change that waits and that the caller may decide about.

    Raises RedemptionNotFound, RequestNotPending, Forbidden (its own), DeciderNotIndependent.
    """
    row = _waiting(tx, ctx, change_id, lock=lock)
    if row.requested_by == ctx.principal.actor:
        raise Forbidden("who asks for a change does not decide about it")
    require_independent(tx, ctx, row.requested_by)
    return row


def _waiting(tx: Connection, ctx: Context, change_id: int, *, lock: bool = True) -> Row[Any]:
    row = store.find_change(tx, ctx.principal.program, change_id, lock=lock)
    if row is None:
        raise RedemptionNotFound("no such change")
    if row.status != PENDING:
        raise RequestNotPending
    return row


def _decide(tx: Connection, ctx: Context, change_id: int, status: str, answer: str | None = None) -> None:
    _undecided(tx, ctx, change_id)
    _write(tx, ctx, change_id, status, answer)


def _write(tx: Connection, ctx: Context, change_id: int, status: str, answer: str | None) -> None:
    values = {"status": status, "decided_at": ctx.services.clock(), "decided_by": ctx.principal.actor, "answer": answer}
    store.update_change(tx, ctx.principal.program, change_id, values)
    ctx.audit(
        tx, f"change.{status.lower()}", f"change:{change_id}", before={"status": PENDING}, after={"status": status}
    )


def _load(tx: Connection, ctx: Context, change_id: int) -> ChangeRequest:
    row = store.find_change(tx, ctx.principal.program, change_id)
    if row is None:
        raise RedemptionNotFound("no such change")
    return _request(row)


def _request(row: Row[Any]) -> ChangeRequest:
    return ChangeRequest(**{name: getattr(row, name) for name in ChangeRequest.__dataclass_fields__ if name != "link"})
