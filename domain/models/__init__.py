"""The tables, as SQLAlchemy Core: one module per aggregate."""

from domain.models.base import METADATA
from domain.models.batch import batch, batch_row
from domain.models.counter import (
    aggregate_bucket,
    cap_counter,
    member_merge,
    member_tier,
    points_request,
    segment_member,
)
from domain.models.deployment import deployment
from domain.models.held import held_transaction
from domain.models.hold import hold
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
from domain.models.queue import queue_batch, queue_item

__all__ = [
    "METADATA",
    "access_token",
    "account",
    "admin_token",
    "aggregate_bucket",
    "audit_entry",
    "batch",
    "batch_row",
    "cap_counter",
    "credential",
    "deployment",
    "feed",
    "held_transaction",
    "hold",
    "idempotency",
    "ledger_entry",
    "lot",
    "lot_trace",
    "member",
    "member_merge",
    "member_tier",
    "member_erasure",
    "member_transaction",
    "member_unique_value",
    "outbox",
    "points_request",
    "program",
    "program_config",
    "queue_batch",
    "queue_item",
    "segment_member",
    "sub_relation",
]
