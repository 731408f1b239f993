"""Logins at the SFTP server."""

from datetime import datetime

import strawberry

from resolvers.sftp_login import IssuedSftpLogin as IssuedRow
from resolvers.sftp_login import SftpKey as KeyRow
from resolvers.sftp_login import SftpLogin as LoginRow
from schema.context import RequestContext


@strawberry.type(description="A public key that opens an SFTP login.")
class SftpKey:
    fingerprint: str = strawberry.field(description="Its SHA-256 fingerprint, as `ssh-keygen -l` shows it.")
    label: str = strawberry.field(description="What people call it.")
    added_at: datetime = strawberry.field(description="When it was added.")
    added_by: str = strawberry.field(description="Who added it.")
    last_used_at: datetime | None = strawberry.field(
        description="When it last opened a session, to the minute; null: never."
    )


@strawberry.type(description="A login at the SFTP server that the program has or had. Passwords are never shown again.")
class SftpLogin:
    username: str = strawberry.field(description="The username.")
    has_password: bool = strawberry.field(description="Whether a password opens it; keys may, beside or instead.")
    password_set_at: datetime | None = strawberry.field(description="Since when the password is what it is.")
    keys: list[SftpKey] = strawberry.field(description="The keys that open it, in the order they came: at most 20.")
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="Who made it.")
    last_used_at: datetime | None = strawberry.field(
        description="When it last opened a session, to the minute; null: never."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null for one that is good.")


@strawberry.type(description="A login with its fresh password: the only place where that is ever shown.")
class IssuedSftpLogin:
    username: str = strawberry.field(description="The username.")
    password: str | None = strawberry.field(description="The password. Store it now. Null where a key opens the login.")
    fingerprint: str | None = strawberry.field(description="The fingerprint of the key that opens it, if one does.")


def to_key(row: KeyRow, context: RequestContext) -> SftpKey:
    """A key as callers see it."""
    return SftpKey(
        fingerprint=row.fingerprint,
        label=row.label,
        added_at=context.local(row.added_at),
        added_by=row.added_by,
        last_used_at=context.local_or_none(row.last_used_at),
    )


def to_sftp_login(row: LoginRow, context: RequestContext) -> SftpLogin:
    """A login as callers see it."""
    return SftpLogin(
        username=row.username,
        has_password=row.password_set_at is not None,
        password_set_at=context.local_or_none(row.password_set_at),
        keys=[to_key(key, context) for key in row.keys],
        created_at=context.local(row.created_at),
        created_by=row.created_by,
        last_used_at=context.local_or_none(row.last_used_at),
        revoked_at=context.local_or_none(row.revoked_at),
    )


def to_issued_login(row: IssuedRow) -> IssuedSftpLogin:
    """A fresh login as its owner sees it, once."""
    return IssuedSftpLogin(username=row.username, password=row.password, fingerprint=row.fingerprint)
