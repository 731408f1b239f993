"""When partners' servers are visited, and which addresses are nobody's business."""

from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_address
from zoneinfo import ZoneInfo

import pytest

from domain.network import is_allowed, read_networks
from domain.partner_server import PartnerServer

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)


def server(**terms: object) -> PartnerServer:
    """A server that is visited on these terms."""
    given = {"name": "Bank", "host": "a.example", "username": "u", "host_key": "SHA256:"} | terms
    return PartnerServer(**given)  # type: ignore[arg-type]


def test_a_visit_comes_after_its_minutes() -> None:
    assert server(every_minutes=15).next_visit(NOW, NEW_YORK) == NOW + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("now", "at", "expected"),
    [
        (NOW, time(8, 0), datetime(2026, 3, 7, 13, 0, tzinfo=UTC)),
        # What is due now was due: the next is tomorrow's.
        (NOW, time(7, 0), datetime(2026, 3, 8, 11, 0, tzinfo=UTC)),
        # Clocks go from 2 to 3: the end of the gap.
        (NOW, time(2, 30), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        # They go back from 2 to 1: the first of the two.
        (datetime(2026, 11, 1, 3, 0, tzinfo=UTC), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_a_daily_visit_is_at_the_programs_time(now: datetime, at: time, expected: datetime) -> None:
    assert server(daily_at=at).next_visit(now, NEW_YORK) == expected


def test_failures_wait_longer_each_time_and_never_longer_than_the_schedule() -> None:
    def minutes(one: PartnerServer) -> list[float]:
        found = [one.next_attempt(NOW, NEW_YORK, failures) - NOW for failures in range(1, 13)]
        return [wait.total_seconds() / 60 for wait in found]

    assert minutes(server(every_minutes=15)) == [1, 2, 4, 8, *[15] * 8]
    assert minutes(server(every_minutes=1)) == [1] * 12
    assert minutes(server(daily_at=time(6, 0)))[-3:] == [360] * 3


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("10.2.2.3", True),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - not bound
        ("224.0.0.1", False),
        ("::1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("2002:7f00:1::", False),
    ],
)
def test_no_spelling_of_an_address_leads_inside(address: str, allowed: bool) -> None:
    assert is_allowed(ip_address(address), read_networks("10.2.0.0/16, ")) is allowed
