"""What the platform finds out about its own books: how far verification is, and a digest of each day."""

from sqlalchemy import BigInteger, Column, Date, ForeignKeyConstraint, LargeBinary, Table, Text

from domain.models.base import METADATA, program_key
from domain.models.types import JsonText, UtcDateTime

ledger_check = Table(
    "ledger_check",
    METADATA,
    program_key(),
    Column("account_id", BigInteger, nullable=False),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("accounts", BigInteger, nullable=False),
    Column("findings", BigInteger, nullable=False),
    Column("finding", Text),
    Column("found_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("ended_accounts", BigInteger),
    Column("ended_findings", BigInteger),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
)
"""`account_id` is the last account that was looked at in the round that `began_at`; `accounts` and `findings` are of
it, `ended_*` of the last whole one. `finding` is the last thing that was found not to hold, whenever that was.
"""

daily_digest = Table(
    "daily_digest",
    METADATA,
    program_key(),
    Column("day", Date, primary_key=True),
    Column("after_entry_id", BigInteger, nullable=False),
    Column("last_entry_id", BigInteger, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("figures", JsonText, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
)
"""A day of the program's zone: its figures, and SHA-256 over the digest before and the hashes of the postings since.

It covers postings behind `after_entry_id` and up to `last_entry_id`, in the order of their ids. Whoever keeps a copy
elsewhere can prove later that nothing of that day was changed, not even by who may change everything.
"""
