"""Administrators in the database, with their sessions, links and roles."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update

from domain.administrator import FAILURES_KEPT, Administrator, Grant, Link
from domain.models import administrator as table
from domain.models import administrator_failure as failure
from domain.models import administrator_grant as grant
from domain.models import administrator_link as link
from domain.models import administrator_session as session
from domain.models import custom_role
from domain.store.upsert import upsert

EVERYWHERE = 0
"""How a grant for all programs is kept."""


def has_administrators(tx: Connection) -> bool:
    """Whether there is anybody yet."""
    return tx.scalar(select(table.c.id).limit(1)) is not None


def find_by_email(tx: Connection, email: str, *, lock: bool = False) -> Row[Any] | None:
    """The whole row behind an address; nobody changes it meanwhile if it is locked."""
    query = select(table).where(table.c.email == email)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def find_row(tx: Connection, administrator_id: int, *, lock: bool = False) -> Row[Any] | None:
    """The whole row of an administrator."""
    query = select(table).where(table.c.id == administrator_id)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def insert_administrator(tx: Connection, values: Mapping[str, Any], grants: Sequence[Grant]) -> int:
    """Store somebody new; the id."""
    # People are few, and two who are made at once differ in their address or wait for its unique index.
    new = (tx.scalar(select(func.max(table.c.id))) or 0) + 1
    tx.execute(insert(table).values(id=new, **values))
    replace_grants(tx, new, grants)
    return new


def update_administrator(tx: Connection, administrator_id: int, values: Mapping[str, Any]) -> None:
    """Change some of a row."""
    tx.execute(update(table).where(table.c.id == administrator_id).values(**values))


def replace_grants(tx: Connection, administrator_id: int, grants: Sequence[Grant]) -> None:
    """Give an administrator these roles and no others."""
    tx.execute(delete(grant).where(grant.c.administrator_id == administrator_id))
    rows = [
        {
            "administrator_id": administrator_id,
            "public_program_id": EVERYWHERE if one.public_program_id is None else one.public_program_id,
            "role": one.role,
        }
        for one in grants
    ]
    if rows:
        tx.execute(insert(grant), rows)


def list_administrators(tx: Connection, ids: Collection[int] | None = None) -> list[Administrator]:
    """Everybody, or these, by address."""
    query = select(table).order_by(table.c.email)
    rows = tx.execute(query if ids is None else query.where(table.c.id.in_(ids))).all()
    granted: dict[int, list[Grant]] = {row.id: [] for row in rows}
    for row in tx.execute(_grants(granted)):
        where = None if row.public_program_id == EVERYWHERE else row.public_program_id
        granted[row.administrator_id].append(Grant(public_program_id=where, role=row.role))
    return [_administrator(row, granted[row.id]) for row in rows]


def _grants(ids: Collection[int]) -> Select[Any]:
    return select(grant).where(grant.c.administrator_id.in_(ids)).order_by(grant.c.public_program_id)


def _administrator(row: Row[Any], grants: Sequence[Grant]) -> Administrator:
    return Administrator(
        id=row.id,
        email=row.email,
        name=row.name,
        grants=tuple(grants),
        has_second_factor=row.totp_secret is not None,
        created_at=row.created_at,
        created_by=row.created_by,
        last_seen_at=row.last_seen_at,
        locked_until=row.locked_until,
        disabled_at=row.disabled_at,
    )


# Sessions.


def insert_session(tx: Connection, values: Mapping[str, Any]) -> None:
    """Begin a session."""
    tx.execute(insert(session).values(**values))


def find_session(tx: Connection, token_hash: bytes, now: datetime) -> Row[Any] | None:
    """A session that has not lapsed."""
    return tx.execute(
        select(session).where(session.c.token_hash == token_hash, session.c.expires_at > now)
    ).one_or_none()


def update_session(tx: Connection, token_hash: bytes, values: Mapping[str, Any]) -> None:
    """Change some of a session."""
    tx.execute(update(session).where(session.c.token_hash == token_hash).values(**values))


def end_session(tx: Connection, token_hash: bytes) -> bool:
    """End a session; whether there was one."""
    return tx.execute(delete(session).where(session.c.token_hash == token_hash)).rowcount > 0


def end_sessions_of(tx: Connection, administrator_id: int, *, but: bytes | None = None) -> None:
    """End every session of an administrator, `but` the one of this token."""
    query = delete(session).where(session.c.administrator_id == administrator_id)
    tx.execute(query if but is None else query.where(session.c.token_hash != but))


def list_sessions(tx: Connection, administrator_id: int, now: datetime) -> list[Row[Any]]:
    """Where an administrator is signed in, newest first."""
    own = (session.c.administrator_id == administrator_id, session.c.stage == "IN", session.c.expires_at > now)
    return list(tx.execute(select(session).where(*own).order_by(session.c.started_at.desc())))


def forget_lapsed(tx: Connection, now: datetime) -> int:
    """Delete sessions and links that are good for nothing, and failures of long ago; how many."""
    done = tx.execute(delete(session).where(session.c.expires_at <= now)).rowcount
    done += tx.execute(delete(failure).where(failure.c.last_at <= now - FAILURES_KEPT)).rowcount
    return done + tx.execute(delete(link).where(link.c.expires_at <= now)).rowcount


# Failures.


def is_locked_from(tx: Connection, administrator_id: int, network: str, now: datetime) -> bool:
    """Whether nobody is let in as this administrator from there."""
    is_locked = [*_from(administrator_id, network), failure.c.locked_until > now]
    return tx.scalar(select(failure.c.locked_until).where(*is_locked)) is not None


def count_failure_from(tx: Connection, administrator_id: int, network: str, now: datetime) -> int:
    """One more failure in a row from there; how many it are. The administrator's row is locked by the caller."""
    found = tx.scalar(select(failure.c.failures).where(*_from(administrator_id, network)))
    values = {"administrator_id": administrator_id, "network": network, "failures": (found or 0) + 1, "last_at": now}
    upsert(tx, failure, values, ("failures", "last_at"))
    return (found or 0) + 1


def lock_from(tx: Connection, administrator_id: int, network: str, until: datetime) -> None:
    """Let nobody in as this administrator from there for a while; then the failures are counted anew."""
    values = {"failures": 0, "locked_until": until}
    tx.execute(update(failure).where(*_from(administrator_id, network)).values(**values))


def forget_failures(tx: Connection, administrator_id: int, network: str | None = None) -> None:
    """Somebody got in: what failed before, from there or from anywhere, is counted no longer."""
    where = [failure.c.administrator_id == administrator_id] if network is None else _from(administrator_id, network)
    tx.execute(delete(failure).where(*where))


def _from(administrator_id: int, network: str) -> list[ColumnElement[bool]]:
    return [failure.c.administrator_id == administrator_id, failure.c.network == network]


# Links.


def insert_link(tx: Connection, one: Link, token_hash: bytes) -> None:
    """Store a link that works once."""
    values = {name: getattr(one, name) for name in ("email", "administrator_id", "created_by", "created_at")}
    grants = [asdict(each) for each in one.grants]
    tx.execute(insert(link).values(token_hash=token_hash, grants=grants, expires_at=one.expires_at, **values))


def find_link(tx: Connection, token_hash: bytes, now: datetime) -> Row[Any] | None:
    """A link that has not been used and has not lapsed."""
    return tx.execute(select(link).where(link.c.token_hash == token_hash, link.c.expires_at > now)).one_or_none()


def take_link(tx: Connection, token_hash: bytes) -> bool:
    """Use a link up; False where somebody else just did."""
    return tx.execute(delete(link).where(link.c.token_hash == token_hash)).rowcount > 0


def drop_links_to(tx: Connection, administrator_ids: Collection[int]) -> None:
    """Links by which these would take another password are good no longer."""
    tx.execute(delete(link).where(link.c.administrator_id.in_(administrator_ids)))


def drop_links_by(tx: Connection, actor: str) -> None:
    """Links that somebody made are good no longer."""
    tx.execute(delete(link).where(link.c.created_by == actor))


def list_links(tx: Connection, now: datetime) -> list[Row[Any]]:
    """Links that somebody may still use, newest first."""
    return list(tx.execute(select(link).where(link.c.expires_at > now).order_by(link.c.created_at.desc())))


# Roles of a program's own.


def list_roles(tx: Connection, public_program_id: int) -> dict[str, list[str]]:
    """The permissions of each custom role of a program."""
    rows = tx.execute(select(custom_role).where(custom_role.c.public_program_id == public_program_id))
    return {row.name: row.permissions for row in sorted(rows, key=lambda row: str(row.name))}


def save_role(tx: Connection, values: Mapping[str, Any]) -> None:
    """Store a role in place of the one of its name."""
    remove_role(tx, values["public_program_id"], values["name"])
    tx.execute(insert(custom_role).values(**values))


def remove_role(tx: Connection, public_program_id: int, name: str) -> bool:
    """Forget a role; whether there was one."""
    own = (custom_role.c.public_program_id == public_program_id, custom_role.c.name == name)
    return tx.execute(delete(custom_role).where(*own)).rowcount > 0


def list_holders(tx: Connection, public_program_id: int, role: str) -> list[int]:
    """Who has this role in a program."""
    own = (grant.c.public_program_id == public_program_id, grant.c.role == role)
    return list(tx.scalars(select(grant.c.administrator_id).where(*own)))


def has_holders(tx: Connection, public_program_id: int, role: str) -> bool:
    """Whether somebody has this role in a program."""
    own = (grant.c.public_program_id == public_program_id, grant.c.role == role)
    return tx.scalar(select(grant.c.administrator_id).where(*own).limit(1)) is not None
