"""The demo's points, recomputed from the data file with arithmetic of this module's own.

Nothing of the product takes part in the recomputation: not its parser of the data set, not its rules,
not its calendar.
"""

import shutil
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from resolvers.context import Context
from resolvers.member import list_members
from resolvers.statement import Balance, list_balances
from tessera.demo import DemoSummary, build_demo
from tessera.runtime import Runtime, find_program, open_runtime, program_context
from tessera.settings import Settings

DATA = Path(__file__).parents[2] / "tessera" / "data" / "CDNOW_sample.txt"
NEW_YORK = ZoneInfo("America/New_York")


@dataclass
class Figures:
    """What one member's purchases come to, in points."""

    spend: int = 0
    bonus: int = 0
    expired: int = 0

    @property
    def balance(self) -> int:
        """What is left to spend."""
        return self.spend + self.bonus - self.expired


def recompute(now: datetime) -> tuple[dict[str, Figures], int]:
    """The figures of every member at an instant, and the shift of the years."""
    purchases = []
    for line in DATA.read_bytes().decode("ascii").split("\r\n"):
        if line:
            _, customer, bought_on, count, price = line.split()
            purchases.append((customer, bought_on, int(count), Decimal(price)))
    here = now.astimezone(NEW_YORK)
    last = max(day for _, day, _, _ in purchases)
    years = here.year - int(last[:4])
    if last[4:] > f"{here.month:02}{here.day:02}":
        years -= 1
    members: dict[str, Figures] = defaultdict(Figures)
    for customer, day, quantity, dollars in purchases:
        figures = members[f"CDNOW-{customer}"]
        base = int(dollars.quantize(Decimal(1), ROUND_HALF_UP))
        bonus = 10 if quantity >= 5 and dollars > 0 else 0
        figures.spend += base
        figures.bonus += bonus
        if lapsed(int(day[:4]) + years, int(day[4:6]), now):
            figures.expired += base + bonus
    return dict(members), years


def lapsed(year: int, month: int, now: datetime) -> bool:
    """Whether points of this month are gone: two years on, then to the end of the quarter, in New York."""
    first_month_after = 3 * ((month - 1) // 3) + 4
    end = date(year + 2 + (first_month_after > 12), (first_month_after - 1) % 12 + 1, 1)
    return now >= datetime(end.year, end.month, end.day, tzinfo=NEW_YORK)


INSTANTS = [
    # Nothing has lapsed; one quarter has, while the demo was being built; and the day of the last
    # purchase itself, which is the first on which the dates move on by a year.
    datetime(2026, 11, 24, 2, 27, tzinfo=UTC),
    datetime(2027, 6, 29, 12, 0, tzinfo=UTC),
    datetime(2027, 6, 30, 4, 0, tzinfo=UTC),
]


@pytest.fixture(scope="module", params=INSTANTS, ids=lambda instant: f"{instant:%Y-%m-%d}")
async def demo(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[datetime, Runtime, DemoSummary]]:
    """A demo that was built at a fixed instant."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copyfile(sqlite_template, folder / "tessera.db")
    async with open_runtime(Settings(data_dir=folder)) as opened:
        services = replace(opened.services, clock=lambda: request.param)
        runtime = replace(opened, services=services)
        yield request.param, runtime, await build_demo(runtime, reset=False)


async def balances(runtime: Runtime, summary: DemoSummary) -> dict[str, Balance]:
    """The product's figures by reference."""
    ctx: Context = program_context(runtime, await find_program(runtime, summary.program_id))
    found: dict[str, Balance] = {}
    after: int | None = None
    while page := await list_members(ctx, first=100, after_id=after):
        after = page[-1].id
        figures = await list_balances(ctx, [member.id for member in page])
        found |= {member.relation_reference: figures[member.id] for member in page}
    return found


Demo = tuple[datetime, Runtime, DemoSummary]


async def test_every_member_has_the_points_of_the_data_file(demo: Demo) -> None:
    now, runtime, summary = demo
    expected, years = recompute(now)
    found = await balances(runtime, summary)
    assert summary.details["year_shift"] == years
    assert len(expected) == 2357
    assert len(found) == 2357
    for reference, one in found.items():
        figures = expected[reference]
        wanted: list[object] = [figures.balance, figures.spend, figures.bonus, figures.expired]
        assert [one.available, one.spend, one.bonus, one.expired] == wanted, reference


async def test_the_totals_are_those_of_the_data_file(demo: Demo) -> None:
    now, runtime, summary = demo
    expected, _ = recompute(now)
    found = await balances(runtime, summary)
    total = sum(one.spend + one.bonus for one in expected.values())
    assert summary.points == total
    assert sum(one.available for one in found.values()) == sum(one.balance for one in expected.values())
    assert (summary.members, summary.transactions) == (2357, 6919)


async def test_the_members_to_try_have_points_to_spend(demo: Demo) -> None:
    _, runtime, summary = demo
    found = await balances(runtime, summary)
    references: Any = summary.details["members"]
    assert len(set(references)) == 10
    assert all(found[reference].available > 0 for reference in references)


def test_the_instants_show_what_they_are_for() -> None:
    lapsed_points = [sum(one.expired for one in recompute(now)[0].values()) for now in INSTANTS]
    assert lapsed_points[0] == 0
    assert lapsed_points[1] > 0
    assert lapsed_points[2] == 0
    assert [recompute(now)[1] for now in INSTANTS] == [28, 28, 29]
