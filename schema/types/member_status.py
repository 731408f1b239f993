"""The statuses of members."""

from enum import Enum

import strawberry


@strawberry.enum(description="What a member may do.")
class MemberStatus(Enum):
    ACTIVE = strawberry.enum_value(1, description="Earns and redeems (1).")
    SUSPENDED = strawberry.enum_value(2, description="Neither earns nor redeems (2).")
    LOGIN_BLOCKED = strawberry.enum_value(3, description="Earns, but does not redeem (3).")
    CANCELLED = strawberry.enum_value(4, description="Closed for good (4).")
    INACTIVE = strawberry.enum_value(5, description="Earns, but does not redeem, until activated (5).")
    MEMBERSHIP_BLOCKED = strawberry.enum_value(6, description="Neither earns nor redeems (6).")
