"""A hundred use cases at once in one process: nobody knows their order, but the books hold."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.database import FreshDatabase
from tests.ledger.invariants import Books, violations
from tests.ledger.operation import Earn, Expire, Operation, Redeem, Reverse
from tests.ledger.program import Program
from tests.ledger.terms import Terms
from tests.ledger.world import open_world
from tests.scale import scaled

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TERMS = Terms(policy="forfeit", zone="UTC", months=1, period_end="day", decimals=0, bonus_days=3, start=START)
MEMBERS = ("ANNA", "BEN")
WAVES = scaled(100)
AT_ONCE = 100


def test_after_every_wave_of_a_storm_the_books_hold(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    randomness = random.Random(WAVES)
    acknowledged: dict[str, set[str]] = defaultdict(set)
    redemptions: dict[str, Redeem] = {}
    with fresh_database() as url, open_world(url, tmp_path, START) as world:
        program = Program.create(world, TERMS, MEMBERS)
        for wave in range(WAVES):
            storm = [
                operation
                for number in range(AT_ONCE)
                for operation in drawn(randomness, f"{wave}-{number}", redemptions, world.now)
            ]
            outcomes = world.run(program.perform_at_once(storm, {}))
            for operation, outcome in zip(storm, outcomes, strict=True):
                assert outcome.code in {"000", "121", "122"}
                if outcome.code == "000":
                    name = operation.transaction_id if isinstance(operation, Earn) else outcome.answer
                    acknowledged[type(operation).__name__].add(name)
                    if isinstance(operation, Redeem):
                        redemptions[outcome.answer] = operation
            books = program.books()
            assert violations(books) == []
            assert program.findings() == []
            assert written(books) == {**dict.fromkeys(("Earn", "Redeem", "Reverse"), set()), **acknowledged}
            world.now += timedelta(days=randomness.choice([0, 1, 20]))


def drawn(randomness: random.Random, name: str, redemptions: dict[str, Redeem], now: datetime) -> list[Operation]:
    """An operation, or a few that get into each other's way."""
    member = randomness.choice(MEMBERS)
    kind = randomness.random()
    if kind < 0.3:
        return [Earn(member, name, randomness.randint(1, 40), False, now - timedelta(days=29), key=name)] * 2
    if kind < 0.35:
        return [Expire()]
    if kind < 0.6 and redemptions:
        reference, order = randomness.choice(sorted(redemptions.items()))
        return [Reverse(order.member, order.merchant, reference, key) for key in (None, name)]
    return [Redeem(member, randomness.randint(1, 60), "Shop", key=name)] * randomness.choice([1, 1, 5])


def written(books: Books) -> dict[str, set[str]]:
    """What is stored, in the words of the answers."""
    references = {entry.id: str(entry.external_reference) for entry in books.entries}
    return {
        "Earn": {entry.transaction_id for entry in books.transactions},
        "Redeem": {references[entry.id] for entry in books.entries if entry.kind == "redemption"},
        "Reverse": {references[entry.reverses_id] for entry in books.entries if entry.kind == "reversal"},
        "Expire": {""} if any(entry.kind == "expiry" for entry in books.entries) else set(),
    }
