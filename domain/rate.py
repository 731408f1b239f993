"""Rate limits as token buckets: what one holds, and what a process that shares it got."""

import math
from dataclasses import dataclass

SECOND_NS = 1_000_000_000
SKEW_NS = 60 * SECOND_NS
"""A bucket that is full later than this beyond an empty one was written under a clock that was ahead."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket that holds `burst` requests, and regains one in `interval_ns`."""

    interval_ns: int
    burst: int

    @property
    def span_ns(self) -> int:
        """How long an empty bucket takes to be full again."""
        return self.interval_ns * self.burst

    @property
    def largest_slice(self) -> int:
        """Most that a process leases at once: a tenth of the bucket, and what it regains in a second."""
        return max(1, min(self.burst // 10, SECOND_NS // self.interval_ns))

    def opens_at(self, full_at: int) -> int:
        """When a bucket that will be full at `full_at` has a whole request."""
        return full_at - self.span_ns + self.interval_ns


def rate_per_second(limit: int | None, burst: int | None) -> Rate | None:
    """A limit in requests a second; None is no limit. Without a burst, two seconds' worth may come at once."""
    if limit is None:
        return None
    return Rate(SECOND_NS // limit, burst or 2 * limit)


def seconds_until(instant_ns: int, now_ns: int) -> int:
    """Whole seconds until then, rounded up, at least one."""
    return max(1, math.ceil((instant_ns - now_ns) / SECOND_NS))


@dataclass(frozen=True, slots=True)
class Lease:
    """What a process was granted of a bucket, and when the bucket would be full again, in nanoseconds."""

    granted: int
    full_at: int
