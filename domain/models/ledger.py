"""The journal, its lots and traces, submitted transactions, idempotency keys and the outbox."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from domain.models.base import METADATA, program_key, proved_key, row_key
from domain.models.types import ExactDecimal, JsonText, LongText, UtcDateTime

_OPEN = text("is_open")
_REVERSES = text("reverses_id IS NOT NULL")
_EARNED = text("transaction_ref IS NOT NULL")
ARRIVED = text("contra = 'transferred' AND points > 0")
"""Of postings: what came from another member of the program, as a transfer or a merge moves it."""

_UNFED = text("feed_seq IS NULL")
_FED = text("feed_seq IS NOT NULL")

member_transaction = Table(
    "member_transaction",
    METADATA,
    program_key(),
    row_key(),
    Column("member_id", BigInteger, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("unique_transaction_id", Text),
    Column("type", Text, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("transaction_date", UtcDateTime, nullable=False),
    Column("product_code", Text),
    Column("sub_product_code", Text),
    Column("attributes", JsonText, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("config_version", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("processed_at", UtcDateTime, nullable=False),
    Column("status", Text, nullable=False, server_default="POSTED"),
    Column("refunded", ExactDecimal, nullable=False, server_default="0"),
    UniqueConstraint("program_id", "unique_transaction_id"),
    proved_key("member_id", "member"),
    CheckConstraint("type IN ('DR', 'CR')", name="type"),
    CheckConstraint("status IN ('POSTED', 'PARKED', 'LAPSED', 'HELD', 'REJECTED')", name="status"),
    Index("ix_member_transaction_member", "program_id", "member_id", "id"),
    Index("ix_member_transaction_reference", "program_id", "transaction_id"),
)
"""What was submitted. `unique_transaction_id` repeats `transaction_id` where the program wants it unique.

`refunded` of a `DR` is the part of its amount that refunds took back so far. A `CR` without its `DR` is
`PARKED` until that arrives, and `LAPSED` where it did not in time. A `DR` over a threshold is `HELD` until somebody
decides, and `REJECTED` where it was turned down; it has no postings then.
"""

ledger_entry = Table(
    "ledger_entry",
    METADATA,
    program_key(),
    row_key(),
    Column("account_id", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("contra", Text, nullable=False),
    Column("bucket", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("balance_after", BigInteger, nullable=False),
    Column("loyalty_txn_type", SmallInteger, nullable=False),
    Column("external_reference", Uuid, nullable=False),
    Column("transaction_date", UtcDateTime, nullable=False),
    Column("processed_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("merchant", Text),
    Column("amount", ExactDecimal),
    Column("narration", LargeBinary),
    Column("detail", LongText),
    Column("config_version", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("transaction_ref", BigInteger),
    Column("reverses_id", BigInteger),
    Column("hash", LargeBinary, nullable=False),
    Column("arrears", BigInteger, nullable=False, server_default="0"),
    Column("related_id", BigInteger),
    UniqueConstraint("program_id", "account_id", "seq"),
    UniqueConstraint("program_id", "external_reference"),
    proved_key("account_id", "account"),
    CheckConstraint("points <> 0", name="points"),
    Index(
        "uq_ledger_entry_reverses",
        "program_id",
        "reverses_id",
        unique=True,
        sqlite_where=_REVERSES,
        postgresql_where=_REVERSES,
    ),
    Index("ix_ledger_entry_statement", "program_id", "account_id", "transaction_date", "id"),
    Index(
        "ix_ledger_entry_transaction",
        "program_id",
        "transaction_ref",
        sqlite_where=_EARNED,
        postgresql_where=_EARNED,
    ),
    # What moved between members is neither issued nor redeemed, and the dashboard asks for its sum.
    Index("ix_ledger_entry_moved", "program_id", "points", sqlite_where=ARRIVED, postgresql_where=ARRIVED),
)
"""The append-only journal: signed points on the member's account against `contra`.

`hash` is SHA-256 over the entry before, this entry's content and its traces (`domain.ledger.chain`).
`narration` is free text under the member's key; the chain covers the ciphertext. `arrears` is the part of
`points` that no lot gave or took: negative where a debit went below zero, positive where a credit repaid it.
`related_id` is the entry that this one belongs to: the earning of a refund, the other side of a transfer,
the hold of a settled redemption.
"""

lot = Table(
    "lot",
    METADATA,
    program_key(),
    row_key(),
    Column("account_id", BigInteger, nullable=False),
    Column("entry_id", BigInteger, nullable=False),
    Column("earned_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("available_at", UtcDateTime),
    proved_key("account_id", "account"),
    proved_key("entry_id", "ledger_entry"),
    CheckConstraint("points > 0", name="points"),
    CheckConstraint("remaining BETWEEN 0 AND points", name="remaining"),
    CheckConstraint("is_open = (remaining > 0)", name="is_open"),
    Index(
        "ix_lot_fifo",
        "program_id",
        "account_id",
        "expires_at",
        "earned_at",
        "id",
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    # For what was spent and what expired of points with one date: of these most are closed.
    Index("ix_lot_account", "program_id", "account_id", "expires_at"),
    Index("ix_lot_due", "program_id", "expires_at", "account_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    postgresql_with={"fillfactor": "70"},
)
"""What a credit left. The partial indexes hang on `is_open`, so that taking a part stays heap-only.

`available_at` None: from the start. Before that instant its points are pending.
"""

lot_trace = Table(
    "lot_trace",
    METADATA,
    program_key(),
    Column("entry_id", BigInteger, primary_key=True, autoincrement=False),
    Column("lot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("points", BigInteger, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("available_at", UtcDateTime),
    Column("earned_at", UtcDateTime),
    proved_key("entry_id", "ledger_entry"),
    proved_key("lot_id", "lot"),
)
"""What a posting did to a lot, append-only; `expires_at` is the lot's expiry after it.

Points 0: only the date moved. The trace that makes a lot also carries `available_at`, and `earned_at` where
that is not the transaction date of the posting (a lot that came from another account).
"""

idempotency = Table(
    "idempotency",
    METADATA,
    program_key(),
    Column("use_case", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
"""One outcome per key. Successful movements stay for ever (NEVER), business refusals for 24 hours."""

outbox = Table(
    "outbox",
    METADATA,
    program_key(),
    row_key(),
    Column("topic", Text, nullable=False),
    Column("member_id", BigInteger),
    Column("payload", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("feed_seq", BigInteger),
    Index("ix_outbox_unfed", "program_id", "id", sqlite_where=_UNFED, postgresql_where=_UNFED),
    Index("uq_outbox_feed_seq", "program_id", "feed_seq", unique=True, sqlite_where=_FED, postgresql_where=_FED),
    # A member's app that comes back reads what is its own, however much happened to others meanwhile.
    Index("ix_outbox_member_feed", "program_id", "member_id", "feed_seq", sqlite_where=_FED, postgresql_where=_FED),
)
"""Events written with what they tell of. The relay gives `feed_seq` after commit: ids commit out of order."""

feed = Table(
    "feed",
    METADATA,
    program_key(),
    Column("last_seq", BigInteger, nullable=False),
)
"""The newest feed number of each program; its row is the relay's lock."""
