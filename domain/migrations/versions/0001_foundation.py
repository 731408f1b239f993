"""The foundation: programs, members, the journal with its lots, keys, outbox, batches.

Revision ID: 0001
Revises: none
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import ExactDecimal, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE tessera_id")
    op.create_table(
        "access_token",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("credential_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("claims", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "credential_id", "scope", name=op.f("pk_access_token")),
    )
    op.create_table(
        "admin_token",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_admin_token")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "seq", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "credential",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("publishable_key", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_credential")),
        sa.UniqueConstraint("client_id", name=op.f("uq_credential_client_id")),
        sa.UniqueConstraint("publishable_key", name=op.f("uq_credential_publishable_key")),
    )
    op.create_index(
        "uq_credential_live",
        "credential",
        ["program_id"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "feed",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", name=op.f("pk_feed")),
    )
    op.create_table(
        "idempotency",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("use_case", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "use_case", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "outbox",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("feed_seq", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_unfed",
        "outbox",
        ["program_id", "id"],
        unique=False,
        sqlite_where=sa.text("feed_seq IS NULL"),
        postgresql_where=sa.text("feed_seq IS NULL"),
    )
    op.create_index("uq_outbox_feed_seq", "outbox", ["program_id", "feed_seq"], unique=True)
    op.create_table(
        "program",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("public_id", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("config_version", sa.Integer(), nullable=False),
        sa.Column("credential_generation", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_program")),
        sa.UniqueConstraint("public_id", "environment", name=op.f("uq_program_public_id_environment")),
    )
    op.create_table(
        "program_config",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "version", name=op.f("pk_program_config")),
    )
    op.create_table(
        "batch",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rows_read", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_batch_program_id")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_batch")),
        sa.UniqueConstraint("program_id", "name_key", name=op.f("uq_batch_program_id_name_key")),
        sa.UniqueConstraint("program_id", "sha256", name=op.f("uq_batch_program_id_sha256")),
    )
    op.create_table(
        "member",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("relation_reference", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("accrual_allowed", sa.Boolean(), nullable=False),
        sa.Column("preferred_language", sa.Text(), nullable=True),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("profile", sa.LargeBinary(), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(), nullable=True),
        sa.Column("mobile_hash", sa.LargeBinary(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("enrolled_at", UtcDateTime(), nullable=False),
        sa.Column("activated_at", UtcDateTime(), nullable=True),
        sa.Column("last_logged_in_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_member_program_id")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_member")),
        sa.UniqueConstraint("program_id", "email_hash", name=op.f("uq_member_program_id_email_hash")),
        sa.UniqueConstraint("program_id", "mobile_hash", name=op.f("uq_member_program_id_mobile_hash")),
        sa.UniqueConstraint("program_id", "relation_reference", name=op.f("uq_member_program_id_relation_reference")),
    )
    op.create_table(
        "account",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("spend", sa.BigInteger(), nullable=False),
        sa.Column("bonus", sa.BigInteger(), nullable=False),
        sa.Column("redeemed", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("next_expiry", UtcDateTime(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("available = spend + bonus - redeemed - expired", name=op.f("ck_account_figures")),
        sa.CheckConstraint("available >= 0", name=op.f("ck_account_available")),
        sa.ForeignKeyConstraint(
            ["program_id", "member_id"],
            ["member.program_id", "member.id"],
            name=op.f("fk_account_program_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_account")),
        sa.UniqueConstraint(
            "program_id", "member_id", "currency", name=op.f("uq_account_program_id_member_id_currency")
        ),
        postgresql_with={"fillfactor": "60"},
    )
    op.create_table(
        "batch_row",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("external_reference", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["program_id", "batch_id"],
            ["batch.program_id", "batch.id"],
            name=op.f("fk_batch_row_program_id_batch_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "batch_id", "line", name=op.f("pk_batch_row")),
    )
    op.create_table(
        "member_transaction",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("unique_transaction_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("transaction_date", UtcDateTime(), nullable=False),
        sa.Column("product_code", sa.Text(), nullable=True),
        sa.Column("sub_product_code", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("config_version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("processed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("type IN ('DR', 'CR')", name=op.f("ck_member_transaction_type")),
        sa.ForeignKeyConstraint(
            ["program_id", "member_id"],
            ["member.program_id", "member.id"],
            name=op.f("fk_member_transaction_program_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_member_transaction")),
        sa.UniqueConstraint(
            "program_id",
            "unique_transaction_id",
            name=op.f("uq_member_transaction_program_id_unique_transaction_id"),
        ),
    )
    op.create_index(
        "ix_member_transaction_member", "member_transaction", ["program_id", "member_id", "id"], unique=False
    )
    op.create_index(
        "ix_member_transaction_reference",
        "member_transaction",
        ["program_id", "transaction_id"],
        unique=False,
    )
    op.create_table(
        "member_unique_value",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value_hash", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id", "member_id"],
            ["member.program_id", "member.id"],
            name=op.f("fk_member_unique_value_program_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "key", "value_hash", name=op.f("pk_member_unique_value")),
    )
    op.create_index("ix_member_unique_value_member", "member_unique_value", ["program_id", "member_id"], unique=False)
    op.create_table(
        "ledger_entry",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("contra", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=False),
        sa.Column("loyalty_txn_type", sa.SmallInteger(), nullable=False),
        sa.Column("external_reference", sa.Uuid(), nullable=False),
        sa.Column("transaction_date", UtcDateTime(), nullable=False),
        sa.Column("processed_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("merchant", sa.Text(), nullable=True),
        sa.Column("amount", ExactDecimal(), nullable=True),
        sa.Column("narration", sa.LargeBinary(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("config_version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("transaction_ref", sa.BigInteger(), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("points <> 0", name=op.f("ck_ledger_entry_points")),
        sa.ForeignKeyConstraint(
            ["program_id", "account_id"],
            ["account.program_id", "account.id"],
            name=op.f("fk_ledger_entry_program_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("program_id", "account_id", "seq", name=op.f("uq_ledger_entry_program_id_account_id_seq")),
        sa.UniqueConstraint(
            "program_id", "external_reference", name=op.f("uq_ledger_entry_program_id_external_reference")
        ),
    )
    op.create_index(
        "ix_ledger_entry_statement",
        "ledger_entry",
        ["program_id", "account_id", "transaction_date", "id"],
        unique=False,
    )
    op.create_index(
        "uq_ledger_entry_reverses",
        "ledger_entry",
        ["program_id", "reverses_id"],
        unique=True,
        sqlite_where=sa.text("reverses_id IS NOT NULL"),
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_table(
        "lot",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("earned_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.CheckConstraint("is_open = (remaining > 0)", name=op.f("ck_lot_is_open")),
        sa.CheckConstraint("points > 0", name=op.f("ck_lot_points")),
        sa.CheckConstraint("remaining BETWEEN 0 AND points", name=op.f("ck_lot_remaining")),
        sa.ForeignKeyConstraint(
            ["program_id", "account_id"],
            ["account.program_id", "account.id"],
            name=op.f("fk_lot_program_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "entry_id"],
            ["ledger_entry.program_id", "ledger_entry.id"],
            name=op.f("fk_lot_program_id_entry_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_lot")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_lot_due",
        "lot",
        ["program_id", "expires_at", "account_id"],
        unique=False,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_index(
        "ix_lot_fifo",
        "lot",
        ["program_id", "account_id", "expires_at", "earned_at", "id"],
        unique=False,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "lot_trace",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("points <> 0", name=op.f("ck_lot_trace_points")),
        sa.ForeignKeyConstraint(
            ["program_id", "entry_id"],
            ["ledger_entry.program_id", "ledger_entry.id"],
            name=op.f("fk_lot_trace_program_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "lot_id"],
            ["lot.program_id", "lot.id"],
            name=op.f("fk_lot_trace_program_id_lot_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "entry_id", "lot_id", name=op.f("pk_lot_trace")),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("lot_trace")
    op.drop_index("ix_lot_fifo", table_name="lot", sqlite_where=sa.text("is_open"), postgresql_where=sa.text("is_open"))
    op.drop_index("ix_lot_due", table_name="lot", sqlite_where=sa.text("is_open"), postgresql_where=sa.text("is_open"))
    op.drop_table("lot")
    op.drop_index(
        "uq_ledger_entry_reverses",
        table_name="ledger_entry",
        sqlite_where=sa.text("reverses_id IS NOT NULL"),
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.drop_index("ix_ledger_entry_statement", table_name="ledger_entry")
    op.drop_table("ledger_entry")
    op.drop_index("ix_member_unique_value_member", table_name="member_unique_value")
    op.drop_table("member_unique_value")
    op.drop_index("ix_member_transaction_reference", table_name="member_transaction")
    op.drop_index("ix_member_transaction_member", table_name="member_transaction")
    op.drop_table("member_transaction")
    op.drop_table("batch_row")
    op.drop_table("account")
    op.drop_table("member")
    op.drop_table("batch")
    op.drop_table("program_config")
    op.drop_table("program")
    op.drop_index("uq_outbox_feed_seq", table_name="outbox")
    op.drop_index(
        "ix_outbox_unfed",
        table_name="outbox",
        sqlite_where=sa.text("feed_seq IS NULL"),
        postgresql_where=sa.text("feed_seq IS NULL"),
    )
    op.drop_table("outbox")
    op.drop_table("idempotency")
    op.drop_table("feed")
    op.drop_index(
        "uq_credential_live",
        table_name="credential",
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.drop_table("credential")
    op.drop_table("audit_entry")
    op.drop_table("admin_token")
    op.drop_table("access_token")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE tessera_id")
