"""The figures of a member's account."""

from datetime import datetime

import strawberry

from resolvers.balance import Balance as BalanceRow
from schema.context import RequestContext
from schema.scalar import Points


@strawberry.type(description="The figures of a member's account now. Points that are due count as expired.")
class Balance:
    available: Points = strawberry.field(
        description="What can be redeemed; negative while `arrears` outweigh what the account holds."
    )
    pending: Points = strawberry.field(description="Earned, but not released yet.")
    held: Points = strawberry.field(description="Reserved by holds that are pending; counts in `redeemed` as well.")
    arrears: Points = strawberry.field(
        description="What the member owes after a refund of points that were spent: later credits repay it first."
    )
    total: Points = strawberry.field(
        description="`available` and `pending`: spend + bonus + partner + purchased + other - redeemed - expired."
    )
    spend: Points = strawberry.field(description="Earned by spending, over the whole life of the account.")
    bonus: Points = strawberry.field(description="Earned as a bonus, over the whole life of the account.")
    partner: Points = strawberry.field(description="Earned with partners, over the whole life of the account.")
    purchased: Points = strawberry.field(description="Bought, over the whole life of the account.")
    other: Points = strawberry.field(
        description="Received from other members, or given by adjustments, over the whole life of the account."
    )
    redeemed: Points = strawberry.field(
        description="Redeemed and not reversed, held, sent to other members, or taken by adjustments."
    )
    expired: Points = strawberry.field(description="Expired, over the whole life of the account.")
    next_expiry_at: datetime | None = strawberry.field(
        description="When points expire next: from this instant on they are gone. Null: none of them ever do."
    )
    next_expiring_points: Points = strawberry.field(description="How many points expire at `nextExpiryAt`.")


def to_balance(row: BalanceRow, context: RequestContext) -> Balance:
    """A balance as callers see it."""
    return Balance(
        available=Points(row.available),
        pending=Points(row.pending),
        held=Points(row.held),
        arrears=Points(row.arrears),
        total=Points(row.total),
        spend=Points(row.spend),
        bonus=Points(row.bonus),
        partner=Points(row.partner),
        purchased=Points(row.purchased),
        other=Points(row.other),
        redeemed=Points(row.redeemed),
        expired=Points(row.expired),
        next_expiry_at=context.local_or_none(row.next_expiry_at),
        next_expiring_points=Points(row.next_expiring_points),
    )
