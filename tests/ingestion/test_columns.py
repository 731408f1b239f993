"""From columns to commands."""

from datetime import datetime
from decimal import Decimal

import pytest

from domain.errors import BatchRefused, TesseraError
from ingestion.columns import accept_header, translator
from resolvers.batch import FileLayout
from resolvers.batch_line import Command
from resolvers.member import ImportMember
from resolvers.transaction import SubmitTransaction

REQUIRED = ["transaction_id", "transaction_type", "amount", "transaction_date", "member_relation_reference"]
STRICT = FileLayout(type="TXN", custom_keys=frozenset({"quantity"}), ignore_unknown=False)
LENIENT = FileLayout(type="TXN", custom_keys=frozenset({"quantity"}), ignore_unknown=True)
MEMBERS = FileLayout(type="CPD", custom_keys=frozenset({"genre"}), ignore_unknown=False)


def transaction(fields: dict[str, str]) -> Command | TesseraError:
    """What a row with these fields becomes."""
    columns = accept_header(list(fields), STRICT)
    return translator(columns, "July_TXN.csv")(7, list(fields.values()), b"").command


GOOD = dict(zip(REQUIRED, ["T1", "DR", "29.33", "2026-07-01", "M1"], strict=True))


def test_a_transaction_row_becomes_the_command_of_the_api() -> None:
    extra = {
        "product_code": "MUSIC",
        "quantity": "5",
        "_xoxo_api_client_idempotency": "K",
        "sub_product_code": "",
    }
    assert transaction(GOOD | extra) == SubmitTransaction(
        transaction_id="T1",
        transaction_type="DR",
        amount=Decimal("29.33"),
        transaction_date=datetime(2026, 7, 1),  # noqa: DTZ001 - local time of the program
        member_relation_reference="M1",
        product_code="MUSIC",
        attributes={"quantity": "5"},
        idempotency_key="K",
        source="file:July_TXN.csv:7",
    )


def test_a_card_or_an_identifier_may_stand_in_place_of_the_reference() -> None:
    named = {key: value for key, value in GOOD.items() if key != "member_relation_reference"}
    for column in ("card_number", "sub_relation_identifier"):
        command = transaction(named | {column: "4711"})
        assert isinstance(command, SubmitTransaction)
        assert (command.member_relation_reference, getattr(command, column)) == (None, "4711")
    with pytest.raises(BatchRefused, match="missing columns: member_relation_reference"):
        transaction(named)


def test_columns_may_come_in_any_order() -> None:
    assert transaction(dict(reversed(GOOD.items()))) == transaction(GOOD)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-07-01T10:30", "2026-07-01T10:30:00"),
        ("2026-07-01 10:30:15.5", "2026-07-01T10:30:15.500000"),
        ("2026-07-01T10:30:15Z", "2026-07-01T10:30:15+00:00"),
        ("2026-07-01T10:30:15+02:00", "2026-07-01T08:30:15+00:00"),
    ],
)
def test_a_date_may_have_a_time_and_a_zone(text: str, moment: str) -> None:
    command = transaction(GOOD | {"transaction_date": text})
    assert isinstance(command, SubmitTransaction)
    assert command.transaction_date.isoformat() == moment


@pytest.mark.parametrize(
    ("column", "value"),
    [(column, "") for column in REQUIRED]
    + [("amount", text) for text in ("x", "1e9", "٣", "1,5", "NaN", "Infinity", "1_000", "0x1", "--1", "1" * 40)]
    + [
        ("transaction_date", text)
        for text in (
            "x",
            "2026-02-30",
            "20260701",
            "01/07/2026",
            "2026-W01-1",
            "٢٠٢٦-07-01",
            "2026-07-01T25:00",
        )
    ],
)
def test_a_value_that_cannot_be_read_is_refused_by_its_name(column: str, value: str) -> None:
    refusal = transaction(GOOD | {column: value})
    assert isinstance(refusal, TesseraError)
    assert (refusal.code, refusal.field) == ("999", column)
    assert refusal.text.startswith(f"Bad request ({column}: ")


def test_a_member_row_becomes_an_import() -> None:
    header = ["relation_reference", "full_name", "genre", "action"]
    translate = translator(accept_header(header, MEMBERS), "x_CPD.csv")
    assert translate(2, ["M1", "Ada", "jazz", "suspend"], b"").command == ImportMember(
        values={"relation_reference": "M1", "full_name": "Ada", "genre": "jazz"}, action="SUSPEND"
    )
    assert translate(2, ["M1", "", "", ""], b"").command == ImportMember(values={"relation_reference": "M1"})
    for fields, field in ((["", "Ada", "", ""], "relation_reference"), (["M1", "", "", "DELETE"], "action")):
        refusal = translate(2, fields, b"").command
        assert isinstance(refusal, TesseraError)
        assert refusal.field == field


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ([*REQUIRED, "Quantity"], "unknown columns: Quantity"),
        ([*REQUIRED, ""], "unknown columns"),
        ([*REQUIRED, "amount"], "columns that stand twice: amount"),
        (REQUIRED[1:], "missing columns: transaction_id"),
        ([*REQUIRED, "=cmd|' /C calc'!A0"], "unknown columns"),
        ([*REQUIRED, *(f"u{number}" for number in range(9))], "u4 and 4 more"),
    ],
)
def test_a_header_that_is_not_the_programs_refuses_the_file(header: list[str], reason: str) -> None:
    with pytest.raises(BatchRefused, match=reason) as refused:
        accept_header(header, STRICT)
    assert refused.value.code == "1301"


def test_a_program_may_ignore_unknown_columns() -> None:
    columns = accept_header([*REQUIRED, "colour", "quantity"], LENIENT)
    assert columns.ignored == ("colour",)
    command = translator(columns, "x_TXN.csv")(2, [*GOOD.values(), "red", "5"], b"").command
    assert isinstance(command, SubmitTransaction)
    assert command.attributes == {"quantity": "5"}
    with pytest.raises(BatchRefused, match="missing columns"):
        accept_header([*REQUIRED[1:], "colour"], LENIENT)
