"""How points, dates and the envelope look on the wire."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from domain.errors import DuplicateRecord, InvalidRequest
from rest_compat.envelope import Answer, Family, local_time, render, render_answer, render_error

ZONE = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("points", "shown"),
    [
        ("0", b"0"),
        ("-0", b"0"),
        ("0.00", b"0"),
        ("100", b"100"),
        ("1E+2", b"100"),
        ("10.50", b"10.5"),
        ("-0.01", b"-0.01"),
        ("1000000000000000", b"1000000000000000"),
        ("9007199254740993", b"9007199254740993"),
        ("1E-7", b"0.0000001"),
    ],
)
def test_points_are_plain_numbers(points: str, shown: bytes) -> None:
    assert render({"Points": Decimal(points)}) == b'{"Points":' + shown + b"}"


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (datetime(2026, 2, 3, 5, 46, 3, 703_000, tzinfo=UTC), "2026-02-03T11:16:03.703"),
        (datetime(2026, 2, 3, 5, 46, 3, tzinfo=UTC), "2026-02-03T11:16:03"),
        (datetime(2026, 2, 3, 5, 46, 3, 999, tzinfo=UTC), "2026-02-03T11:16:03"),
        (datetime(2026, 2, 3, 5, 46, 3, 50_999, tzinfo=UTC), "2026-02-03T11:16:03.050"),
        (datetime(2025, 12, 31, 18, 30, tzinfo=UTC), "2026-01-01T00:00:00"),
    ],
)
def test_dates_are_local_without_a_zone(instant: datetime, shown: str) -> None:
    assert local_time(instant, ZONE) == shown


def test_the_five_fields_stand_in_the_published_order() -> None:
    assert (
        render_answer(Answer(return_object=Decimal("1.50"), count=2), Family.V1)
        == b'{"IsSucessful":true,"ErrorCode":"000","ExceptionMessage":"Success","ReturnObject":1.5,"Count":2}'
    )
    assert render_answer(Answer(return_object=True), Family.LBMS).startswith(b'{"results":{"IsSucessful":true,')


def test_a_refusal_has_the_code_of_its_family() -> None:
    assert render_error(DuplicateRecord(), Family.V1) == (
        b'{"IsSucessful":false,"ErrorCode":"1201","ExceptionMessage":"Duplicate record","ReturnObject":null,"Count":0}'
    )
    assert b'"ErrorCode":"E201"' in render_error(DuplicateRecord(), Family.LBMS)


def test_details_follow_the_published_text() -> None:
    assert b'"Invalid request (Points: is out of range)"' in render_error(
        InvalidRequest("Points: is out of range"), Family.V1
    )
