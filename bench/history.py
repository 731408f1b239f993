"""B7: the balance read and the redemption of one account as its history grows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bench.clients import Load, put_under_load
from bench.measure import Measured, alternate
from bench.population import Past
from bench.proof import prove_books, prove_count, redemptions
from bench.report import Floor, Line
from bench.scale import Scale
from bench.subject import Serving, Subject, product, token
from bench.turn import REDEEM

READ_PATH = "/v1/CheckAvailability"

_OPEN_LOTS = 6
# No redemption of ours exhausts a lot, so that all of them do the same work.
_LOT_POINTS = 10**9
_LARGEST_PROVED = 100_000


@dataclass(frozen=True, slots=True)
class _Group:
    """Accounts with pasts of one length; several where they are short, for each redemption adds to them."""

    name: str
    prefix: str
    accounts: int
    open_lots: int
    entries: int

    def pasts(self) -> Iterator[Past]:
        spent = (self.entries - self.open_lots) // 2
        for number in range(1, self.accounts + 1):
            yield Past(f"{self.prefix}{number}", self.open_lots, spent, _LOT_POINTS)


def history_pasts(scale: Scale) -> list[Past]:
    """The members that B7 asks for."""
    return [past for group in _groups(scale) for past in group.pasts()]


def measure_histories(subject: Subject, database: str, scale: Scale) -> list[Line]:
    """Reads and redemptions of one client, each length by turns with the shortest."""
    groups = _groups(scale)
    before = redemptions(subject)
    with product(subject) as serving:
        access = token(serving, subject.credentials)
        reads = alternate(scale.rounds, *(partial(_round, serving, access, group, "read", scale) for group in groups))
        takes = alternate(scale.rounds, *(partial(_round, serving, access, group, "redeem", scale) for group in groups))
    acknowledged = sum(one.operations for rounds in takes for one in rounds)
    under_way = sum(len(rounds) for rounds in takes)
    prove_count(acknowledged=acknowledged, found=redemptions(subject) - before, under_way=under_way)
    prove_books(
        subject,
        [past.reference for group in groups if group.entries <= _LARGEST_PROVED for past in group.pasts()],
    )
    return [
        *_lines(groups, f"CheckAvailability, {database}", reads),
        *_lines(groups, f"RedeemPoints, {database}", takes),
    ]


def _groups(scale: Scale) -> list[_Group]:
    groups = [
        _Group(f"{entries:,} entries", f"H{entries}-", max(1, 1000 // entries), _OPEN_LOTS, entries)
        for entries in scale.histories
    ]
    lots = scale.open_lots
    return [*groups, _Group(f"{lots:,} open lots", f"L{lots}-", 1, lots, lots)]


def _round(serving: Serving, access: str, group: _Group, kind: str, scale: Scale, number: int) -> Measured:
    load = Load(
        url=serving.url,
        path=READ_PATH if kind == "read" else REDEEM.path,
        kind=kind,
        prefix=group.prefix,
        members=group.accounts,
        token=access,
        clients=1,
    )
    return put_under_load(load, scale.history_seconds, number, serving.pid)


def _lines(groups: Sequence[_Group], work: str, results: Sequence[Sequence[Measured]]) -> list[Line]:
    """Each length beside the shortest."""
    shortest = Floor(groups[0].name, results[0], most=1.2)
    return [
        Line("B7", f"{work}, {group.name}", rounds, [shortest])
        for group, rounds in zip(groups[1:], results[1:], strict=True)
    ]
