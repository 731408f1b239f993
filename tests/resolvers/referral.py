"""What the tests of referrals share: terms, codes, purchases, and what came of them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from domain.models import outbox
from resolvers.context import Context
from resolvers.member import EnrollMember, Member, enroll_member, get_member
from resolvers.program import apply_configuration
from resolvers.transaction import SubmitTransaction
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import balance

TERMS = {"enabled": True, "reward_on": "activation", "referrer_points": 100, "referee_points": 40}
ON_PURCHASE = {"reward_on": "first_transaction"}


async def allow(ctx: Context, **terms: Any) -> None:
    await apply_configuration(ctx, json.dumps({"version": 1, "referrals": TERMS | terms}).encode())


async def code_of(ctx: Context, reference: str) -> str:
    code = (await get_member(ctx, reference)).referral_code
    assert code is not None
    return code


async def bring(ctx: Context, reference: str, code: str, **values: Any) -> Member:
    command = EnrollMember(values={"relation_reference": reference, **values}, referral_code=code)
    return (await enroll_member(ctx, command)).member


def purchase(reference: str, name: str | None = None, amount: int = 10, kind: str = "DR") -> SubmitTransaction:
    return SubmitTransaction(
        transaction_id=name or f"T-{reference}",
        transaction_type=kind,
        amount=Decimal(amount),
        transaction_date=datetime(2026, 2, 3, tzinfo=UTC),
        member_relation_reference=reference,
    )


async def bonus(ctx: Context, *references: str) -> list[int]:
    return [int((await balance(ctx, one)).bonus) for one in references]


async def rewarded_events(shop: Shop) -> Sequence[dict[str, int]]:
    def body(tx: Connection) -> list[dict[str, int]]:
        rows = tx.scalars(select(outbox.c.payload).where(outbox.c.topic == "referral.rewarded").order_by(outbox.c.id))
        return [json.loads(row) for row in rows]

    return await shop.services.db.read(body)
