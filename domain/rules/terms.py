"""What a program says about itself and about referrals: plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from domain.points import to_minor

ReversalOfExpired = Literal["extend", "forfeit", "original"]
RefundPolicy = Literal["negative", "floor", "refuse"]
PendingValidity = Literal["earning", "release"]

MOST_QUEUED = 100_000
"""More readable transactions than this do not fit into the 8 MiB that one submission may have."""

REDEMPTION_TYPES: Mapping[int, str] = {
    4: "points transfer",
    5: "hotel",
    6: "air",
    19: "charity",
    30: "gift card",
}
"""The published redemption types; a program's own are added to them."""


_HUNDREDTH = Decimal("0.01")
NO_CURRENCY = "DEFAULT"
"""What stands for the currency where the configuration names none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgramTerms:
    """What a program says about itself. `redemption_minimum` in points, 0 for none.

    `accrual_cap_per_month` in whole points; adjustments of at least `adjustment_approval_from` points need
    a second administrator, None for never. `otp_sends_per_address` in an hour, 0 for no limit.
    `default_merchant` None: the program's name. `queue_limit`: most transactions that one submission may
    queue. `expiry_reminder_days` before points expire it is told, None for never. `allowed_origins`: whose pages may
    call GraphQL; `sign_in_url`: the page that links for signing in lead to.
    `approvals`: what a second administrator has to approve (`domain.change_request`).
    """

    time_zone: str = "UTC"
    currency: str = NO_CURRENCY
    points_decimals: int = 0
    rounding: Literal["half_up"] = "half_up"
    redemption_rate: Decimal = Decimal(100)
    redemption_minimum: Decimal = Decimal(0)
    token_minutes: int = 30
    token_renewal_margin_s: int = 30
    require_key: bool = False
    duplicate_window_s: int = 0
    unique_transaction_id: bool = True
    accrue_cancelled: bool = False
    ignore_unknown_attributes: bool = False
    ignore_unknown_attributes_lbms: bool = True
    lbms_http_200_for_business_errors: bool = False
    default_merchant: str | None = None
    default_loyalty_txn_type: int = 30
    redemption_types: Mapping[int, str] = field(default_factory=lambda: dict(REDEMPTION_TYPES))
    reversal_of_expired: ReversalOfExpired = "extend"
    reversal_grace_days: int = 30
    accrual_cap_per_month: int | None = None
    refund_policy: RefundPolicy = "negative"
    adjustment_approval_from: Decimal | None = None
    pending_validity: PendingValidity = "earning"
    park_days: int = 90
    expiry_reminder_days: int | None = None
    otp_length: int = 6
    otp_channel: Literal["email", "sms"] = "email"
    otp_sends_per_address: int = 20
    rate_limit_per_second: int | None = None
    rate_burst: int | None = None
    member_rate_limit_per_second: int | None = None
    member_rate_burst: int | None = None
    queue_limit: int = MOST_QUEUED
    allowed_origins: tuple[str, ...] = ()
    sign_in_url: str | None = None
    approvals: tuple[str, ...] = ()

    @property
    def redemption_minimum_minor(self) -> int:
        """The minimum in smallest units."""
        return to_minor(self.redemption_minimum, self.points_decimals)

    def worth(self, points: Decimal) -> Decimal:
        """What points are worth in the program's currency, to hundredths."""
        return (points / self.redemption_rate).quantize(_HUNDREDTH)

    @property
    def adjustment_approval_from_minor(self) -> int | None:
        """The first adjustment that needs approval, in smallest units."""
        limit = self.adjustment_approval_from
        return None if limit is None else to_minor(limit, self.points_decimals)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralTerms:
    """What a referral gives, in whole points; `max_per_referrer` None for no limit."""

    enabled: bool = False
    reward_on: Literal["activation", "first_transaction"] = "activation"
    referrer_points: int = 0
    referee_points: int = 0
    max_per_referrer: int | None = None
