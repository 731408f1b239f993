"""Use cases of members' passwords: set one, import those of another system."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BadRequest, Forbidden, MemberNotFound, TesseraError
from domain.member import LOGIN_BLOCKED, Member
from domain.member_status import Operation, refusal_by_status
from domain.otp import PASSWORD_TYPES
from domain.password import Scheme, Secret, check_password, keep_import, keep_password, read_import
from domain.session import End, Method
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.login import forget_failures, lock_failures, set_status
from domain.store.member_secret import members_with_secret, secret_changed_at, store_secret
from domain.store.otp import has_grant, take_grants
from resolvers.attempt import Compared, Judged, attempt, judge
from resolvers.context import Context
from resolvers.lockout import tell_updated
from resolvers.proof import PROOF_MINUTES, signed_in_just_now
from resolvers.subject import Named, Subject, find_subject, sign_out

SET, IMPORT = "password.set", "secret.import"
_BY_MESSAGE = frozenset({Method.CODE, Method.LINK})
_NOT_ALLOWED = (
    "needs the old password, a verified RESETPASSWORD or FORGOTPWD code, or a sign-in with a code or a link "
    f"within the last {PROOF_MINUTES} minutes"
)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class SetPassword:
    """A new password for a member (None: the token's own), who proves itself.

    By the old one, by a verified code, or by having signed in with a code or a link a moment ago.
    """

    password: str
    relation_reference: str | None = None
    old_password: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class ImportSecret:
    """A member's secret of another system, as that system kept it."""

    relation_reference: str
    secret: str
    scheme: Scheme = Scheme.PLAIN
    salt: str = ""
    force_change: bool = False
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretChanged:
    """Whose secret is another now; `replayed` where the idempotency key had run before."""

    member_id: int
    changed_at: datetime
    replayed: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class _Write:
    """A new secret on its way into the database."""

    ctx: Context
    use_case: str
    secret: Secret
    force_change: bool
    key: str | None
    fingerprint: bytes
    now: datetime


async def set_password(ctx: Context, command: SetPassword) -> SecretChanged:
    """Set a member's password, which ends a lockout, and all sessions of the member but the one that sets it.

    Raises BadRequest, Forbidden, InvalidRequest, KeyReused, TooManyRequests; with an old password LoginBlocked,
    InvalidCredentials and what stops a login; else Forbidden (nothing was proved, nobody has this reference),
    CancelledMemberUpdate.
    """
    if not command.password:
        raise BadRequest("password: is missing", field="password")
    ctx.principal.require(Permission.MEMBER_OTP)
    reference = ctx.principal.member(command.relation_reference)
    if not reference:
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    check_password(command.password)
    named, now = Named(reference=reference), ctx.services.clock()
    key = ctx.key(command.idempotency_key)
    # A plain hash of a password could be guessed at by whoever has the database.
    mac = ctx.services.keys.code_mac("password", reference, command.password)
    fingerprint = fingerprint_of(SET, mac.hex())
    before = await ctx.read(lambda tx: _begin(tx, ctx, named, key, fingerprint, now, command.old_password is None))
    if before is not None:
        return before
    secret = await ctx.services.hashing.run(lambda: keep_password(command.password), program=ctx.principal.program)
    write = _Write(ctx, SET, secret, False, key, fingerprint, now)
    if command.old_password is None:
        return await ctx.write(lambda tx: _set_by_grant(tx, write, named))

    def settle(tx: Connection, compared: Compared) -> SecretChanged | TesseraError | None:
        return _set_by_password(tx, write, named, compared)

    outcome: SecretChanged | TesseraError = await attempt(ctx, named, command.old_password, settle)
    if isinstance(outcome, TesseraError):
        raise outcome
    return outcome


def _begin(
    tx: Connection, ctx: Context, named: Named, key: str | None, fingerprint: bytes, now: datetime, needs_grant: bool
) -> SecretChanged | None:
    """The first outcome of the key. Raises KeyReused, Forbidden: before anybody hashes anything."""
    replay = _replay(tx, ctx.principal.program, SET, key, fingerprint, now)
    if replay is None and needs_grant:
        subject = find_subject(tx, ctx.services.keys, ctx.principal.program, named)
        is_granted = has_grant(tx, ctx.principal.program, subject.digest, PASSWORD_TYPES, now)
        if not (is_granted or _came_by_message(tx, ctx, subject, now)):
            raise Forbidden(_NOT_ALLOWED)
    return replay


def _set_by_grant(tx: Connection, write: _Write, named: Named) -> SecretChanged:
    program_id = write.ctx.principal.program
    replay = _replay(tx, program_id, write.use_case, write.key, write.fingerprint, write.now)
    if replay is not None:
        return replay
    subject = find_subject(tx, write.ctx.services.keys, program_id, named, lock=True)
    is_granted = take_grants(tx, program_id, subject.digest, PASSWORD_TYPES, write.now)
    if subject.member is None or not (is_granted or _came_by_message(tx, write.ctx, subject, write.now)):
        raise Forbidden(_NOT_ALLOWED)
    return _store(tx, write, subject, subject.member)


def _came_by_message(tx: Connection, ctx: Context, subject: Subject, now: datetime) -> bool:
    """Whether the caller has just signed in with a code or a link, and its password was not changed since."""
    if subject.member_id is None:
        return False
    started_at = signed_in_just_now(tx, ctx, subject.member_id, _BY_MESSAGE, now)
    if started_at is None:
        return False
    changed_at = secret_changed_at(tx, ctx.principal.program, subject.member_id)
    return changed_at is None or changed_at < started_at


def _set_by_password(
    tx: Connection, write: _Write, named: Named, compared: Compared
) -> SecretChanged | TesseraError | None:
    replay = _replay(tx, write.ctx.principal.program, write.use_case, write.key, write.fingerprint, write.now)
    if replay is not None:
        return replay
    judged: Judged | None = judge(tx, write.ctx, named, compared, write.now)
    if judged is None or judged.refusal is not None or judged.subject.member is None:
        return None if judged is None else judged.refusal
    # A code that was verified before allows nothing beyond the change that was made otherwise.
    take_grants(tx, write.ctx.principal.program, judged.subject.digest, PASSWORD_TYPES, write.now)
    return _store(tx, write, judged.subject, judged.subject.member)


async def import_secret(ctx: Context, command: ImportSecret) -> SecretChanged:
    """Take over a member's secret from another system, wrapped at once; it ends a lockout.

    Raises BadRequest, Forbidden, InvalidRequest, KeyReused, TooManyRequests, MemberNotFound, CancelledMemberUpdate.
    """
    for name in ("relation_reference", "secret"):
        if not getattr(command, name):
            raise BadRequest(f"{name}: is missing", field=name)
    ctx.principal.require(Permission.MEMBER_AUTHENTICATE)
    imported = read_import(command.scheme, command.secret, command.salt)
    named, now, key = (
        Named(reference=command.relation_reference),
        ctx.services.clock(),
        ctx.key(command.idempotency_key),
    )
    parts = (command.relation_reference, imported.scheme.value, imported.salt, imported.text, str(command.force_change))
    fingerprint = fingerprint_of(IMPORT, ctx.services.keys.code_mac("secret", *parts).hex())
    secret = await ctx.services.hashing.run(lambda: keep_import(imported), program=ctx.principal.program)
    write = _Write(ctx, IMPORT, secret, command.force_change, key, fingerprint, now)
    return await ctx.write(lambda tx: _import(tx, write, named))


async def list_has_password(ctx: Context, member_ids: Sequence[int]) -> dict[int, bool]:
    """Whether these members have a password, those that the caller may see. Raises Forbidden."""
    ctx.principal.require(Permission.MEMBER_READ)

    def body(tx: Connection) -> dict[int, bool]:
        visible = ctx.visible_members(tx, member_ids)
        have = members_with_secret(tx, ctx.principal.program, visible)
        return {one: one in have for one in visible}

    return await ctx.read(body)


def _import(tx: Connection, write: _Write, named: Named) -> SecretChanged:
    program_id = write.ctx.principal.program
    replay = _replay(tx, program_id, write.use_case, write.key, write.fingerprint, write.now)
    if replay is not None:
        return replay
    subject = find_subject(tx, write.ctx.services.keys, program_id, named, lock=True)
    if subject.member is None:
        raise MemberNotFound
    return _store(tx, write, subject, subject.member)


def _store(tx: Connection, write: _Write, subject: Subject, member: Member) -> SecretChanged:
    """Keep the secret of a member, who is locked; a lockout ends. Raises CancelledMemberUpdate."""
    program_id, now = write.ctx.principal.program, write.now
    stopped = refusal_by_status(Operation.UPDATE, member.status)
    if stopped is not None:
        raise stopped
    store_secret(tx, program_id, member.id, write.secret, force_change=write.force_change, now=now)
    # Whoever was in by the old one, or by a device that was lost with it, is out; who sets it need not sign in again.
    sign_out(tx, program_id, [member.id], End.PASSWORD, now, spared=write.ctx.principal.session_id)
    failures = lock_failures(tx, program_id, subject.digest)
    forget_failures(tx, program_id, subject.digest)
    if failures.status_before is not None and member.status == LOGIN_BLOCKED:
        set_status(tx, program_id, member.id, failures.status_before)
        tell_updated(tx, program_id, member.id, now)
    write.ctx.audit(tx, f"member.{write.use_case}", f"member:{member.id}")
    if write.key:
        outcome = {"member_id": member.id, "changed_at": now.isoformat()}
        bind_key(tx, program_id, write.use_case, write.key, write.fingerprint, outcome, now)
    return SecretChanged(member_id=member.id, changed_at=now)


def _replay(
    tx: Connection, program_id: int, use_case: str, key: str | None, fingerprint: bytes, now: datetime
) -> SecretChanged | None:
    bound = find_keys(tx, program_id, use_case, [key] if key else [], now)
    if key not in bound:
        return None
    outcome = bound[key].replay(fingerprint)
    at = datetime.fromisoformat(outcome["changed_at"])
    return SecretChanged(member_id=outcome["member_id"], changed_at=at, replayed=True)
