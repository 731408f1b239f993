"""Files that the platform writes."""

from datetime import datetime
from enum import Enum

import strawberry

from resolvers.export import Export as Row
from schema.context import RequestContext
from schema.global_id import EXPORT, encode
from schema.types.node import Node


@strawberry.enum(description="What a file tells.")
class ExportKind(Enum):
    MEMBERS = strawberry.enum_value("members", description="Profiles, in the columns of CPD.")
    SUB_RELATIONS = strawberry.enum_value(
        "sub-relations", description="Cards, accounts and devices, in the columns of CRD."
    )
    POSTINGS = strawberry.enum_value(
        "postings", description="Ledger postings in the order of the feed, in the columns of TXN and more."
    )
    LOTS = strawberry.enum_value("lots", description="What is left in open lots, in the columns of BNS and more.")
    BALANCES = strawberry.enum_value("balances", description="The figures of each member.")
    EXPIRY_SCHEDULE = strawberry.enum_value("expiry-schedule", description="What of members' points expires when.")
    ATTRIBUTES = strawberry.enum_value(
        "attributes", description="Attribute definitions, in the columns of ATT; always whole."
    )
    LIABILITY = strawberry.enum_value(
        "liability",
        description="What all members' points are worth, by the month in which they expire; always whole.",
    )
    FILES = strawberry.enum_value("files", description="The batch files that came, and how each stands.")


def read_kind(kind: ExportKind) -> str:
    """The kind as it is stored."""
    return kind.name.lower().replace("_", "-")


@strawberry.enum(description="How far an export is.")
class ExportStatus(Enum):
    REQUESTED = strawberry.enum_value("REQUESTED", description="It will be written soon.")
    RUNNING = strawberry.enum_value("RUNNING", description="It is being written.")
    FINISHED = strawberry.enum_value("FINISHED", description="The file stands, whole.")
    FAILED = strawberry.enum_value("FAILED", description="There is no file; the next since the last one has it all.")


@strawberry.enum(description="Where an export is put.")
class ExportDestination(Enum):
    DOWNLOAD = strawberry.enum_value("DOWNLOAD", description="The program's download folder.")
    FILE = strawberry.enum_value("FILE", description="A file of whoever gave the command on the platform's machine.")


@strawberry.type(description="A file that was asked for, or that the schedule asked for.")
class Export(Node):
    kind: ExportKind = strawberry.field(description="What it tells.")
    destination: ExportDestination = strawberry.field(description="Where it is put.")
    status: ExportStatus = strawberry.field(description="How far it is.")
    since_last: bool = strawberry.field(description="Whether it tells what happened since the last one of its kind.")
    personal_data: bool = strawberry.field(description="Whether it has the columns with personal information.")
    from_seq: str | None = strawberry.field(
        description="It tells of events of the feed behind this number; null: it was not begun."
    )
    to_seq: str | None = strawberry.field(description="And up to this one; null: it was not begun.")
    rows: int = strawberry.field(description="The rows that it has, or has so far.")
    left_out: int = strawberry.field(description="What cannot stand in a file: erased members, payment cards.")
    file_name: str | None = strawberry.field(description="The name of the file, once it stands.")
    sha256: str | None = strawberry.field(description="The hash of the file, once it stands.")
    message: str | None = strawberry.field(description="Why it failed.")
    actor: str = strawberry.field(description="Who asked for it.")
    due_at: datetime | None = strawberry.field(description="The instant of the schedule that it was made for.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    started_at: datetime | None = strawberry.field(description="When it was begun.")
    finished_at: datetime | None = strawberry.field(description="When it was finished, or failed.")


def to_export(row: Row, context: RequestContext) -> Export:
    """An export as callers see it."""
    return Export(
        id=encode(EXPORT, context.ctx.principal.program, row.id),
        kind=ExportKind(row.kind),
        destination=ExportDestination(row.destination),
        status=ExportStatus(row.status),
        since_last=row.since_last,
        personal_data=row.personal_data,
        from_seq=None if row.from_seq is None else str(row.from_seq),
        to_seq=None if row.to_seq is None else str(row.to_seq),
        rows=row.rows,
        left_out=row.left_out,
        file_name=row.file_name if row.sha256 else None,
        sha256=row.sha256,
        message=row.message,
        actor=row.actor,
        due_at=context.local_or_none(row.due_at),
        requested_at=context.local(row.requested_at),
        started_at=context.local_or_none(row.started_at),
        finished_at=context.local_or_none(row.finished_at),
    )


async def load_export(export_id: int, context: RequestContext) -> Export:
    """An export of the caller's program. Raises Forbidden, RedemptionNotFound."""
    return to_export(await context.loaders.export.load(export_id), context)
