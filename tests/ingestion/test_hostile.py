"""Values that nobody should send: each costs its own row, none stops the file."""

import csv
import io
import random

import pytest

from ingestion.columns.row import IDEMPOTENCY_KEY
from tests.ingestion.desk import MEMBERS, TXN_HEADER, Desk, points_of

NASTY = [
    "x" * 101,
    # Beyond what a database keeps in an index, and nothing that it could pack.
    random.Random(1).randbytes(20_000).hex(),
    "\x01\x02",
    "\u202e\u0000"[:1],
    "a\nb",
    "\u0661\u0662",
    "9" * 15,
    "9" * 40,
    "-0",
    "0." + "1" * 30,
    "1e400",
    "nan",
    "\ud7ff\ufffd\U0010ffff",
    "e\u0301",
    "'; DROP TABLE member; --",
    "=1+1",
    "0001-01-01",
    "9999-12-31",
    "2026-03-08T02:30:00",
    "null",
    " ",
    "\u00a0",
]


def file_of(header: list[str], good: dict[str, str]) -> str:
    """A row for each nasty value in each column, and a good row after each."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    number = 0
    for column in header:
        for value in NASTY:
            for row in ({**good, column: value}, good):
                number += 1
                writer.writerow([row[key].replace("#", str(number)) for key in header])
    return text.getvalue()


TXN_GOOD = dict(zip(TXN_HEADER.split(","), ["T#", "DR", "1", "2026-07-01", "M1", "MUSIC"], strict=True))


@pytest.mark.parametrize("extra", [IDEMPOTENCY_KEY, "quantity", "sub_product_code"])
async def test_no_value_stops_a_transaction_file(desk: Desk, extra: str) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    good = TXN_GOOD | {extra: {IDEMPOTENCY_KEY: "K#", "quantity": "1", "sub_product_code": "CD"}[extra]}
    loaded = await desk.load("July_TXN.csv", file_of([*TXN_HEADER.split(","), extra], good))
    results = desk.results("July_TXN")
    assert [row["status"] for row in results[1::2]] == ["ACCEPTED"] * (len(results) // 2)
    assert {row["code"] for row in results} <= {"000", "103", "105", "106", "201", "998", "999", "1201"}
    given = sum(spend + bonus for spend, bonus in (await points_of(desk)).values())
    assert given == loaded.totals.awarded == loaded.batch.points


async def test_no_value_stops_a_member_file(desk: Desk) -> None:
    good = {
        "relation_reference": "R#",
        "full_name": "A",
        "email_id": "a#@example.org",
        "mobile_number": "+12345#",
        "address": "B",
        "gender": "F",
        "dob": "1990-01-01",
        "preferred_language": "en",
        "status": "1",
        "genre": "jazz",
        "action": "NEW",
    }
    loaded = await desk.load("July_CPD.csv", file_of(list(good), good))
    results = desk.results("July_CPD")
    assert [row["status"] for row in results[1::2]] == ["ACCEPTED"] * (len(results) // 2)
    assert {row["code"] for row in results} <= {"000", "106", "998", "999", "1201", "1205", "1206"}
    assert loaded.batch.rows_read == len(results) == 2 * len(NASTY) * len(good)
