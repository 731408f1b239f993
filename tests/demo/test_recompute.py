"""The demo's points, recomputed from the data file with arithmetic of this module's own.

Nothing of the product takes part in the recomputation: not its parser of the data set, not its rules,
not its calendar.
"""

import shutil
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
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
A_MONTH = 250


@dataclass
class Figures:
    """What one member's purchases come to, in points."""

    spend: int = 0
    bonus: int = 0
    upgrades: int = 0
    expired: int = 0
    cut: Decimal = Decimal(0)
    tier: str = "Silver"
    months: dict[str, int] = field(default_factory=dict)

    def earn(self, month: str, exact: Decimal) -> int:
        """Whole points, of what the month has room for."""
        given = min(exact, Decimal(A_MONTH - self.months.get(month, 0)))
        whole = int(given.quantize(Decimal(1), ROUND_HALF_UP))
        self.months[month] = self.months.get(month, 0) + whole
        self.cut += exact - given
        return whole

    def climb(self) -> None:
        """The tier of all that was earned so far; the upgrade bonus of the first counts for the second."""
        for name, after, threshold, gift in (("Gold", "Silver", 250, 25), ("Platinum", "Gold", 1000, 100)):
            if self.tier == after and self.spend + self.bonus + self.upgrades >= threshold:
                self.tier, self.upgrades = name, self.upgrades + gift

    @property
    def balance(self) -> int:
        """What is left to spend."""
        return self.spend + self.bonus + self.upgrades - self.expired


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
        # No purchase is multiplied: the tiers begin when the demo is built, after all that it is built from.
        base = figures.earn(day[:6], dollars)
        bonus = figures.earn(day[:6], Decimal(10)) if quantity >= 5 and dollars > 0 else 0
        figures.spend += base
        figures.bonus += bonus
        if lapsed(int(day[:4]) + years, int(day[4:6]), now):
            figures.expired += base + bonus
        figures.climb()
    return dict(members), years


def lapsed(year: int, month: int, now: datetime) -> bool:
    """Whether points of this month are gone: two years on, then to the end of the quarter, in New York."""
    first_month_after = 3 * ((month - 1) // 3) + 4
    end = date(year + 2 + (first_month_after > 12), (first_month_after - 1) % 12 + 1, 1)
    return now >= datetime(end.year, end.month, end.day, tzinfo=NEW_YORK)


# Each demo is built once, and not once for each worker.
pytestmark = pytest.mark.xdist_group("recompute")

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


async def standings(runtime: Runtime, summary: DemoSummary) -> dict[str, tuple[Balance, str | None]]:
    """The product's figures and tiers by reference."""
    ctx: Context = program_context(runtime, await find_program(runtime, summary.program_id))
    found: dict[str, tuple[Balance, str | None]] = {}
    after: int | None = None
    while page := await list_members(ctx, first=100, after_id=after):
        after = page[-1].id
        figures = await list_balances(ctx, [member.id for member in page])
        found |= {one.relation_reference: (figures[one.id], one.tier) for one in page}
    return found


Demo = tuple[datetime, Runtime, DemoSummary]


async def test_every_member_has_the_points_of_the_data_file(demo: Demo) -> None:
    now, runtime, summary = demo
    expected, years = recompute(now)
    found = await standings(runtime, summary)
    assert summary.details["year_shift"] == years
    assert len(expected) == 2357
    assert len(found) == 2357
    for reference, (one, tier) in found.items():
        figures = expected[reference]
        bonus = figures.bonus + figures.upgrades
        wanted: list[object] = [figures.balance, figures.spend, bonus, figures.expired, figures.tier]
        assert [one.available, one.spend, one.bonus, one.expired, tier] == wanted, reference


async def test_the_totals_are_those_of_the_data_file(demo: Demo) -> None:
    now, runtime, summary = demo
    expected, _ = recompute(now)
    found = await standings(runtime, summary)
    total = sum(one.spend + one.bonus for one in expected.values())
    assert summary.points == total
    assert sum(one.available for one, _ in found.values()) == sum(one.balance for one in expected.values())
    assert (summary.members, summary.transactions) == (2357, 6919)


async def test_the_members_to_try_have_points_to_spend(demo: Demo) -> None:
    _, runtime, summary = demo
    found = await standings(runtime, summary)
    references: Any = summary.details["members"]
    assert len(set(references)) == 10
    assert all(found[reference][0].available > 0 for reference in references)


def test_the_instants_show_what_they_are_for() -> None:
    lapsed_points = [sum(one.expired for one in recompute(now)[0].values()) for now in INSTANTS]
    assert lapsed_points[0] == 0
    assert lapsed_points[1] > 0
    assert lapsed_points[2] == 0
    assert [recompute(now)[1] for now in INSTANTS] == [28, 28, 29]


def test_the_cap_cuts_for_some_and_every_tier_has_members() -> None:
    members, _ = recompute(INSTANTS[0])
    tiers = [one.tier for one in members.values()]
    assert sum(one.cut > 0 for one in members.values()) == 42
    assert [tiers.count(tier) for tier in ("Silver", "Gold", "Platinum")] == [2124, 213, 20]
