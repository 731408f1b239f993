"""Back-tests: what a draft of the configuration would have given for the transactions of a past period."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from decimal import Context as Arithmetic
from heapq import nlargest
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BadRequest, InvalidRequest
from domain.points import from_minor, plain
from domain.program_zone import start_of_day
from domain.store.period import count_dated, members_dated, page_dated
from domain.store.program import ProgramState
from domain.store.transaction import StoredEarning, StoredTransaction, earnings_of
from resolvers.context import Context
from resolvers.draft import read_under_draft
from resolvers.replay import Replay, Tally, open_replay, replay_from

LARGEST = 10
_MEMBERS, _TRANSACTIONS = 100, 500
_YEARS = range(1900, 2200)
_CENTS = Decimal("0.01")
_MONEY = Arithmetic(prec=60, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackTest:
    """Replay the transactions dated from one day to another, both included, under a draft.

    `draft` is a configuration document, as the text of a file or as plain values, joined with what is in force
    (with `prune`: in its place).
    """

    draft: Any
    first_day: date
    last_day: date
    prune: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Points that were given and that the draft would give, and what the difference is worth in money.

    Money is points by the `redemption_rate`: those given by that in force, those of the draft by its own;
    rounded half up to hundredths.
    """

    actual: Decimal
    draft: Decimal
    points: Decimal
    money: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class BackTestReport:
    """What a draft would have changed. `groups` by rule group, `largest` by member reference, both largest first.

    `refused` purchases would earn nothing, because their product code is not on the draft's list or their award
    has no bounds. `warmed_up` transactions lie before the period and were replayed to know what had counted.
    """

    config_version: int
    transactions: int
    warmed_up: int
    refused: int
    total: Difference
    groups: Mapping[str, Difference]
    members_gained: int
    members_lost: int
    members_unchanged: int
    largest: Mapping[str, Difference]


async def back_test(ctx: Context, command: BackTest, *, limit: int | None = None) -> BackTestReport:
    """Replay a period and write nothing; with a `limit` at most so many transactions.

    Raises Forbidden, BadRequest (days that cannot be), InvalidRequest (the last day before the first, more
    transactions than `limit`), ConfigurationRefused (the draft).
    """
    ctx.principal.require(Permission.CONFIGURATION_WRITE)
    ctx.principal.require(Permission.LEDGER_READ)
    _check_days(command)
    book = await read_under_draft(
        ctx,
        command.draft,
        lambda tx, live, draft: _prepare(tx, live, draft, command, limit),
        prune=command.prune,
    )
    after = 0
    while members := await ctx.read(book.next_members(after)):
        after = members[-1]
        book.add(await _replayed(ctx, book, members))
    return book.report()


async def _replayed(ctx: Context, book: "_Book", members: Sequence[int]) -> Replay:
    """Portion by portion, each read in a database transaction of its own, so that none lasts long."""
    state, keys = book.draft, ctx.services.keys
    replay = await ctx.read(lambda tx: open_replay(tx, keys, state, members, book.start, book.end))
    after = 0

    def page(tx: Connection) -> tuple[list[StoredTransaction], Mapping[int, Sequence[StoredEarning]]]:
        rows = page_dated(tx, state.id, members, book.since, book.end, after_id=after, limit=_TRANSACTIONS)
        return rows, earnings_of(tx, state.id, [row.id for row in rows])

    while True:
        rows, earnings = await ctx.read(page)
        if not rows:
            return replay
        # Rules over thousands of transactions: the others' requests are served meanwhile.
        await asyncio.to_thread(replay.add, rows, earnings)
        after = rows[-1].id


def _check_days(command: BackTest) -> None:
    for name, day in (("first_day", command.first_day), ("last_day", command.last_day)):
        if day.year not in _YEARS:
            raise BadRequest(f"{name}: out of range", field=name)
    if command.last_day < command.first_day:
        raise InvalidRequest("last_day: lies before the first", field="last_day")


def _prepare(tx: Connection, live: ProgramState, draft: ProgramState, command: BackTest, limit: int | None) -> "_Book":
    start = start_of_day(command.first_day, live.zone)
    end = start_of_day(command.last_day + timedelta(days=1), live.zone)
    since = replay_from(draft, start)
    if limit is not None and count_dated(tx, live.id, since, end, limit + 1) > limit:
        what = "the period" if since == start else "the period, with what has to be replayed before it,"
        raise InvalidRequest(
            f"{what} has more than {limit} transactions: take a shorter one, or `tessera rules back-test`",
            field="last_day",
        )
    return _Book(live, draft, start, end, since)


@dataclass(slots=True)
class _Book:
    """What was replayed so far. Figures of single members are kept of the largest differences only."""

    live: ProgramState
    draft: ProgramState
    start: datetime
    end: datetime
    since: datetime
    transactions: int = 0
    warmed_up: int = 0
    refused: int = 0
    gained: int = 0
    lost: int = 0
    unchanged: int = 0
    total: Tally = field(default_factory=Tally)
    largest: list[tuple[int, int, int, str]] = field(default_factory=list)

    def next_members(self, after_id: int) -> Any:
        """Reads the next members with transactions in the period."""

        def body(tx: Connection) -> list[int]:
            return members_dated(tx, self.live.id, self.start, self.end, after_id=after_id, limit=_MEMBERS)

        return body

    def add(self, replay: Replay) -> None:
        """Count what was replayed."""
        self.transactions += replay.transactions
        self.warmed_up += replay.warmed_up
        self.refused += replay.refused
        for member_id, tally in replay.tallies.items():
            _add(self.total.actual, tally.actual)
            _add(self.total.draft, tally.draft)
            actual, draft = sum(tally.actual.values()), sum(tally.draft.values())
            self.gained += draft > actual
            self.lost += draft < actual
            self.unchanged += draft == actual
            if draft != actual:
                reference = replay.members[member_id].relation_reference
                self.largest.append((abs(draft - actual), actual, draft, reference))
        self.largest = nlargest(LARGEST, self.largest)

    def report(self) -> BackTestReport:
        """The differences in points and money."""
        actual, draft = self.total.actual, self.total.draft
        groups = {one: self._difference(actual.get(one, 0), draft.get(one, 0)) for one in (actual | draft)}
        return BackTestReport(
            config_version=self.live.config_version,
            transactions=self.transactions,
            warmed_up=self.warmed_up,
            refused=self.refused,
            total=self._difference(sum(actual.values()), sum(draft.values())),
            groups=dict(sorted(groups.items(), key=lambda item: (-abs(item[1].points), item[0]))),
            members_gained=self.gained,
            members_lost=self.lost,
            members_unchanged=self.unchanged,
            largest={name: self._difference(one, other) for _, one, other, name in self.largest},
        )

    def _difference(self, actual: int, draft: int) -> Difference:
        places = self.live.places
        given, drafted = from_minor(actual, places), from_minor(draft, places)
        worth = _MONEY.subtract(
            _MONEY.divide(drafted, self.draft.terms.redemption_rate),
            _MONEY.divide(given, self.live.terms.redemption_rate),
        )
        return Difference(
            actual=given,
            draft=drafted,
            points=from_minor(draft - actual, places),
            money=plain(_MONEY.quantize(worth, _CENTS)),
        )


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for group, points in more.items():
        total[group] = total.get(group, 0) + points
