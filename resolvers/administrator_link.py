"""Use cases of links that work once: the first administrator, an invitation, a new password and second factor."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import Permission, PrincipalKind
from domain.administrator import LINK_LIFE, MIN_PASSWORD, Grant, Link, read_email, read_name
from domain.crypto import hash_secret
from domain.errors import AdministratorExists, Forbidden, InvalidRequest, LinkInvalid
from domain.ids import new_token
from domain.password import check_password, keep_password
from domain.store import administrator as store
from domain.store import audit
from resolvers.administrator_approval import INVITE, RESET, waits
from resolvers.administrator_rights import (
    find_visible,
    is_visible,
    require_administration,
    require_giving,
    told,
    words_of,
)
from resolvers.context import Context, Services
from resolvers.independence import behind
from resolvers.rate import DEPLOYMENT
from resolvers.sign_in import Entered, Origin, begin_enrolling

LINK_PREFIX = "tpl"
OWNER = "program-admin"
"""The role that may do everything; over all programs, it is over the deployment."""

_ANEW: dict[str, Any] = {
    **{"totp_secret": None, "totp_step": None, "recovery_codes": []},
    **{"failures": 0, "locked_until": None},
}
"""Without a second factor, and not locked out."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class TakeLink:
    """What somebody with a link says of itself; the link may have the address, and an administrator has a name."""

    token: str
    password: str
    email: str | None = None
    name: str | None = None


async def offer_setup(ctx: Context) -> Link | None:
    """The link by which the first administrator of a deployment makes itself; None where there is one already.

    An earlier link of the kind works no longer. For whoever has the machine: raises Forbidden.
    """
    if ctx.principal.kind is not PrincipalKind.SYSTEM:
        raise Forbidden
    everything = [Grant(public_program_id=None, role=OWNER)]

    def body(tx: Connection) -> Link | None:
        if store.has_administrators(tx):
            return None
        return _make_link(tx, ctx, None, None, everything)

    return await ctx.write(body)


async def invite_administrator(ctx: Context, email: str, grants: Sequence[Grant]) -> Link:
    """A link by which somebody becomes an administrator with these roles, within a day; one without a token waits.

    Whether the address is an administrator's of another program is not told: the link is good for that as well.
    Raises Forbidden, SecondFactorNeeded, InvalidRequest, AdministratorExists, ApprovalNeeded.
    """
    require_administration(ctx)
    address = read_email(email)
    return await ctx.write(lambda tx: invite(tx, ctx, address, grants))


def invite(tx: Connection, ctx: Context, address: str, grants: Sequence[Grant]) -> Link:
    """The same in a database transaction."""
    require_giving(tx, ctx, grants)
    known = store.find_by_email(tx, address)
    if known is not None and is_visible(ctx, store.list_administrators(tx, [known.id])[0]):
        raise AdministratorExists(field="email")
    payload = {"email": address, "grants": [asdict(one) for one in grants]}
    if waits(tx, ctx, INVITE, f"administrator:{address}", payload, {"invitation": words_of(grants)}):
        return _new_link(ctx, None, address, grants, None)
    return _make_link(tx, ctx, None, address, grants)


async def reset_administrator(ctx: Context, administrator_id: int) -> Link:
    """A link by which an administrator takes a new password and a new code generator; its sessions end at once.

    One without a token waits. Raises Forbidden, SecondFactorNeeded, AdministratorNotFound, ApprovalNeeded.
    """
    require_administration(ctx)
    password = await nobodys_password(ctx.services)
    return await ctx.write(lambda tx: reset(tx, ctx, administrator_id, password))


def reset(tx: Connection, ctx: Context, administrator_id: int, password: str) -> Link:
    """The same in a database transaction, with a `password` that nobody knows."""
    one = find_visible(tx, ctx, administrator_id)
    require_giving(tx, ctx, one.grants)
    told = {"password": "and code generator are made anew"}
    if waits(tx, ctx, RESET, f"administrator:{one.email}", {"administrator_id": one.id}, told):
        return _new_link(ctx, one.id, one.email, one.grants, None)
    # Whoever has the lost password or phone is out from now on.
    store.end_sessions_of(tx, one.id)
    store.drop_links_by(tx, one.actor)
    store.update_administrator(tx, one.id, {"password": password})
    return _make_link(tx, ctx, one.id, one.email, one.grants)


async def nobodys_password(services: Services) -> str:
    """A password that nobody knows, as it is stored."""
    kept = await services.hashing.run(lambda: keep_password(new_token("x")), program=DEPLOYMENT)
    return kept.encoded


async def find_link(services: Services, token: str) -> Link | None:
    """What a link is for; None where it works no longer."""
    row = await services.db.read(lambda tx: store.find_link(tx, hash_secret(token), services.clock()))
    return None if row is None else to_link(row)


async def take_link(services: Services, command: TakeLink, origin: Origin) -> Entered:
    """Use a link up: somebody new, or a new password; a code generator is to be enrolled next.

    Raises LinkInvalid, InvalidRequest, TooManyRequests, AdministratorExists.
    """
    found = await find_link(services, command.token)
    if found is None:
        raise LinkInvalid
    if len(command.password) < MIN_PASSWORD:
        raise InvalidRequest(f"password: at least {MIN_PASSWORD} characters", field="password")
    check_password(command.password)
    email = read_email(found.email or command.email or "")
    name = None if found.administrator_id is not None else read_name(command.name or "")
    secret = await services.hashing.run(lambda: keep_password(command.password), program=DEPLOYMENT)
    now = services.clock()

    def body(tx: Connection) -> Entered:
        link = store.find_link(tx, hash_secret(command.token), now)
        if link is None or not store.take_link(tx, hash_secret(command.token)):
            raise LinkInvalid
        if link.administrator_id is not None:
            administrator_id = link.administrator_id
            store.end_sessions_of(tx, administrator_id)
            store.forget_failures(tx, administrator_id)
            store.update_administrator(tx, administrator_id, {"password": secret.encoded} | _ANEW)
        else:
            administrator_id = _become(tx, link, email, str(name), secret.encoded, now)
        # Whoever made the link could have been who used it.
        store.update_administrator(tx, administrator_id, {"vouched_by": sorted(behind(tx, link.created_by))})
        _record_taken(tx, link, administrator_id, email, origin, now)
        return begin_enrolling(tx, administrator_id, origin, now)

    return await services.db.write(body)


async def list_open_links(ctx: Context) -> list[Link]:
    """Links that may still be used, newest first; never their tokens. Raises Forbidden."""
    ctx.principal.require(Permission.ADMINISTRATOR_READ)
    rows = await ctx.read(lambda tx: store.list_links(tx, ctx.services.clock()))
    return [one for one in map(to_link, rows) if _is_visible(ctx, one)]


async def withdraw_links(ctx: Context, email: str) -> None:
    """Let links for this address work no longer. Raises Forbidden, InvalidRequest, LinkInvalid (there is none)."""
    ctx.principal.require(Permission.ADMINISTRATOR_WRITE)
    address = read_email(email)

    def body(tx: Connection) -> None:
        links = [(row.token_hash, to_link(row)) for row in store.list_links(tx, ctx.services.clock())]
        mine = [(token, one) for token, one in links if one.email == address and _is_visible(ctx, one)]
        if not mine:
            raise LinkInvalid
        for token, one in mine:
            require_giving(tx, ctx, one.grants)
            store.take_link(tx, token)
            _record_link(tx, ctx, "withdraw-link", one, before={"created_by": one.created_by} | told(one.grants))

    await ctx.write(body)


def _is_visible(ctx: Context, one: Link) -> bool:
    own = ctx.principal.public_program_id
    return own is None or own in {each.public_program_id for each in one.grants}


def _record_link(
    tx: Connection, ctx: Context, action: str, one: Link, *, before: Any = None, after: Any = None
) -> None:
    where = ctx.principal.program_id
    program = audit.DEPLOYMENT if where is None else where
    subject = f"administrator:{one.email or 'first'}"
    ctx.audit(tx, f"administrator.{action}", subject, before=before, after=after, program=program)


def _make_link(
    tx: Connection, ctx: Context, administrator_id: int | None, email: str | None, grants: Sequence[Grant]
) -> Link:
    """A new link, in place of those that lead to the same; invitations of other programs stay."""
    token = new_token(LINK_PREFIX)
    for row in store.list_links(tx, ctx.services.clock()):
        is_same = (row.administrator_id, row.email) == (administrator_id, email)
        if is_same and (administrator_id is not None or _is_visible(ctx, to_link(row))):
            store.take_link(tx, row.token_hash)
    link = _new_link(ctx, administrator_id, email, grants, token)
    store.insert_link(tx, link, hash_secret(token))
    _record_link(tx, ctx, "reset" if administrator_id is not None else "invite", link, after=told(grants))
    return link


def _new_link(
    ctx: Context, administrator_id: int | None, email: str | None, grants: Sequence[Grant], token: str | None
) -> Link:
    now = ctx.services.clock()
    return Link(
        email=email,
        grants=tuple(grants),
        administrator_id=administrator_id,
        created_by=ctx.principal.actor,
        created_at=now,
        expires_at=now + LINK_LIFE,
        token=token,
    )


def to_link(row: Row[Any]) -> Link:
    """A stored link as it is told."""
    return Link(
        email=row.email,
        grants=tuple(Grant(**one) for one in row.grants),
        administrator_id=row.administrator_id,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _become(tx: Connection, link: Row[Any], email: str, name: str, password: str, now: datetime) -> int:
    """Somebody new. Raises AdministratorExists, LinkInvalid."""
    if store.find_by_email(tx, email) is not None:
        raise AdministratorExists(field="email")
    if link.email is None and store.has_administrators(tx):
        # Two had the link of the first start, or the command line made somebody meanwhile.
        raise LinkInvalid
    values = {
        "email": email,
        "name": name,
        "password": password,
        "recovery_codes": [],
        "created_at": now,
        "created_by": link.created_by,
    }
    return store.insert_administrator(tx, values, to_link(link).grants)


def _record_taken(
    tx: Connection, link: Row[Any], administrator_id: int, email: str, origin: Origin, now: datetime
) -> None:
    audit.record(
        tx,
        audit.DEPLOYMENT,
        now=now,
        actor=f"admin:{email}",
        action="administrator.join" if link.administrator_id is None else "administrator.password",
        subject=f"administrator:{administrator_id}",
        after={"invited_by": link.created_by} | told(to_link(link).grants),
        address=origin.address,
        browser=origin.browser,
    )
