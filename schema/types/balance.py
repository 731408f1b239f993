"""The figures of a member's account."""

from datetime import datetime

import strawberry

from resolvers.balance import Balance as BalanceRow
from schema.context import RequestContext
from schema.scalar import Points


@strawberry.type(description="The figures of a member's account now. Points that are due count as expired.")
class Balance:
    available: Points = strawberry.field(description="What can be redeemed: spend + bonus - redeemed - expired.")
    spend: Points = strawberry.field(description="Earned by spending, over the whole life of the account.")
    bonus: Points = strawberry.field(description="Earned as a bonus, over the whole life of the account.")
    redeemed: Points = strawberry.field(description="Redeemed and not reversed, over the whole life of the account.")
    expired: Points = strawberry.field(description="Expired, over the whole life of the account.")
    next_expiry_at: datetime | None = strawberry.field(
        description="When points expire next: from this instant on they are gone. Null: none of them ever do."
    )
    next_expiring_points: Points = strawberry.field(description="How many points expire at `nextExpiryAt`.")


def to_balance(row: BalanceRow, context: RequestContext) -> Balance:
    """A balance as callers see it."""
    return Balance(
        available=Points(row.available),
        spend=Points(row.spend),
        bonus=Points(row.bonus),
        redeemed=Points(row.redeemed),
        expired=Points(row.expired),
        next_expiry_at=context.local_or_none(row.next_expiry_at),
        next_expiring_points=Points(row.next_expiring_points),
    )
