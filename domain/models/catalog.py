"""The catalogue's stock and voucher codes, who fulfils, and the orders of members."""

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
    UniqueConstraint,
    Uuid,
    text,
)

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import ExactDecimal, UtcDateTime

_FREE = text("sealed IS NOT NULL")
_DUE = text("due_at IS NOT NULL")

catalog_stock = Table(
    "catalog_stock",
    METADATA,
    program_key(),
    Column("item", Text, primary_key=True),
    Column("quantity", BigInteger, nullable=False),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    CheckConstraint("quantity >= 0", name="quantity"),
)
"""What is left of items whose stock is counted."""

voucher_code = Table(
    "voucher_code",
    METADATA,
    program_key(),
    row_key(),
    Column("pool", Text, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("order_id", BigInteger),
    Column("given_at", UtcDateTime),
    Column("withdrawn_at", UtcDateTime),
    UniqueConstraint("program_id", "pool", "code_hash"),
    UniqueConstraint("program_id", "order_id"),
    ForeignKeyConstraint(["program_id", "order_id"], ["catalog_order.program_id", "catalog_order.id"]),
    CheckConstraint(
        "(sealed IS NULL) = (order_id IS NOT NULL OR withdrawn_at IS NOT NULL) "
        "AND (order_id IS NULL OR withdrawn_at IS NULL)",
        name="free",
    ),
    Index("ix_voucher_code_free", "program_id", "pool", "expires_at", "id", sqlite_where=_FREE, postgresql_where=_FREE),
)
"""`sealed` until the code is given to an order or withdrawn; its hash stays, so that a code is taken in once ever.

Where it was given to an order, the order has it, under the member's key.
"""

fulfilment_partner = Table(
    "fulfilment_partner",
    METADATA,
    program_key(),
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("enabled", Boolean, nullable=False),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
)
"""Who fulfils orders by webhook; `secret`, which signs what is sent, is encrypted."""

catalog_order = Table(
    "catalog_order",
    METADATA,
    program_key(),
    row_key(),
    Column("member_id", BigInteger, nullable=False),
    Column("external_reference", Uuid, nullable=False),
    Column("item", Text, nullable=False),
    Column("item_name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("fulfilment", Text, nullable=False),
    Column("partner", Text),
    Column("status", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("amount", ExactDecimal),
    Column("took_stock", Boolean, nullable=False),
    Column("entry_id", BigInteger, nullable=False),
    Column("reversal_id", BigInteger),
    Column("code", LargeBinary),
    Column("delivery", LargeBinary),
    Column("failure", Text),
    Column("reason", LargeBinary),
    Column("partner_reference", Text),
    Column("placed_by", Text, nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("ended_by", Text),
    Column("ended_at", UtcDateTime),
    Column("answer_by", UtcDateTime),
    Column("due_at", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    UniqueConstraint("program_id", "external_reference"),
    UniqueConstraint("program_id", "entry_id"),
    ForeignKeyConstraint(["program_id", "member_id"], ["member.program_id", "member.id"]),
    ForeignKeyConstraint(["program_id", "entry_id"], ["ledger_entry.program_id", "ledger_entry.id"]),
    ForeignKeyConstraint(["program_id", "reversal_id"], ["ledger_entry.program_id", "ledger_entry.id"]),
    CheckConstraint("points > 0", name="points"),
    CheckConstraint("status IN ('PLACED', 'FULFILLED', 'REVERSED')", name="status"),
    CheckConstraint("(status = 'REVERSED') = (reversal_id IS NOT NULL)", name="reversal"),
    CheckConstraint("(status = 'PLACED') = (ended_at IS NULL)", name="ended"),
    CheckConstraint("status = 'PLACED' OR due_at IS NULL", name="due"),
    Index("ix_catalog_order_member", "program_id", "member_id", "id"),
    Index("ix_catalog_order_status", "program_id", "status", "id"),
    Index("ix_catalog_order_item", "program_id", "item", "id"),
    Index("ix_catalog_order_due", "due_at", sqlite_where=_DUE, postgresql_where=_DUE),
)
"""`entry_id` is the redemption, which has the order's external reference; `reversal_id` what gave its points back.

`code`, `delivery` and `reason` are under the member's key. `due_at`: when a job looks at the order next, to ask the
partner or, from `answer_by` on, to let it fail. What an item was when it was ordered stays with the order.
"""
