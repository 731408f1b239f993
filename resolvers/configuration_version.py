"""Use cases of the versions of a configuration: what is or was in force, since when and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.store.program import digest_of, find_configuration_row, page_configurations
from resolvers.configuration import AppliedConfiguration
from resolvers.context import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationVersion:
    """A version that is or was in force. `digest` is the SHA-256 of the document's canonical text."""

    version: int
    applied_at: datetime
    applied_by: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationChange:
    """What was in force before and after a change, and whether that is still what the audit trail has sealed."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    is_as_sealed: bool


async def find_configuration_change(
    ctx: Context, before: Mapping[str, Any], after: Mapping[str, Any]
) -> ConfigurationChange | None:
    """The two documents of an entry of the audit trail, which has their versions and digests; None if one is gone.

    Raises Forbidden.
    """
    ctx.principal.require(Permission.CONFIGURATION_READ)

    def body(tx: Connection) -> ConfigurationChange | None:
        old, new = (find_configuration_row(tx, ctx.principal.program, one["version"]) for one in (before, after))
        if old is None or new is None:
            return None
        sealed = [(digest_of(row.document), one["digest"]) for row, one in ((old, before), (new, after))]
        return ConfigurationChange(
            before=old.document, after=new.document, is_as_sealed=all(now == then for now, then in sealed)
        )

    return await ctx.read(body)


async def find_configuration(ctx: Context, version: int) -> AppliedConfiguration | None:
    """The configuration of any version, as it was stored; None where there is none. Raises Forbidden."""
    ctx.principal.require(Permission.CONFIGURATION_READ)
    row = await ctx.read(lambda tx: find_configuration_row(tx, ctx.principal.program, version))
    return None if row is None else AppliedConfiguration(version=row.version, document=row.document, changed=False)


async def list_configuration_versions(
    ctx: Context, *, first: int, before_version: int | None = None
) -> Sequence[ConfigurationVersion]:
    """The newest versions, at most `first`. Raises Forbidden."""
    ctx.principal.require(Permission.CONFIGURATION_READ)
    rows = await ctx.read(
        lambda tx: page_configurations(tx, ctx.principal.program, first=first, before_version=before_version)
    )
    return [
        ConfigurationVersion(
            version=row.version, applied_at=row.applied_at, applied_by=row.applied_by, digest=row.digest
        )
        for row in rows
    ]
