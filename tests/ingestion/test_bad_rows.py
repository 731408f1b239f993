"""Every kind of bad row that the documentation lists: loaded, told with its line, corrected, and sent again."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingestion.lines import MAX_RECORD_BYTES
from resolvers.program import apply_configuration
from resolvers.verification import verify_ledger
from tests.ingestion.desk import Desk, open_desk

DOCS = Path(__file__).parents[2] / "docs" / "files.md"
TABLE = re.compile(
    r"^\| (?P<type>[A-Z]{3}|all) \| (?P<mistake>.+?) \| (?P<example>.*?) \| `(?P<code>\d+)` \| (?P<message>.+?) \|$"
)

RULES = b"""
version: 1
program: {time_zone: Europe/London}
product_codes: [{code: MUSIC, sub_codes: [CD]}]
transaction_attributes:
  - {key: quantity, name: Quantity, type: int}
  - {key: shop, name: Shop, type: selection, values: [north, south], mandatory: true}
member_attributes:
  - {key: size, name: Size, type: int}
  - {key: genre, name: Genre, type: selection, values: [jazz, rock]}
  - {key: club_id, name: Club id, type: string, unique: true}
  - {key: country, name: Country, type: string, mandatory: true, max_length: 2}
rule_groups:
  - {name: Base, rules: [{name: A point, award: {type: per_unit, of: transaction.amount, points: 1, per: 1}}]}
  - name: Many
    rules: [{name: Five, when: {attribute: transaction.quantity, op: gte, value: 5}, award: {type: flat, points: 1}}]
"""
WORLD = {
    "World_CPD.csv": "relation_reference,status,email_id,mobile_number,club_id,country\n"
    "known,1,known@example.com,+441234500001,C-1,GB\nother,1,,,,GB\n"
    "cancelled,4,,,,GB\nsuspended,2,,,,GB\nblocked,6,,,,GB\n",
    "World_CRD.csv": "member_relation_reference,card_number,sub_relation_identifier\n"
    "known,1111,\nknown,2222,two\nknown,4444,\nother,4444,\n",
    "World_TXN.csv": "transaction_id,transaction_type,amount,transaction_date,member_relation_reference,product_code,"
    "shop,_xoxo_api_client_idempotency\nT-1,DR,10,2026-07-01,other,MUSIC,north,\nT-2,DR,10,2026-07-01,known,MUSIC,north,key\n",
    "World_BNS.csv": "member_relation_reference,bonus_points,_xoxo_api_client_idempotency\nknown,5,key\n",
}
GOOD: Mapping[str, str] = {
    "CPD": "relation_reference=N{i};full_name=Name;email_id=n{i}@example.com;mobile_number=+44200000{i:04};gender=;"
    "dob=;status=1;size=;genre=;club_id=;country=GB;action=",
    "CRD": "member_relation_reference=known;card_number=50000{i};sub_relation_identifier=;sub_relation_type=;"
    "last_six_digits=;product_code=;expiry_date=;status=",
    "TXN": "transaction_id=N{i};transaction_type=DR;amount=1;transaction_date=2026-07-01;"
    "member_relation_reference=known;card_number=;sub_relation_identifier=;product_code=MUSIC;sub_product_code=;quantity=;shop=north;"
    "_xoxo_api_client_idempotency=",
    "BNS": "member_relation_reference=known;bonus_points=1;bonus_type=;award_date=;expiry_date=;narration=;"
    "_xoxo_api_client_idempotency=",
    "ATT": "entity=member;key=n{i};name=Name;data_type=string;mandatory=;unique=;pi=;selection_values=",
}
RAW: Mapping[str, bytes] = {
    "another number of columns than the header": b"1,2",
    "not UTF-8": b"\xff",
    "a NUL byte": b"\0",
    "a quote that is not closed": b'"x',
    "a letter after a closing quote": b'"x"y',
    "a blank before a quote": b'x, "y"',
    "longer than 64 KiB": b"x" * (MAX_RECORD_BYTES + 1),
    "a carriage return in the middle": b"x\ry",
}
"""What a row is that no columns can be told of."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line of the table."""

    type: str
    mistake: str
    example: str
    code: str
    message: str


def documented() -> list[BadRow]:
    """The table of the documentation."""
    found = (TABLE.match(line) for line in DOCS.read_text().splitlines())
    return [BadRow(**match.groupdict()) for match in found if match is not None]


def values(text: str) -> dict[str, str]:
    """Columns and values as the table writes them; what cannot be seen stands as an escape."""
    pairs = (one.partition("=") for one in text.split(";"))
    return {key: re.sub(r"\\u(....)", lambda m: chr(int(m[1], 16)), value) for key, _, value in pairs}


def row_of(file_type: str, number: int, example: str = "") -> bytes:
    """A good row, with the values of an example in place of its own."""
    good = values(GOOD[file_type].format(i=number))
    text = io.StringIO()
    # The quotes of an example are its own.
    csv.writer(text, lineterminator="").writerow((good | (values(example) if example else {})).values())
    return text.getvalue().encode()


def bad_row(one: BadRow, file_type: str, number: int) -> bytes:
    """The row that a line of the table is about."""
    if one.mistake not in RAW:
        return row_of(file_type, number, one.example.strip("`"))
    columns = len(values(GOOD[file_type]))
    # Two columns stand in the example of a blank before a quote.
    wanted = columns - RAW[one.mistake].count(b",")
    padding = b"" if one.mistake.startswith("another number") else b"," * (wanted - 1)
    return RAW[one.mistake] + padding


def of_type(file_type: str) -> list[BadRow]:
    return [one for one in documented() if one.type in {file_type, "all"}]


def lines_of(rows: Sequence[bytes]) -> Iterator[int]:
    """The line on which each row begins, after a header."""
    line = 2
    for row in rows:
        yield line
        line += row.count(b"\n") + 1


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A program with the members, cards and transactions that the examples name."""
    async with open_desk(database_url, tmp_path) as opened:
        await apply_configuration(opened.ctx, RULES, prune=True)
        for name, content in WORLD.items():
            assert (await opened.load(name, content)).batch.rejected == 0, opened.results(name.split(".")[0])
        yield opened


@pytest.mark.parametrize("file_type", GOOD)
async def test_each_documented_row_is_refused_as_documented_and_can_be_corrected(desk: Desk, file_type: str) -> None:
    kinds = of_type(file_type)
    header, columns = ",".join(values(GOOD[file_type])).encode(), len(values(GOOD[file_type]))
    rows: list[bytes] = []
    for number, one in enumerate(kinds):
        rows += [bad_row(one, file_type, number), row_of(file_type, 500 + number)]
    before = await desk.counts()
    loaded = await desk.load(f"Night_{file_type}.csv", b"\n".join([header, *rows, b""]))
    results = desk.results(f"Night_{file_type}")
    told = [(int(one["line"]), one["status"], one["code"], one["message"]) for one in results]
    expected: list[tuple[object, ...]] = []
    for line, kind in zip(lines_of(rows), [kind for one in kinds for kind in (one, None)], strict=True):
        if kind is None:
            expected.append((line, "ACCEPTED", "000"))
        else:
            expected.append((line, "REJECTED", kind.code, kind.message.replace(" has N)", f" has {columns})")))
    assert [one if one[1] == "REJECTED" else one[:3] for one in told] == expected
    assert (loaded.batch.accepted, loaded.batch.rejected) == (len(kinds), len(kinds))

    bad = [row for row, kind in zip(rows[::2], kinds, strict=True) if not kind.mistake.startswith("longer")]
    assert all(row in desk.rejects(f"Night_{file_type}") for row in bad)
    corrected = [row_of(file_type, number) for number in range(len(kinds))]
    again = await desk.load(f"Night_corrected_{file_type}.csv", b"\n".join([header, *corrected, b""]))
    assert again.batch.rejected == 0, desk.results(f"Night_corrected_{file_type}")
    after = await desk.counts()
    table = {"CPD": "member", "CRD": "sub_relation", "TXN": "member_transaction", "ATT": "attribute_proposal"}
    name = table.get(file_type, "ledger_entry")
    assert after[name] - before[name] == 2 * len(kinds)
    assert await verify_ledger(desk.ctx.services) == []


def test_every_type_has_its_rows() -> None:
    assert {one.type for one in documented()} == {*GOOD, "all"}
    assert {one.mistake for one in documented() if one.type == "all"} == set(RAW)
