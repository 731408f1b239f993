"""Files under way: one row a file, one row a line, and the lines that wait for their member."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    false,
    text,
    true,
)

from domain.models.base import METADATA, program_key, proved_key, row_key
from domain.models.types import ExactDecimal, JsonText, UtcDateTime

_UNREPORTED = text("revision <> reported")
_WAITING = text("payload IS NOT NULL")
_DECIDED = text("payload IS NULL")
_KEEPS: dict[str, Any] = {"sqlite_where": text("keeps_name = 1"), "postgresql_where": text("keeps_name")}

batch = Table(
    "batch",
    METADATA,
    program_key(),
    row_key(),
    Column("type", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("rows_read", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("parked", BigInteger, nullable=False, server_default="0"),
    Column("amount", ExactDecimal, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("rows_total", BigInteger),
    Column("resumed_at", UtcDateTime),
    Column("resumed_rows", BigInteger, nullable=False, server_default="0"),
    Column("released_at", UtcDateTime),
    Column("header", LargeBinary),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("reported", Integer, nullable=False, server_default="0"),
    Column("keeps_name", Boolean, nullable=False, server_default=true()),
    Column("code", Text),
    Column("message", Text),
    Column("refunded", ExactDecimal, nullable=False, server_default="0"),
    Column("uploaded_by", JsonText),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    Index("ix_batch_unreported", "program_id", "id", sqlite_where=_UNREPORTED, postgresql_where=_UNREPORTED),
    Index("ux_batch_sha256", "program_id", "sha256", unique=True, **_KEEPS),
    Index("ux_batch_name_key", "program_id", "name_key", unique=True, **_KEEPS),
)
"""`rows_read` moves in the same database transaction as the rows it counts: it is the restart point.

`revision` counts changes of outcomes that stood, `reported` is the last one that the handback tells. `header` is the
first line of the file as it came, for rows that are returned when the file is no longer there. `uploaded_by`: which
administrators brought a file by that name by hand; null: a partner, or the machine.

`rows_total` is how many lines there are, counted before they are read: exact once the file was checked or finished.
`resumed_at` and `resumed_rows` say when it was last begun or gone on with, and how far it was then; `released_at`
when an administrator decided that its rejected rows hold it up no longer.

`keeps_name`: no other file of this name or content is taken; false for one that was refused, or discarded before
anything of it was posted. `code` and `message` say why a file was refused, or was not read any further. `refunded` is
what of `amount` the refunds are. A file that was held before it began has `rejected` rows that `rows_read` leaves out.
"""

batch_row = Table(
    "batch_row",
    METADATA,
    program_key(),
    Column("batch_id", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("external_reference", Uuid),
    proved_key("batch_id", "batch"),
)
"""The outcome of each line, from which the handback is written."""


def _index(name: str, *columns: str) -> Index:
    """An index of the lines that wait."""
    return Index(name, "program_id", *columns, sqlite_where=_WAITING, postgresql_where=_WAITING)


parked_row = Table(
    "parked_row",
    METADATA,
    program_key(),
    Column("batch_id", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("turn", Integer, nullable=False),
    Column("member_reference", Text),
    Column("card_hash", LargeBinary),
    Column("sub_relation_identifier", Text),
    Column("payload", LargeBinary),
    Column("raw", LargeBinary, nullable=False),
    Column("parked_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("is_late", Boolean, nullable=False, server_default=false()),
    ForeignKeyConstraint(["program_id", "batch_id"], ["batch.program_id", "batch.id"]),
    CheckConstraint("(payload IS NOT NULL) = (decided_at IS NULL)", name="payload"),
    _index("ix_parked_row_turn", "turn", "batch_id", "line"),
    _index("ix_parked_row_reference", "member_reference"),
    _index("ix_parked_row_card", "card_hash"),
    _index("ix_parked_row_identifier", "sub_relation_identifier"),
    _index("ix_parked_row_time", "parked_at"),
    Index("ix_parked_row_decided", "program_id", "decided_at", sqlite_where=_DECIDED, postgresql_where=_DECIDED),
)
"""Lines whose member or card is not known: `payload` is the command and `raw` the bytes, under the deployment's key.

A line that was posted leaves; one that was rejected stays for its bytes, without the command. `is_late`: the handback
of its file had been written by then, so that the rejected rows there do not have it. `turn` is the type's place.
"""
