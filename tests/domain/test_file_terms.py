"""When exports are due, on the program's clocks."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from domain.file_terms import ScheduledExport
from domain.rules.parse import ConfigurationInvalid, parse_file

BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")


def utc(day: int, hour: int, minute: int = 0, month: int = 7) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (utc(10, 0), utc(10, 0)),
        (utc(9, 23, 59), utc(9, 0)),
        (utc(10, 12), utc(10, 0)),
        # The clocks jump over 2:30 on 29 March, and show it twice on 25 October.
        (utc(29, 1, 0, month=3), utc(29, 1, 0, month=3)),
        (utc(29, 0, 59, month=3), utc(28, 1, 30, month=3)),
        (utc(25, 1, 45, month=10), utc(25, 0, 30, month=10)),
    ],
)
def test_daily(now: datetime, due: datetime) -> None:
    at = time(2) if now.month == 7 else time(2, 30)
    assert ScheduledExport(kind="members", at=at).due_at(now, BERLIN) == due


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (utc(10, 12, 15), utc(10, 12, 15)),
        (utc(10, 12, 14), utc(10, 11, 15)),
        (utc(25, 0, 20, month=10), utc(25, 0, 15, month=10)),
        (utc(25, 1, 20, month=10), utc(25, 1, 15, month=10)),
    ],
)
def test_hourly(now: datetime, due: datetime) -> None:
    assert ScheduledExport(kind="members", every="hourly", at=time(7, 15)).due_at(now, BERLIN) == due


def test_hourly_where_clocks_are_half_an_hour_off() -> None:
    assert ScheduledExport(kind="members", every="hourly").due_at(utc(10, 12, 40), KOLKATA) == utc(10, 12, 30)


def test_what_a_configuration_leaves_out() -> None:
    files = parse_file(b"version: 1\nfiles: {exports: [{kind: lots}, {kind: attributes}]}").files
    assert files.exports == (ScheduledExport(kind="lots"), ScheduledExport(kind="attributes", since_last=False))


@pytest.mark.parametrize(
    ("exports", "path"),
    [
        ("[{kind: lots}, {kind: lots, every: hourly}]", "files.exports[1].kind"),
        ("[{kind: attributes, since_last: true}]", "files.exports[0].since_last"),
        ("[{kind: everything}]", "files.exports[0].kind"),
        ('[{kind: lots, at: "24:00"}]', "files.exports[0].at"),
        ("[{every: daily}]", "files.exports[0].kind"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(exports: str, path: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        parse_file(f"version: 1\nfiles: {{exports: {exports}}}".encode())
    assert [problem.path for problem in refused.value.problems] == [path]
