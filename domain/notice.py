"""Messages about what happened to a member: by which event of a template, and what may stand in braces. Pure."""

from collections.abc import Mapping

NOTICES: Mapping[str, tuple[str, ...]] = {
    "ENROLLED": (),
    "EARNED": ("points", "balance"),
    "REDEEMED": ("points", "balance", "merchant"),
    "REVERSED": ("points", "balance", "merchant"),
    "EXPIRING": ("points", "expires_on"),
    "EXPIRED": ("points", "balance"),
    "TIER": ("tier",),
    "ORDER.PLACED": ("order",),
    "ORDER.FULFILLED": ("order",),
    "ORDER.FAILED": ("order",),
    "ORDER.CANCELLED": ("order",),
}
"""Events of templates that speak of what happened, with the names that they have besides those of all."""
FOR_ALL = ("name", "program")

NOTICE_OF: Mapping[str, str] = {
    "member.enrolled": "ENROLLED",
    "points.earned": "EARNED",
    "points.redeemed": "REDEEMED",
    "redemption.reversed": "REVERSED",
    "expiry.reminder": "EXPIRING",
    "points.expired": "EXPIRED",
    "member.tier_changed": "TIER",
    "order.placed": "ORDER.PLACED",
    "order.fulfilled": "ORDER.FULFILLED",
    "order.failed": "ORDER.FAILED",
    "order.cancelled": "ORDER.CANCELLED",
}
"""By which event of a template a topic of the outbox is told."""

SAMPLES: Mapping[str, str] = {
    "name": "Ada Lovelace",
    "program": "Our program",
    "points": "120",
    "balance": "1480",
    "merchant": "Main Street",
    "expires_on": "2030-12-31",
    "tier": "Gold",
    "order": "6f9619ff-8b86-4011-b42d-00cf4fc964ff",
    "code": "123456",
    "minutes": "5",
    "link": "https://example.com/sign-in?token=sample",
}
"""What stands in braces where somebody looks at a template."""
