"""The purchases that the demo is built from, and the two files that they become."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

PURCHASES = "CDNOW_sample.txt"
RULES = "demo_rules.yaml"
MEMBERS_FILE = "Demo_CPD.csv"
TRANSACTIONS_FILE = "Demo_TXN.csv"

_ZONE = ZoneInfo("America/New_York")


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """One line of the data set. `amount` in dollars, as it is written there."""

    line: int
    reference: str
    bought_on: date
    quantity: int
    amount: str


def demo_rules() -> bytes:
    """The configuration of the demo program."""
    return _package_data(RULES)


def read_purchases() -> list[Purchase]:
    """The data set: fixed width, one purchase a line."""
    lines = _package_data(PURCHASES).decode("ascii").splitlines()
    return [_purchase(number, line) for number, line in enumerate(lines, start=1)]


def year_shift(purchases: Iterable[Purchase], now: datetime) -> int:
    """By how many whole years the purchases move so that the last one lies within the last 12 months."""
    last = max(purchase.bought_on for purchase in purchases)
    today = now.astimezone(_ZONE).date()
    years = today.year - last.year
    return years if shifted(last, years) <= today else years - 1


def shifted(day: date, years: int) -> date:
    """The same day that many years later; 29 February becomes the 28th where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def write_members(folder: Path, purchases: Sequence[Purchase]) -> Path:
    """The member file: a row a customer. The data set knows no names, so the members have none either."""
    references = sorted({purchase.reference for purchase in purchases})
    rows = ((reference, f"Customer {reference[-4:]}", "1") for reference in references)
    return _write(folder / MEMBERS_FILE, ("relation_reference", "full_name", "status"), rows)


def write_transactions(folder: Path, purchases: Sequence[Purchase], years: int) -> Path:
    """The transaction file: a row a purchase, dates moved by `years`."""
    columns = (
        "transaction_id",
        "transaction_type",
        "transaction_date",
        "member_relation_reference",
        "product_code",
        "sub_product_code",
        "amount",
        "quantity",
    )
    rows = (
        (
            str(purchase.line),
            "DR",
            shifted(purchase.bought_on, years).isoformat(),
            purchase.reference,
            "MUSIC",
            "CD",
            purchase.amount,
            str(purchase.quantity),
        )
        for purchase in purchases
    )
    return _write(folder / TRANSACTIONS_FILE, columns, rows)


def members_to_try(purchases: Sequence[Purchase], count: int = 10) -> list[str]:
    """The members with the longest histories."""
    bought: dict[str, int] = {}
    for purchase in purchases:
        bought[purchase.reference] = bought.get(purchase.reference, 0) + 1
    return sorted(bought, key=lambda reference: (-bought[reference], reference))[:count]


def _purchase(number: int, line: str) -> Purchase:
    return Purchase(
        line=number,
        reference=f"CDNOW-{line[6:11].strip()}",
        bought_on=datetime.strptime(line[11:20].strip(), "%Y%m%d").date(),  # noqa: DTZ007 - a day, no instant
        quantity=int(line[20:23]),
        amount=line[23:].strip(),
    )


def _package_data(name: str) -> bytes:
    return files("tessera").joinpath("data", name).read_bytes()


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path
