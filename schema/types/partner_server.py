"""Partners' own SFTP servers."""

from datetime import datetime, time
from enum import Enum
from typing import cast

import strawberry

from domain.partner_server import AfterFetch as Fetched
from domain.partner_server import PartnerSecret, PartnerServer
from resolvers.partner_server import KnownServer
from schema.context import RequestContext

_HOST_KEY = (
    "The host's public key as in `known_hosts`, such as `ssh-ed25519 AAAA...`, or its fingerprint, `SHA256:...`."
)
_FOLDERS = "From which folder files of which type are fetched."
_HANDBACK = "Where results are brought to; null: nowhere."
_DOWNLOAD = "Where exports are brought to; null: nowhere."
_MOVED = "With `MOVE`: the folder."
_EVERY = "It is visited every so many minutes, 1 to 10080; this, or `dailyAt`."
_DAILY = "It is visited once a day, at this time of the program's zone: `02:30`."


@strawberry.enum(description="What becomes of a file on a partner's server when it was fetched.")
class AfterFetch(Enum):
    LEAVE = strawberry.enum_value("LEAVE", description="It stays; it is not fetched again.")
    DELETE = strawberry.enum_value("DELETE", description="It is deleted.")
    MOVE = strawberry.enum_value("MOVE", description="It is moved into another folder.")


@strawberry.input(description="From which folder files of a type are fetched.")
class PullFolderInput:
    type: str = strawberry.field(description="The type of file: `CPD`, `TXN` and so on.")
    folder: str = strawberry.field(description="The folder on the partner's server.")


@strawberry.input(
    description="A partner's server. Of one that is known all is replaced, but for a secret that is not given."
)
class PartnerServerSaveInput:
    name: str = strawberry.field(description="Its name in the program: letters, digits, `-` and `_`, at most 50.")
    host: str = strawberry.field(description="A host name or an address.")
    port: int = strawberry.field(default=22, description="The port.")
    username: str = strawberry.field(description="As whom Tessera signs in.")
    host_key: str = strawberry.field(description=_HOST_KEY)
    password: str | None = strawberry.field(default=None, description="The password; this, or `privateKey`.")
    private_key: str | None = strawberry.field(
        default=None, description="A private key without a passphrase, OpenSSH or PEM; this, or `password`."
    )
    pull: list[PullFolderInput] = strawberry.field(default_factory=list, description=_FOLDERS)
    handback_folder: str | None = strawberry.field(default=None, description=_HANDBACK)
    download_folder: str | None = strawberry.field(default=None, description=_DOWNLOAD)
    after_fetch: AfterFetch = strawberry.field(
        default=AfterFetch.LEAVE, description="What becomes of a file there when it was fetched."
    )
    moved_folder: str | None = strawberry.field(default=None, description=_MOVED)
    every_minutes: int | None = strawberry.field(default=None, description=_EVERY)
    daily_at: time | None = strawberry.field(default=None, description=_DAILY)
    enabled: bool = strawberry.field(default=True, description="Whether it is visited.")


@strawberry.type(description="From which folder files of a type are fetched.")
class PullFolder:
    type: str = strawberry.field(description="The type of file.")
    folder: str = strawberry.field(description="The folder on the partner's server.")


@strawberry.type(description="A partner's own SFTP server, which is visited on a schedule. Its secret is never shown.")
class PartnerServerRecord:
    name: str = strawberry.field(description="Its name in the program.")
    host: str = strawberry.field(description="Where it is.")
    port: int = strawberry.field(description="The port.")
    username: str = strawberry.field(description="As whom Tessera signs in.")
    host_key: str = strawberry.field(description=_HOST_KEY)
    pull: list[PullFolder] = strawberry.field(description=_FOLDERS)
    handback_folder: str | None = strawberry.field(description=_HANDBACK)
    download_folder: str | None = strawberry.field(description=_DOWNLOAD)
    after_fetch: AfterFetch = strawberry.field(description="What becomes of a file there when it was fetched.")
    moved_folder: str | None = strawberry.field(description=_MOVED)
    every_minutes: int | None = strawberry.field(description=_EVERY)
    daily_at: time | None = strawberry.field(description=_DAILY)
    enabled: bool = strawberry.field(description="Whether it is visited.")
    next_visit_at: datetime = strawberry.field(description="When it is visited next.")
    visited_at: datetime | None = strawberry.field(description="When it was visited last.")
    failures: int = strawberry.field(description="How many visits in a row have failed.")
    outcome: str | None = strawberry.field(description="What the last visit came to.")


def to_record(row: KnownServer, context: RequestContext) -> PartnerServerRecord:
    """A server as callers see it."""
    server = row.server
    return PartnerServerRecord(
        name=server.name,
        host=server.host,
        port=server.port,
        username=server.username,
        host_key=server.host_key,
        pull=[PullFolder(type=file_type, folder=folder) for file_type, folder in sorted(server.pull.items())],
        handback_folder=server.handback_folder,
        download_folder=server.download_folder,
        after_fetch=AfterFetch(server.after_fetch),
        moved_folder=server.moved_folder,
        every_minutes=server.every_minutes,
        daily_at=server.daily_at,
        enabled=row.enabled,
        next_visit_at=context.local(row.next_visit_at),
        visited_at=context.local_or_none(row.visited_at),
        failures=row.failures,
        outcome=row.outcome,
    )


def to_server(given: PartnerServerSaveInput) -> PartnerServer:
    """The server that was given."""
    return PartnerServer(
        name=given.name,
        host=given.host,
        port=given.port,
        username=given.username,
        host_key=given.host_key.strip(),
        pull={one.type: one.folder for one in given.pull},
        handback_folder=given.handback_folder,
        download_folder=given.download_folder,
        after_fetch=cast(Fetched, given.after_fetch.name),
        moved_folder=given.moved_folder,
        every_minutes=given.every_minutes,
        daily_at=given.daily_at,
    )


def to_secret(given: PartnerServerSaveInput) -> PartnerSecret | None:
    """The secret that was given, if one was."""
    if given.password is None and given.private_key is None:
        return None
    return PartnerSecret(password=given.password, private_key=given.private_key)
