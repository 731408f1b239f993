"""Use cases of the versions of a configuration: what is or was in force, since when and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.access import Permission
from domain.store.program import find_configuration_row, page_configurations
from resolvers.configuration import AppliedConfiguration
from resolvers.context import Context


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationVersion:
    """A version that is or was in force. `digest` is the SHA-256 of the document's canonical text."""

    version: int
    applied_at: datetime
    applied_by: str
    digest: str


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
