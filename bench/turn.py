"""The turns that servers take under load: what clients ask of them, and the proof that it was done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import bare_stack
from bench.clients import CLIENTS, Load, put_under_load
from bench.measure import Measured
from bench.proof import prove_books, prove_count, purchases, redemptions
from bench.scale import Scale
from bench.subject import Serving, Subject, product, token

PREFIX = "M-"
"""Of the members that these operations are spread over."""


@dataclass(frozen=True, slots=True)
class Work:
    """An operation, as the load generators know it, and how many of it a database holds."""

    path: str
    kind: str
    stored: Callable[[Subject], int]


REDEEM = Work("/v1/RedeemPoints", "redeem", redemptions)
INSERT = Work("/v1/InsertTransactionData", "insert", purchases)


@contextmanager
def serving(subject: Subject, work: Work, scale: Scale) -> Iterator[Callable[[int], Measured]]:
    """The product's server, which is put under load for each round.

    At the end, when nothing is under way any more, the database must hold what was acknowledged.
    """
    before = work.stored(subject)
    acknowledged: list[int] = []
    with product(subject) as server:
        load = Load(
            url=server.url,
            path=work.path,
            kind=work.kind,
            prefix=PREFIX,
            members=scale.members,
            token=token(server, subject.credentials),
        )

        def round_of(number: int) -> Measured:
            return _loaded(load, server, scale, number, acknowledged)

        round_of(0)
        yield round_of
    found = work.stored(subject) - before
    prove_count(acknowledged=sum(acknowledged), found=found, under_way=CLIENTS * len(acknowledged))
    prove_books(subject)


def bare_round(stack: Serving, scale: Scale) -> Callable[[int], Measured]:
    """Rounds of the bare stack."""
    load = Load(url=stack.url, path=bare_stack.PATH, kind="redeem", prefix=PREFIX, members=scale.members)
    return lambda number: _loaded(load, stack, scale, number)


def _loaded(load: Load, server: Serving, scale: Scale, number: int, acknowledged: list[int] | None = None) -> Measured:
    """One round, after a moment that only warms up; both are noted in `acknowledged`."""
    rounds = [put_under_load(load, seconds, number, server.pid) for seconds in (scale.warm_up_s, scale.seconds)]
    if acknowledged is not None:
        acknowledged += [one.operations for one in rounds]
    return rounds[-1]
