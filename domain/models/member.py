"""Members and their accounts."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from domain.models.base import METADATA, PROVED, program_key, proved_key, row_key
from domain.models.types import JsonText, UtcDateTime

member = Table(
    "member",
    METADATA,
    program_key(),
    row_key(),
    Column("relation_reference", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("accrual_allowed", Boolean, nullable=False),
    Column("preferred_language", Text),
    Column("data_key", LargeBinary, nullable=False),
    Column("profile", LargeBinary, nullable=False),
    Column("email_hash", LargeBinary),
    Column("mobile_hash", LargeBinary),
    Column("attributes", JsonText, nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("activated_at", UtcDateTime),
    Column("last_logged_in_at", UtcDateTime),
    Column("erased_at", UtcDateTime),
    Column("version", Integer, nullable=False),
    Column("tier", Text),
    Column("tier_since", UtcDateTime),
    Column("tier_qualified_at", UtcDateTime),
    Column("referral_code", Text),
    Column("referred_by", BigInteger),
    Column("referral_rewarded_at", UtcDateTime),
    Column("merged_into", BigInteger),
    UniqueConstraint("program_id", "relation_reference"),
    UniqueConstraint("program_id", "referral_code"),
    UniqueConstraint("program_id", "email_hash"),
    UniqueConstraint("program_id", "mobile_hash"),
    ForeignKeyConstraint(["program_id"], ["program.id"], info=PROVED),
    Index(
        "ix_member_merged_into",
        "program_id",
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
    Index("ix_member_enrolled", "program_id", "enrolled_at", "id"),
    Index("ix_member_status", "program_id", "status", "enrolled_at", "id"),
    Index(
        "ix_member_tier",
        "program_id",
        "tier",
        "enrolled_at",
        "id",
        sqlite_where=text("tier IS NOT NULL"),
        postgresql_where=text("tier IS NOT NULL"),
    ),
    Index(
        "ix_member_referred_by",
        "program_id",
        "referred_by",
        sqlite_where=text("referred_by IS NOT NULL"),
        postgresql_where=text("referred_by IS NOT NULL"),
    ),
)
"""`profile` is personal information under `data_key`, itself wrapped by the deployment's key.

Destroying `data_key` erases the member, since `erased_at`. E-mail and mobile number are found by keyed hashes.
`merged_into` is the member who answers for this one since a merge: its reference goes on to work.
`referral_code` never changes; `referred_by` is whose code the member was enrolled with, `referral_rewarded_at` when
both got their points for it, or might have. References compare by code points: on SQLite all texts do, on PostgreSQL
it is the collation of the column, which its migration gives it (0029).
"""

member_unique_value = Table(
    "member_unique_value",
    METADATA,
    program_key(),
    Column("key", Text, primary_key=True),
    Column("value_hash", LargeBinary, primary_key=True),
    Column("member_id", BigInteger, nullable=False),
    ForeignKeyConstraint(["program_id", "member_id"], ["member.program_id", "member.id"]),
    Index("ix_member_unique_value_member", "program_id", "member_id"),
)
"""The values of unique custom attributes, by keyed hash."""

sub_relation = Table(
    "sub_relation",
    METADATA,
    program_key(),
    row_key(),
    Column("member_id", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("card_hash", LargeBinary),
    Column("card_last_four", Text),
    Column("card_number", Text),
    Column("sub_relation_identifier", Text),
    Column("last_six_digits", Text),
    Column("product_code", Text),
    Column("expiry_date", Date),
    Column("status", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("unlinked_at", UtcDateTime),
    Column("version", Integer, nullable=False),
    UniqueConstraint("program_id", "member_id", "card_hash"),
    UniqueConstraint("program_id", "member_id", "sub_relation_identifier"),
    ForeignKeyConstraint(["program_id", "member_id"], ["member.program_id", "member.id"]),
    CheckConstraint("(card_hash IS NULL AND sub_relation_identifier IS NULL) = (unlinked_at IS NOT NULL)", name="pair"),
    Index("ix_sub_relation_card", "program_id", "card_hash", "member_id"),
    Index("ix_sub_relation_identifier", "program_id", "sub_relation_identifier", "member_id"),
)
"""Cards, accounts, devices and external ids of members. A value stands once on a member, on any number of members.

Cards are found by keyed hash; `card_number` is in clear only where it is no payment card's. An unlinked row is
emptied and stays, so that its id never comes to mean another's.
"""

member_erasure = Table(
    "member_erasure",
    METADATA,
    program_key(),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reference_hash", LargeBinary, nullable=False),
    Column("erased_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    Index("ix_member_erasure_reference", "program_id", "reference_hash"),
    # Tokens of who was erased lately are refused.
    Index("ix_member_erasure_time", "program_id", "erased_at"),
)
"""Who was erased, under which reference by keyed hash: what has to be erased again after a restore.

It hangs on no member, so that it can be brought into a database that was restored from before the enrolment.
"""

account = Table(
    "account",
    METADATA,
    program_key(),
    row_key(),
    Column("member_id", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("spend", BigInteger, nullable=False),
    Column("bonus", BigInteger, nullable=False),
    Column("redeemed", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("next_expiry", UtcDateTime, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("pending", BigInteger, nullable=False, server_default="0"),
    Column("held", BigInteger, nullable=False, server_default="0"),
    Column("arrears", BigInteger, nullable=False, server_default="0"),
    Column("partner", BigInteger, nullable=False, server_default="0"),
    Column("purchased", BigInteger, nullable=False, server_default="0"),
    Column("other", BigInteger, nullable=False, server_default="0"),
    Column("next_release", UtcDateTime, nullable=False),
    UniqueConstraint("program_id", "member_id", "currency"),
    proved_key("member_id", "member"),
    CheckConstraint("available + arrears >= 0", name="available"),
    CheckConstraint("pending >= 0", name="pending"),
    CheckConstraint("held >= 0", name="held"),
    CheckConstraint("arrears >= 0", name="arrears"),
    CheckConstraint(
        "available + pending = spend + bonus + partner + purchased + other - redeemed - expired", name="figures"
    ),
    postgresql_with={"fillfactor": "60"},
)
"""Running figures in the smallest unit: a cache that `tessera ledger verify` proves.

`available` is what the open lots hold that are not pending, less the arrears; it is negative while arrears
outweigh it. `held` counts in `redeemed` already. `version` is the number of postings, `next_expiry` the
earliest expiry among open lots, `next_release` the earliest instant at which a pending lot becomes
available or a hold lapses (or NEVER): until then the figures are as they were at the last posting.
`head_hash` the hash of the newest posting. No index on a column that a redemption changes, so that
PostgreSQL keeps its updates heap-only.
"""
