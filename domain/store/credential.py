"""Credentials, access tokens and administrators' tokens in the database."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from domain.models import access_token, admin_token, credential, program
from domain.store.ids import allocate_ids


def find_credential(tx: Connection, client_id: str) -> Row[Any] | None:
    """The credential with this client id, dead or alive, with its program."""
    return tx.execute(
        select(credential, program.c.public_id, program.c.environment)
        .join(program, program.c.id == credential.c.program_id)
        .where(credential.c.client_id == client_id)
    ).one_or_none()


def find_publishable(tx: Connection, publishable_key: str) -> Row[Any] | None:
    """The credential in force with this publishable key, with its program."""
    return tx.execute(
        select(credential, program.c.public_id, program.c.environment)
        .join(program, program.c.id == credential.c.program_id)
        .where(credential.c.publishable_key == publishable_key, credential.c.revoked_at.is_(None))
    ).one_or_none()


def list_credentials(tx: Connection, program_id: int) -> list[Row[Any]]:
    """Every credential that the program ever had, newest first."""
    query = select(credential).where(credential.c.program_id == program_id)
    return list(tx.execute(query.order_by(credential.c.generation.desc())))


def replace_credential(
    tx: Connection,
    program_id: int,
    *,
    generation: int,
    client_id: str,
    secret_hash: bytes,
    publishable_key: str,
    now: datetime,
    actor: str,
) -> None:
    """End the credential in force and store the next generation. The program's row is locked by the caller."""
    tx.execute(
        update(credential)
        .where(credential.c.program_id == program_id, credential.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    tx.execute(
        insert(credential).values(
            program_id=program_id,
            id=allocate_ids(tx, credential, program_id, 1)[0],
            client_id=client_id,
            secret_hash=secret_hash,
            publishable_key=publishable_key,
            generation=generation,
            created_at=now,
            created_by=actor,
        )
    )
    tx.execute(update(program).where(program.c.id == program_id).values(credential_generation=generation))
    tx.execute(delete(access_token).where(access_token.c.program_id == program_id))


def find_access_token(tx: Connection, program_id: int, credential_id: int, scope: str) -> Row[Any] | None:
    """The claims that were last signed for this credential and scope."""
    return tx.execute(
        select(access_token).where(
            access_token.c.program_id == program_id,
            access_token.c.credential_id == credential_id,
            access_token.c.scope == scope,
        )
    ).one_or_none()


def lock_credential(tx: Connection, program_id: int, credential_id: int) -> Row[Any] | None:
    """Lock a credential in force, so that two processes do not mint two tokens."""
    return tx.execute(
        select(credential)
        .where(
            credential.c.program_id == program_id,
            credential.c.id == credential_id,
            credential.c.revoked_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()


def store_access_token(
    tx: Connection,
    program_id: int,
    credential_id: int,
    scope: str,
    claims: dict[str, Any],
    expires_at: datetime,
    kid: str,
) -> None:
    """Keep the claims and the name of their key, from which the same bytes are signed again until they lapse."""
    tx.execute(
        delete(access_token).where(
            access_token.c.program_id == program_id,
            access_token.c.credential_id == credential_id,
            access_token.c.scope == scope,
        )
    )
    tx.execute(
        insert(access_token).values(
            program_id=program_id,
            credential_id=credential_id,
            scope=scope,
            claims=claims,
            expires_at=expires_at,
            kid=kid,
        )
    )


def credential_generation(tx: Connection, program_id: int) -> int | None:
    """The generation of the credential in force."""
    return tx.scalar(select(program.c.credential_generation).where(program.c.id == program_id))


def insert_admin_token(
    tx: Connection, *, token_hash: bytes, role: str, actor: str, now: datetime, expires_at: datetime
) -> None:
    """Store an administrator's token by its hash."""
    tx.execute(
        insert(admin_token).values(token_hash=token_hash, role=role, actor=actor, created_at=now, expires_at=expires_at)
    )


def find_admin_token(tx: Connection, token_hash: bytes) -> Row[Any] | None:
    """The administrator's token with this hash."""
    return tx.execute(select(admin_token).where(admin_token.c.token_hash == token_hash)).one_or_none()
