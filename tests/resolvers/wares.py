"""What the tests of orders share: a catalogue, codes and stock, and members who can pay."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, select

from domain.models import audit_entry, outbox
from resolvers.catalog_stock import ChangeStock, ImportCodes, change_stock, import_codes
from resolvers.context import Context
from resolvers.order import PlaceOrder
from resolvers.order_record import get_order
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


async def told(ctx: Context, prefix: str = "order.") -> list[tuple[str, int]]:
    """The topics of events of orders and the orders' ids, in their order; the rest of an event is its reference."""

    def body(tx: Connection) -> list[tuple[str, str]]:
        own = select(outbox.c.topic, outbox.c.payload).where(outbox.c.program_id == ctx.principal.program)
        rows = tx.execute(own.order_by(outbox.c.id))
        return [(row.topic, row.payload) for row in rows if row.topic.startswith(prefix)]

    found = []
    for topic, payload in await ctx.read(body):
        one = orjson.loads(payload)
        order = await get_order(ctx, UUID(one["order"]))
        assert one == {"order_id": order.id, "order": str(order.external_reference)}
        found.append((topic, order.id))
    return found


def event(topic: str, order_id: int) -> tuple[str, int]:
    """What is told of an order, whose reference is left out."""
    return topic, order_id


async def last_audit(ctx: Context) -> Any:
    """The newest entry of the program's audit trail."""

    def body(tx: Connection) -> Any:
        own = select(audit_entry).where(audit_entry.c.program_id == ctx.principal.program)
        return tx.execute(own.order_by(audit_entry.c.seq.desc()).limit(1)).one()

    return await ctx.read(body)
