"""The whole ledger: arrears, pending and held points, refunds, tiers, referrals, merges, counters.

Revision ID: 0004
Revises: 0003
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.clock import NEVER, to_micros
from domain.models.types import ExactDecimal, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql"

_OLD_CHECKS = {
    "account": {
        "figures": "available = spend + bonus - redeemed - expired",
        "available": "available >= 0",
    },
    "lot_trace": {"points": "points <> 0"},
    "member_transaction": {"type": "type IN ('DR', 'CR')"},
}
_NEW_CHECKS = {
    "account": {
        "available": "available + arrears >= 0",
        "pending": "pending >= 0",
        "held": "held >= 0",
        "arrears": "arrears >= 0",
        "figures": "available + pending = spend + bonus + partner + purchased + other - redeemed - expired",
    },
    "lot_trace": {},
    "member_transaction": {
        "type": "type IN ('DR', 'CR')",
        "status": "status IN ('POSTED', 'PARKED', 'LAPSED')",
    },
}
_FIGURES = ("pending", "held", "arrears", "partner", "purchased", "other")


def upgrade() -> None:
    """Add what is new; on SQLite a table whose checks change is made anew."""
    _alter("account", _account_columns(), old=_OLD_CHECKS, new=_NEW_CHECKS)
    _alter("lot_trace", [_moment("available_at"), _moment("earned_at")], old=_OLD_CHECKS, new=_NEW_CHECKS)
    _alter("member_transaction", _transaction_columns(), old=_OLD_CHECKS, new=_NEW_CHECKS)
    op.add_column("ledger_entry", sa.Column("arrears", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("ledger_entry", sa.Column("related_id", sa.BigInteger(), nullable=True))
    earned = sa.text("transaction_ref IS NOT NULL")
    op.create_index(
        "ix_ledger_entry_transaction",
        "ledger_entry",
        ["program_id", "transaction_ref"],
        sqlite_where=earned,
        postgresql_where=earned,
    )
    op.add_column("lot", _moment("available_at"))
    with op.batch_alter_table("member") as member:
        for column in _member_columns():
            member.add_column(column)
        member.create_unique_constraint(op.f("uq_member_program_id_referral_code"), ["program_id", "referral_code"])
    merged = sa.text("merged_into IS NOT NULL")
    op.create_index(
        "ix_member_merged_into",
        "member",
        ["program_id", "merged_into"],
        sqlite_where=merged,
        postgresql_where=merged,
    )
    _create_tables()
    _guard_traces()
    _redeem("redeem_points_2.sql")


def _alter(
    table: str,
    columns: list[sa.Column[Any]],
    *,
    old: dict[str, dict[str, str]],
    new: dict[str, dict[str, str]],
    drop: tuple[str, ...] = (),
) -> None:
    with op.batch_alter_table(table) as altered:
        for name in old[table]:
            altered.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        for column in columns:
            altered.add_column(column)
        for name in drop:
            altered.drop_column(name)
        for name, text in new[table].items():
            altered.create_check_constraint(op.f(f"ck_{table}_{name}"), text)


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, UtcDateTime(), nullable=True)


def _account_columns() -> list[sa.Column[Any]]:
    never = str(to_micros(NEVER)) if op.get_bind().dialect.name == "sqlite" else NEVER.isoformat()
    return [
        *(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in _FIGURES),
        sa.Column("next_release", UtcDateTime(), nullable=False, server_default=sa.text(f"'{never}'")),
    ]


def _transaction_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("status", sa.Text(), nullable=False, server_default="POSTED"),
        sa.Column("refunded", ExactDecimal(), nullable=False, server_default="0"),
    ]


def _member_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("tier", sa.Text(), nullable=True),
        _moment("tier_since"),
        _moment("tier_qualified_at"),
        sa.Column("referral_code", sa.Text(), nullable=True),
        sa.Column("referred_by", sa.BigInteger(), nullable=True),
        _moment("referral_rewarded_at"),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
    ]


def _create_tables() -> None:
    _create_hold()
    _create(
        "cap_counter",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        key=("scope", "window", "start"),
    )
    _create(
        "aggregate_bucket",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("total", ExactDecimal(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("low", ExactDecimal(), nullable=True),
        sa.Column("high", ExactDecimal(), nullable=True),
        key=("key", "start"),
    )
    _create(
        "member_tier",
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        key=("since",),
    )
    op.create_table(
        "segment_member",
        _id("program_id"),
        sa.Column("segment", sa.Text(), nullable=False),
        _id("member_id"),
        _of_member("segment_member", "member_id"),
        sa.PrimaryKeyConstraint("program_id", "segment", "member_id", name=op.f("pk_segment_member")),
    )
    _create_merge()
    _create_request()


def _create(name: str, *columns: sa.Column[Any], key: tuple[str, ...]) -> None:
    op.create_table(
        name,
        _id("program_id"),
        _id("member_id"),
        *columns,
        _of_member(name, "member_id"),
        sa.PrimaryKeyConstraint("program_id", "member_id", *key, name=op.f(f"pk_{name}")),
    )


def _id(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def _of_member(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["program_id", column], ["member.program_id", "member.id"], name=op.f(f"fk_{table}_program_id_{column}")
    )


def _create_hold() -> None:
    pending = sa.text("status = 'PENDING'")
    pay = sa.text("status = 'PENDING' AND purpose = 'PAY_WITH_REWARDS'")
    op.create_table(
        "hold",
        _id("program_id"),
        _id("id"),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=True),
        sa.Column("merchant", sa.Text(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("external_reference", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        _moment("processed_at"),
        sa.Column("settled_points", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("points > 0", name=op.f("ck_hold_points")),
        sa.CheckConstraint("status IN ('PENDING', 'SETTLED', 'CANCELLED', 'LAPSED')", name=op.f("ck_hold_status")),
        sa.CheckConstraint("purpose IN ('HOLD', 'PAY_WITH_REWARDS')", name=op.f("ck_hold_purpose")),
        sa.ForeignKeyConstraint(
            ["program_id", "account_id"],
            ["account.program_id", "account.id"],
            name=op.f("fk_hold_program_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "entry_id"],
            ["ledger_entry.program_id", "ledger_entry.id"],
            name=op.f("fk_hold_program_id_entry_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_hold")),
    )
    op.create_index("ix_hold_member", "hold", ["program_id", "member_id", "id"])
    for name, columns, where in (
        ("ix_hold_due", ["program_id", "expires_at", "account_id"], pending),
        ("ix_hold_account", ["program_id", "account_id"], pending),
        ("uq_hold_pay", ["program_id", "member_id"], pay),
    ):
        op.create_index(name, "hold", columns, unique=name.startswith("uq"), sqlite_where=where, postgresql_where=where)


def _create_merge() -> None:
    op.create_table(
        "member_merge",
        _id("program_id"),
        _id("id"),
        sa.Column("victim_id", sa.BigInteger(), nullable=False),
        sa.Column("survivor_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_at", UtcDateTime(), nullable=False),
        _moment("undone_at"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        _of_member("member_merge", "victim_id"),
        _of_member("member_merge", "survivor_id"),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_member_merge")),
    )
    op.create_index("ix_member_merge_survivor", "member_merge", ["program_id", "survivor_id"])


def _create_request() -> None:
    op.create_table(
        "points_request",
        _id("program_id"),
        _id("id"),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        _moment("expires_at"),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        _moment("decided_at"),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("status IN ('PENDING', 'APPROVED', 'REJECTED')", name=op.f("ck_points_request_status")),
        _of_member("points_request", "member_id"),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_points_request")),
    )
    op.create_index("ix_points_request_status", "points_request", ["program_id", "status", "id"])


def _guard_traces() -> None:
    """On SQLite the guards went with the table that was made anew."""
    if op.get_bind().dialect.name != "sqlite":
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER lot_trace_no_{verb.lower()} BEFORE {verb} ON lot_trace "
            "BEGIN SELECT RAISE(ABORT, 'lot_trace is append-only'); END"
        )


def _redeem(file: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION redeem_points")
        op.get_bind().exec_driver_sql((_SQL / file).read_text())


def downgrade() -> None:
    """Take it away again; only possible while no account has pending points, holds or arrears."""
    _redeem("redeem_points_1.sql")
    for table in ("points_request", "member_merge", "segment_member", "member_tier", "aggregate_bucket"):
        op.drop_table(table)
    for table in ("cap_counter", "hold"):
        op.drop_table(table)
    op.drop_index("ix_member_merged_into", table_name="member")
    with op.batch_alter_table("member") as member:
        member.drop_constraint(op.f("uq_member_program_id_referral_code"), type_="unique")
        for column in _member_columns():
            member.drop_column(column.name)
    op.drop_column("lot", "available_at")
    op.drop_index("ix_ledger_entry_transaction", table_name="ledger_entry")
    op.drop_column("ledger_entry", "related_id")
    op.drop_column("ledger_entry", "arrears")
    back = {"old": _NEW_CHECKS, "new": _OLD_CHECKS}
    _alter("member_transaction", [], **back, drop=("status", "refunded"))
    _alter("lot_trace", [], **back, drop=("available_at", "earned_at"))
    _alter("account", [], **back, drop=(*_FIGURES, "next_release"))
    _guard_traces()
