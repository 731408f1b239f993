"""Names of batch files."""

import pytest

from domain.errors import BatchRefused
from ingestion.naming import FILE_TYPES, parse_file_name, safe_stem


@pytest.mark.parametrize(
    ("name", "stem", "file_type", "is_gzip"),
    [
        ("July_Transactions_TXN.csv", "July_Transactions_TXN", "TXN", False),
        ("members-2026-07_CPD.txt", "members-2026-07_CPD", "CPD", False),
        ("TXN.csv", "TXN", "TXN", False),
        ("july_txn.CSV", "july_txn", "TXN", False),
        ("July_TXN.csv.gz", "July_TXN", "TXN", True),
        ("A" * 47 + "TXN.csv", "A" * 47 + "TXN", "TXN", False),
    ],
)
def test_a_good_name_says_what_the_file_holds(name: str, stem: str, file_type: str, is_gzip: bool) -> None:
    parsed = parse_file_name(name)
    assert (parsed.name, parsed.stem, parsed.type, parsed.is_gzip) == (name, stem, file_type, is_gzip)


@pytest.mark.parametrize(
    "name",
    [
        "A" * 48 + "TXN.csv",
        "July TXN.csv",
        "Jülı_TXN.csv",
        "July_TXN",
        "July_TXN.pdf",
        "July_TXN.zip",
        "July_TXN.csv.exe",
        "July_TXN.txt.gz",
        "July.TXN.csv",
        "../July_TXN.csv",
        "July/TXN.csv",
        "July_TXN.csv\n",
        "TXN_July.csv",
        "July.csv",
        ".csv",
        "",
        "July_TXN.csv\0",
        "=TXN.csv",
        "TXN٣TXN.csv",
    ],
)
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(BatchRefused) as refused:
        parse_file_name(name)
    assert refused.value.code == "1301"
    assert refused.value.field == "name"


def test_a_type_that_is_named_needs_no_stem_that_ends_in_it() -> None:
    assert parse_file_name("July.csv", "TXN").type == "TXN"
    with pytest.raises(BatchRefused, match="a type is one of"):
        parse_file_name("July.csv", "XYZ")


@pytest.mark.parametrize("file_type", FILE_TYPES)
def test_every_type_is_read_from_a_name_in_any_case(file_type: str) -> None:
    for stem in (f"July_{file_type}", f"july{file_type.lower()}", file_type):
        assert parse_file_name(f"{stem}.csv").type == file_type
        assert parse_file_name(f"{stem}.TXT").type == file_type


@pytest.mark.parametrize(
    ("name", "stem"),
    [("../../etc/passwd", "unnamed"), ("a b.csv", "a_b"), ("x" * 80, "x" * 50), ("é=TXN.csv", "__TXN")],
)
def test_the_handback_of_a_refused_name_cannot_lead_elsewhere(name: str, stem: str) -> None:
    assert safe_stem(name) == stem
