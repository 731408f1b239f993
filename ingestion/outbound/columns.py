"""The columns of exports: those of the files that a program reads in, and some of our own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from domain.member import FIXED_KEYS, Member
from domain.points import plain_text
from domain.program_zone import local_date
from ingestion.columns.row import IDEMPOTENCY_KEY, MEMBER
from resolvers.attribute_file import COLUMNS as ATTRIBUTE_COLUMNS
from resolvers.batch_record import Batch
from resolvers.export_page import ExportLayout
from resolvers.export_row import (
    ExportedBalance,
    ExportedDate,
    ExportedLiability,
    ExportedLink,
    ExportedLot,
    ExportedPosting,
)

Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """The header of a file, and the cells of each row."""

    header: Cells
    cells: Callable[[Any], Cells]


def table_of(kind: str, layout: ExportLayout) -> Table:
    """The columns of a kind."""
    return _TABLES[kind](layout)


def _members(layout: ExportLayout) -> Table:
    def cells(row: Member) -> Cells:
        return [
            _text(getattr(row, key) if key in FIXED_KEYS else row.attributes.get(key)) for key in layout.member_keys
        ]

    return Table(list(layout.member_keys), cells)


def _links(_: ExportLayout) -> Table:
    def cells(row: ExportedLink) -> Cells:
        one = row.link
        told = (one.card_number, one.identifier, one.type, one.last_six_digits, one.product_code, one.expiry_date)
        return [row.reference, *map(_text, told), _text(one.status)]

    return Table((MEMBER, *_LINK), cells)


def _lots(layout: ExportLayout) -> Table:
    def cells(row: ExportedLot) -> Cells:
        last = "" if row.expires_at is None else _last_day(row.expires_at, layout.zone)
        ends = "NEVER" if row.expires_at is None else _instant(row.expires_at, layout.zone)
        awarded, available = (_instant(at, layout.zone) for at in (row.earned_at, row.available_at))
        told = (row.points, row.type, awarded, last, row.note, available, ends, row.key)
        return [row.reference, *map(_text, told)]

    return Table((MEMBER, *_LOT), cells)


def _balances(layout: ExportLayout) -> Table:
    def cells(row: ExportedBalance) -> Cells:
        one = row.balance
        figures = [_text(getattr(one, name)) for name in _FIGURES]
        return [row.reference, *figures, _instant(one.next_expiry_at, layout.zone)]

    return Table((MEMBER, *_FIGURES, "next_expiry_at"), cells)


def _dates(layout: ExportLayout) -> Table:
    def cells(row: ExportedDate) -> Cells:
        day, instant = _last_day(row.expires_at, layout.zone), _instant(row.expires_at, layout.zone)
        return [row.reference, day, instant, _text(row.points), _text(row.held)]

    return Table((MEMBER, "expiry_date", "expires_at", "points", "held"), cells)


def _liability(_: ExportLayout) -> Table:
    def cells(row: ExportedLiability) -> Cells:
        return [_text(cell) for cell in (row.month, row.points, row.pending, row.held, row.worth, row.currency)]

    return Table(("expiry_month", "points", "pending", "held", "liability", "currency"), cells)


def _files(layout: ExportLayout) -> Table:
    def cells(row: Batch) -> Cells:
        times = [_instant(at, layout.zone) for at in (row.started_at, row.finished_at)]
        return [*(_text(getattr(row, name)) for name in _FILE), *times]

    return Table((*_FILE, "started_at", "finished_at"), cells)


def _postings(layout: ExportLayout) -> Table:
    own = [key for key in layout.transaction_keys if key not in _PURCHASE]
    # An attribute of the program may have the name of a column of ours.
    named = [f"transaction.{key}" if key in _POSTING or key == MEMBER else key for key in own]
    return Table((*_PURCHASE, *named, *_POSTING), partial(_posting_cells, own, layout.zone))


def _posting_cells(own: Sequence[str], zone: ZoneInfo, row: ExportedPosting) -> Cells:
    entry, bought = row.entry.stored, row.transaction
    attributes: Mapping[str, Any] = {} if bought is None else bought.attributes
    purchase = (
        "" if bought is None else bought.transaction_id,
        "" if bought is None else bought.type,
        entry.amount if bought is None else bought.amount,
        _instant(entry.transaction_date, zone),
        entry.relation_reference,
        "" if bought is None else bought.product_code,
        "" if bought is None else bought.sub_product_code,
    )
    rules = "; ".join(one["rule"] for one in row.entry.detail.get("rules", []))
    posting = (
        row.seq,
        str(entry.external_reference).upper(),
        entry.kind,
        entry.bucket,
        entry.loyalty_txn_type,
        row.entry.points,
        row.entry.balance_after,
        rules,
        _instant(entry.processed_at, zone),
        _instant(entry.expires_at, zone),
        entry.merchant,
        row.note,
    )
    return [_text(cell) for cell in (*purchase, *map(attributes.get, own), *posting)]


def _attributes(_: ExportLayout) -> Table:
    return Table(ATTRIBUTE_COLUMNS, lambda row: row)


_LINK = (
    "card_number",
    "sub_relation_identifier",
    "sub_relation_type",
    "last_six_digits",
    "product_code",
    "expiry_date",
    "status",
)
_LOT = (
    "bonus_points",
    "bonus_type",
    "award_date",
    "expiry_date",
    "narration",
    "available_at",
    "expires_at",
    IDEMPOTENCY_KEY,
)
_FIGURES = (
    "total",
    "available",
    "pending",
    "held",
    "arrears",
    "spend",
    "bonus",
    "partner",
    "purchased",
    "other",
    "redeemed",
    "expired",
)
_FILE = (
    "type",
    "file_name",
    "status",
    "rows_total",
    "rows_read",
    "accepted",
    "rejected",
    "parked",
    "amount",
    "points",
    "sha256",
)
_PURCHASE = (
    "transaction_id",
    "transaction_type",
    "amount",
    "transaction_date",
    MEMBER,
    "product_code",
    "sub_product_code",
)
_POSTING = (
    "feed_seq",
    "external_reference",
    "kind",
    "bucket",
    "loyalty_txn_type",
    "points",
    "balance",
    "rules",
    "processed_at",
    "expires_at",
    "merchant",
    "narration",
)

_TABLES: Mapping[str, Callable[[ExportLayout], Table]] = {
    "members": _members,
    "sub-relations": _links,
    "postings": _postings,
    "lots": _lots,
    "balances": _balances,
    "expiry-schedule": _dates,
    "attributes": _attributes,
    "liability": _liability,
    "files": _files,
}


def _text(value: object) -> str:
    """A value as files have it, which reads back to an equal one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return plain_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _instant(at: datetime | None, zone: ZoneInfo) -> str:
    """On the program's clocks, with the offset that makes it exact."""
    return "" if at is None else at.astimezone(zone).isoformat()


def _last_day(expires_at: datetime, zone: ZoneInfo) -> str:
    return local_date(expires_at - timedelta(microseconds=1), zone).isoformat()
