"""Mutations of logins at the SFTP server, for administrators."""

import strawberry

from resolvers.sftp_login import (
    add_sftp_key,
    create_sftp_login,
    remove_sftp_key,
    revoke_sftp_login,
    rotate_sftp_password,
)
from schema.context import Info
from schema.field import mutation
from schema.types.sftp_login import IssuedSftpLogin, SftpKey, to_issued_login, to_key


@strawberry.input(description="An SFTP login to create.")
class SftpLoginCreateInput:
    public_key: str | None = strawberry.field(
        default=None,
        description="The line of an OpenSSH public key that opens it: Ed25519, ECDSA, or RSA of 2048 bits and more. "
        "Null: a password does.",
    )
    label: str | None = strawberry.field(
        default=None, description="What people call the key: up to 100 characters. Null: its comment."
    )


@strawberry.input(description="A login whose password is to be replaced.")
class SftpLoginPasswordRotateInput:
    username: str = strawberry.field(description="Its username.")


@strawberry.input(description="A further key for a login.")
class SftpLoginKeyAddInput:
    username: str = strawberry.field(description="Its username.")
    public_key: str = strawberry.field(
        description="The line of an OpenSSH public key: Ed25519, ECDSA, or RSA of 2048 bits and more."
    )
    label: str | None = strawberry.field(
        default=None, description="What people call the key: up to 100 characters. Null: its comment."
    )


@strawberry.input(description="A key that is to open a login no longer.")
class SftpLoginKeyRemoveInput:
    username: str = strawberry.field(description="Its username.")
    fingerprint: str = strawberry.field(description="The key's SHA-256 fingerprint.")


@strawberry.input(description="A login to revoke.")
class SftpLoginRevokeInput:
    username: str = strawberry.field(description="Its username.")


@strawberry.type(description="A login with what opens it.")
class SftpLoginIssuedPayload:
    login: IssuedSftpLogin = strawberry.field(description="The login; its password is shown this once.")


@strawberry.type(description="A key that opens a login.")
class SftpLoginKeyAddPayload:
    username: str = strawberry.field(description="The login's username.")
    key: SftpKey = strawberry.field(description="The key.")


@strawberry.type(description="A login that was changed.")
class SftpLoginPayload:
    username: str = strawberry.field(description="The login's username.")


@strawberry.type
class SftpLoginMutation:
    @mutation("Create an SFTP login of the program, opened by a key or else by a password.")
    async def sftp_login_create(self, info: Info, input: SftpLoginCreateInput) -> SftpLoginIssuedPayload | None:
        issued = await create_sftp_login(info.context.changing(), input.public_key, input.label)
        return SftpLoginIssuedPayload(login=to_issued_login(issued))

    @mutation("Give a login a new password; sessions that the former one opened end within seconds.")
    async def sftp_login_password_rotate(
        self, info: Info, input: SftpLoginPasswordRotateInput
    ) -> SftpLoginIssuedPayload | None:
        issued = await rotate_sftp_password(info.context.changing(), input.username)
        return SftpLoginIssuedPayload(login=to_issued_login(issued))

    @mutation("Let one more key open a login.")
    async def sftp_login_key_add(self, info: Info, input: SftpLoginKeyAddInput) -> SftpLoginKeyAddPayload | None:
        key = await add_sftp_key(info.context.changing(), input.username, input.public_key, input.label)
        return SftpLoginKeyAddPayload(username=input.username, key=to_key(key, info.context))

    @mutation("Let a key open a login no longer; sessions that it opened end within seconds.")
    async def sftp_login_key_remove(self, info: Info, input: SftpLoginKeyRemoveInput) -> SftpLoginPayload | None:
        await remove_sftp_key(info.context.changing(), input.username, input.fingerprint)
        return SftpLoginPayload(username=input.username)

    @mutation("Revoke a login for good; its sessions end within seconds.")
    async def sftp_login_revoke(self, info: Info, input: SftpLoginRevokeInput) -> SftpLoginPayload | None:
        await revoke_sftp_login(info.context.changing(), input.username)
        return SftpLoginPayload(username=input.username)
