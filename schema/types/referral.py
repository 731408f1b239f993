"""What came of a member's referral code."""

import strawberry

from resolvers.referral import Referrals as ReferralsRow
from schema.scalar import Points


@strawberry.type(description="What came of a member's referral code.")
class Referrals:
    count: int = strawberry.field(description="How many members were enrolled with the code.")
    rewarded: int = strawberry.field(
        description="How many of them became active, or bought for the first time, as the program's terms have it."
    )
    points: Points = strawberry.field(description="The points that the member got for them.")


def to_referrals(row: ReferralsRow) -> Referrals:
    """The figures as callers see them."""
    return Referrals(count=row.count, rewarded=row.rewarded, points=Points(row.points))
