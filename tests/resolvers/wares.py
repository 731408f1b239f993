"""What the tests of orders share: a catalogue, codes and stock, and members who can pay."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from domain.models import audit_entry, outbox
from domain.models.types import to_json
from resolvers.catalog_stock import ChangeStock, ImportCodes, change_stock, import_codes
from resolvers.context import Context
from resolvers.order import PlaceOrder
from resolvers.program import apply_configuration

CATALOG = b"""
version: 1
program: {redemption_rate: 10}
tiers: {assessment: manual, levels: [{name: Silver, from: 0}, {name: Gold, from: 500}]}
segments: [{name: Staff, kind: frozen}]
catalog:
  - {code: CARD, name: Gift card, kind: gift_card, money: "3", fulfilment: pool, pool: CARDS, low_stock: 1}
  - {code: BOWL, name: Bowl, kind: merchandise, points: 20, fulfilment: manual, stock: counted, answer_days: 30}
  - {code: GIFT, name: For the choir, kind: donation, points: 10, fulfilment: manual}
  - {code: ONCE, name: Once a month, kind: voucher, points: 5, fulfilment: manual, limit: 1, limit_period: month}
  - {code: GOLD, name: Gold only, kind: voucher, points: 5, fulfilment: manual, tiers: [Gold]}
  - {code: STAFF, name: Staff only, kind: voucher, points: 5, fulfilment: manual, segments: [Staff]}
  - {code: LATER, name: In April, kind: voucher, points: 5, fulfilment: manual, valid_from: 2026-04-01}
  - {code: OFF, name: Not now, kind: voucher, points: 5, fulfilment: manual, enabled: false}
"""

GIFT = PlaceOrder(relation_reference="ANN", item="GIFT")
CARD = replace(GIFT, item="CARD")
BOWL = replace(GIFT, item="BOWL", delivery="12 Elm Street")
CODES = [f"SECRET-{number:05}" for number in range(3)]


async def fill(ctx: Context, codes: Sequence[str] = CODES, bowls: int = 2) -> None:
    """The catalogue with codes and bowls in stock."""
    await apply_configuration(ctx, CATALOG)
    if codes:
        await import_codes(ctx, ImportCodes(pool="CARDS", codes=codes))
    await change_stock(ctx, ChangeStock(item="BOWL", quantity=bowls))


async def told(ctx: Context, prefix: str = "order.") -> list[tuple[str, str]]:
    """The topics and payloads of events, in their order."""

    def body(tx: Connection) -> list[tuple[str, str]]:
        own = select(outbox.c.topic, outbox.c.payload).where(outbox.c.program_id == ctx.principal.program)
        return [
            (row.topic, row.payload) for row in tx.execute(own.order_by(outbox.c.id)) if row.topic.startswith(prefix)
        ]

    return await ctx.read(body)


def event(topic: str, order_id: int) -> tuple[str, Any]:
    """What is told of an order."""
    return topic, to_json({"order_id": order_id})


async def last_audit(ctx: Context) -> Any:
    """The newest entry of the program's audit trail."""

    def body(tx: Connection) -> Any:
        own = select(audit_entry).where(audit_entry.c.program_id == ctx.principal.program)
        return tx.execute(own.order_by(audit_entry.c.seq.desc()).limit(1)).one()

    return await ctx.read(body)
