"""The tables, as SQLAlchemy Core: one module per aggregate."""

from domain.models.administrator import (
    administrator,
    administrator_failure,
    administrator_grant,
    administrator_link,
    administrator_session,
    custom_role,
)
from domain.models.attribute_proposal import attribute_proposal
from domain.models.base import METADATA
from domain.models.batch import batch, batch_row, parked_row
from domain.models.catalog import catalog_order, catalog_stock, fulfilment_partner, voucher_code
from domain.models.change_request import change_request
from domain.models.counter import (
    member_merge,
    member_tier,
    points_request,
    segment_member,
    tally,
)
from domain.models.deployment import deployment, signing_key
from domain.models.export import export
from domain.models.held import held_transaction
from domain.models.hold import hold
from domain.models.inbox import hand_upload, inbox_lease
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
from domain.models.member_auth import login_failure, member_secret, message, otp, otp_subject
from domain.models.partner_server import partner_server, visited_file
from domain.models.program import (
    access_token,
    admin_token,
    audit_entry,
    credential,
    program,
    program_config,
)
from domain.models.queue import queue_batch, queue_item
from domain.models.rate import rate_lease
from domain.models.session import member_session, program_origin, session_link
from domain.models.sftp_login import sftp_key, sftp_login
from domain.models.watch import daily_digest, ledger_check
from domain.models.webhook import expiry_reminder, message_feed, webhook_delivery, webhook_endpoint

__all__ = [
    "visited_file",
    "METADATA",
    "access_token",
    "account",
    "admin_token",
    "administrator",
    "administrator_failure",
    "administrator_grant",
    "administrator_link",
    "administrator_session",
    "attribute_proposal",
    "audit_entry",
    "batch",
    "batch_row",
    "change_request",
    "catalog_order",
    "catalog_stock",
    "credential",
    "custom_role",
    "daily_digest",
    "deployment",
    "expiry_reminder",
    "export",
    "feed",
    "fulfilment_partner",
    "hand_upload",
    "held_transaction",
    "hold",
    "idempotency",
    "inbox_lease",
    "ledger_check",
    "ledger_entry",
    "login_failure",
    "lot",
    "lot_trace",
    "member",
    "member_merge",
    "member_tier",
    "member_erasure",
    "member_secret",
    "member_session",
    "member_transaction",
    "member_unique_value",
    "message",
    "message_feed",
    "otp",
    "otp_subject",
    "outbox",
    "parked_row",
    "partner_server",
    "points_request",
    "program",
    "program_config",
    "program_origin",
    "rate_lease",
    "queue_batch",
    "queue_item",
    "segment_member",
    "session_link",
    "sftp_key",
    "sftp_login",
    "signing_key",
    "sub_relation",
    "tally",
    "voucher_code",
    "webhook_delivery",
    "webhook_endpoint",
]
