"""The catalogue: stock, voucher codes, who fulfils, and orders.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import ExactDecimal, UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_FREE = sa.text("sealed IS NOT NULL")
_DUE = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    """Make the tables."""
    _make_orders()
    op.create_table(
        "catalog_stock",
        _program_id(),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_catalog_stock_quantity")),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_catalog_stock_program_id")),
        sa.PrimaryKeyConstraint("program_id", "item", name=op.f("pk_catalog_stock")),
    )
    op.create_table(
        "fulfilment_partner",
        _program_id(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_fulfilment_partner_program_id")),
        sa.PrimaryKeyConstraint("program_id", "name", name=op.f("pk_fulfilment_partner")),
    )
    _make_codes()


def downgrade() -> None:
    """Take them away."""
    for name in ("voucher_code", "fulfilment_partner", "catalog_stock", "catalog_order"):
        op.drop_table(name)


def _make_orders() -> None:
    op.create_table(
        "catalog_order",
        _program_id(),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("external_reference", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fulfilment", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=True),
        sa.Column("took_stock", sa.Boolean(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("reversal_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.LargeBinary(), nullable=True),
        sa.Column("delivery", sa.LargeBinary(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("partner_reference", sa.Text(), nullable=True),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("answer_by", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        *_order_constraints(),
    )
    op.create_index("ix_catalog_order_member", "catalog_order", ["program_id", "member_id", "id"])
    op.create_index("ix_catalog_order_status", "catalog_order", ["program_id", "status", "id"])
    op.create_index("ix_catalog_order_item", "catalog_order", ["program_id", "item", "id"])
    op.create_index("ix_catalog_order_due", "catalog_order", ["due_at"], sqlite_where=_DUE, postgresql_where=_DUE)


def _order_constraints() -> list[sa.Constraint]:
    def key(column: str, table: str) -> sa.Constraint:
        return sa.ForeignKeyConstraint(
            ["program_id", column],
            [f"{table}.program_id", f"{table}.id"],
            name=op.f(f"fk_catalog_order_program_id_{column}"),
        )

    return [
        sa.CheckConstraint("points > 0", name=op.f("ck_catalog_order_points")),
        sa.CheckConstraint("status IN ('PLACED', 'FULFILLED', 'REVERSED')", name=op.f("ck_catalog_order_status")),
        sa.CheckConstraint("(status = 'REVERSED') = (reversal_id IS NOT NULL)", name=op.f("ck_catalog_order_reversal")),
        sa.CheckConstraint("(status = 'PLACED') = (ended_at IS NULL)", name=op.f("ck_catalog_order_ended")),
        sa.CheckConstraint("status = 'PLACED' OR due_at IS NULL", name=op.f("ck_catalog_order_due")),
        key("member_id", "member"),
        key("entry_id", "ledger_entry"),
        key("reversal_id", "ledger_entry"),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_catalog_order")),
        sa.UniqueConstraint(
            "program_id", "external_reference", name=op.f("uq_catalog_order_program_id_external_reference")
        ),
        sa.UniqueConstraint("program_id", "entry_id", name=op.f("uq_catalog_order_program_id_entry_id")),
    ]


def _make_codes() -> None:
    op.create_table(
        "voucher_code",
        _program_id(),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("given_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(sealed IS NULL) = (order_id IS NOT NULL OR withdrawn_at IS NOT NULL) "
            "AND (order_id IS NULL OR withdrawn_at IS NULL)",
            name=op.f("ck_voucher_code_free"),
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "order_id"],
            ["catalog_order.program_id", "catalog_order.id"],
            name=op.f("fk_voucher_code_program_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_voucher_code")),
        sa.UniqueConstraint("program_id", "order_id", name=op.f("uq_voucher_code_program_id_order_id")),
        sa.UniqueConstraint("program_id", "pool", "code_hash", name=op.f("uq_voucher_code_program_id_pool_code_hash")),
    )
    columns = ["program_id", "pool", "expires_at", "id"]
    op.create_index("ix_voucher_code_free", "voucher_code", columns, sqlite_where=_FREE, postgresql_where=_FREE)


def _program_id() -> sa.Column[int]:
    return sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False)
