"""Logins at the SFTP server and their keys in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, tuple_, update

from domain.models import program, sftp_key, sftp_login
from domain.public_key import PublicKey
from domain.store.ids import allocate_ids

_NOTED_EVERY = timedelta(minutes=1)
"""Whoever connects often costs no write each time."""


def insert_login(
    tx: Connection, program_id: int, *, username: str, password: str | None, now: datetime, actor: str
) -> int:
    """Store a login; its id. The username is free, or the database transaction fails."""
    login_id = allocate_ids(tx, sftp_login, program_id, 1)[0]
    tx.execute(
        insert(sftp_login).values(
            program_id=program_id,
            id=login_id,
            username=username,
            password=password,
            password_set_at=None if password is None else now,
            created_at=now,
            created_by=actor,
        )
    )
    return login_id


def insert_key(
    tx: Connection, program_id: int, login_id: int, key: PublicKey, label: str, now: datetime, actor: str
) -> None:
    """Let a key open a login, which is locked."""
    tx.execute(
        insert(sftp_key).values(
            program_id=program_id,
            id=allocate_ids(tx, sftp_key, program_id, 1)[0],
            login_id=login_id,
            fingerprint=key.fingerprint,
            public_key=key.line,
            label=label,
            added_at=now,
            added_by=actor,
        )
    )


def delete_key(tx: Connection, program_id: int, login_id: int, fingerprint: str) -> bool:
    """Let a key open a login no longer; whether it did."""
    return bool(
        tx.execute(
            delete(sftp_key).where(
                sftp_key.c.program_id == program_id,
                sftp_key.c.login_id == login_id,
                sftp_key.c.fingerprint == fingerprint,
            )
        ).rowcount
    )


def lock_login(tx: Connection, program_id: int, username: str) -> Row[Any] | None:
    """The program's login of this name, unless it is revoked; nobody else changes it meanwhile."""
    return tx.execute(
        select(sftp_login)
        .where(
            sftp_login.c.program_id == program_id,
            sftp_login.c.username == username,
            sftp_login.c.revoked_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()


def set_password(tx: Connection, program_id: int, login_id: int, password: str, now: datetime) -> None:
    """Replace the password of a login, which is locked."""
    _update(tx, program_id, login_id, password=password, password_set_at=now)


def revoke_login(tx: Connection, program_id: int, login_id: int, now: datetime) -> None:
    """End a login, which is locked, for good."""
    _update(tx, program_id, login_id, revoked_at=now)


def _update(tx: Connection, program_id: int, login_id: int, **values: Any) -> None:
    tx.execute(
        update(sftp_login).where(sftp_login.c.program_id == program_id, sftp_login.c.id == login_id).values(**values)
    )


def count_live_logins(tx: Connection, program_id: int) -> int:
    """How many logins of the program are not revoked."""
    query = select(func.count()).select_from(sftp_login)
    return tx.scalar(query.where(sftp_login.c.program_id == program_id, sftp_login.c.revoked_at.is_(None))) or 0


def list_logins(tx: Connection, program_id: int, first: int, before_id: int | None) -> list[Row[Any]]:
    """The logins that the program has and had, newest first."""
    query = select(sftp_login).where(sftp_login.c.program_id == program_id)
    if before_id is not None:
        query = query.where(sftp_login.c.id < before_id)
    return list(tx.execute(query.order_by(sftp_login.c.id.desc()).limit(first)))


def list_keys(tx: Connection, program_id: int, login_ids: Collection[int]) -> list[Row[Any]]:
    """The keys that open these logins, in the order in which they came."""
    query = select(sftp_key).where(sftp_key.c.program_id == program_id, sftp_key.c.login_id.in_(login_ids))
    return list(tx.execute(query.order_by(sftp_key.c.id)))


def find_login(tx: Connection, username: str, environments: Sequence[str]) -> Row[Any] | None:
    """The login of this name with its program, unless it is revoked or of no environment of these."""
    return tx.execute(
        select(sftp_login, program.c.public_id, program.c.environment)
        .join(program, program.c.id == sftp_login.c.program_id)
        .where(
            sftp_login.c.username == username,
            sftp_login.c.revoked_at.is_(None),
            program.c.environment.in_(environments),
        )
    ).one_or_none()


def find_key(tx: Connection, program_id: int, login_id: int, fingerprint: str) -> Row[Any] | None:
    """The key of this fingerprint, if it opens the login."""
    return tx.execute(
        select(sftp_key).where(
            sftp_key.c.program_id == program_id,
            sftp_key.c.login_id == login_id,
            sftp_key.c.fingerprint == fingerprint,
        )
    ).one_or_none()


def note_use(tx: Connection, program_id: int, login_id: int, key_id: int | None, now: datetime) -> None:
    """Write down that a login was used, and which key opened it."""
    used = [(sftp_login, login_id)] if key_id is None else [(sftp_login, login_id), (sftp_key, key_id)]
    for table, row_id in used:
        last = table.c.last_used_at
        tx.execute(
            update(table)
            .where(table.c.program_id == program_id, table.c.id == row_id)
            .where(or_(last.is_(None), last < now - _NOTED_EVERY))
            .values(last_used_at=now)
        )


def passwords_in_force(tx: Connection, logins: Collection[tuple[int, int]]) -> dict[tuple[int, int], str | None]:
    """Those of these logins (program, id) that are not revoked, and how their passwords are kept."""
    table = sftp_login.c
    query = select(table.program_id, table.id, table.password).where(table.revoked_at.is_(None))
    rows = tx.execute(query.where(tuple_(table.program_id, table.id).in_(logins)))
    return {(row.program_id, row.id): row.password for row in rows}


def keys_in_force(tx: Connection, keys: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of these keys (program, id) that still open their logins."""
    table = sftp_key.c
    rows = tx.execute(select(table.program_id, table.id).where(tuple_(table.program_id, table.id).in_(keys)))
    return {(row.program_id, row.id) for row in rows}
