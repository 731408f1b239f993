"""The tables, as SQLAlchemy Core: one module per aggregate."""

from domain.models.base import METADATA
from domain.models.batch import batch, batch_row
from domain.models.deployment import deployment
from domain.models.ledger import (
    feed,
    idempotency,
    ledger_entry,
    lot,
    lot_trace,
    member_transaction,
    outbox,
)
from domain.models.member import account, member, member_erasure, member_unique_value, sub_relation
from domain.models.program import (
    access_token,
    admin_token,
    audit_entry,
    credential,
    program,
    program_config,
)

__all__ = [
    "METADATA",
    "access_token",
    "account",
    "admin_token",
    "audit_entry",
    "batch",
    "batch_row",
    "credential",
    "deployment",
    "feed",
    "idempotency",
    "ledger_entry",
    "lot",
    "lot_trace",
    "member",
    "member_erasure",
    "member_transaction",
    "member_unique_value",
    "outbox",
    "program",
    "program_config",
    "sub_relation",
]
