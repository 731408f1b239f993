"""The oracle by worked examples: which tier members have, what it multiplies, and what is given for reaching it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from tests.ledger.test_oracle import DAY, day
from tests.oracle import Award, Cap, Level, Oracle

LEVELS = (Level("Silver", 0), Level("Gold", 100, Fraction(3, 2), 20), Level("Platinum", 120, Fraction(2), 7))


def oracle_with(levels: Sequence[Level] = LEVELS, retention: int = 0, caps: Sequence[Cap] = ()) -> Oracle:
    oracle = Oracle(levels=levels, retention=timedelta(days=retention), caps=caps, lapse=lambda at: at + 9 * DAY)
    oracle.set_up("ANNA")
    return oracle


def buy(oracle: Oracle, name: str, spend: int, now: datetime, at: datetime | None = None) -> list[tuple[str, int]]:
    anna = oracle.accounts["ANNA"]
    before = len(anna.entries)
    oracle.earn("ANNA", name, at or now, [Award("spend", spend, None)], now, Fraction(spend))
    return [(entry.kind, entry.points) for entry in anna.entries[before:]]


def test_a_purchase_is_multiplied_by_the_tier_that_its_member_had_at_its_date() -> None:
    oracle = oracle_with((LEVELS[0], Level("Gold", 100, Fraction(3, 2))))
    assert buy(oracle, "A", 99, day(1)) == [("earn", 99)]
    assert buy(oracle, "B", 1, day(2)) == [("earn", 1)]
    assert oracle.accounts["ANNA"].tiers == [(day(1), "Silver"), (day(2), "Gold")]
    # Rounded half up, once; the one of the day before was made by a Silver.
    assert buy(oracle, "C", 3, day(3)) == [("earn", 5)]
    assert buy(oracle, "D", 3, day(3), at=day(1)) == [("earn", 3)]
    assert buy(oracle, "E", 3, day(3), at=day(2)) == [("earn", 5)]


def test_bonuses_are_for_each_level_once_and_may_lead_further_up() -> None:
    oracle = oracle_with()
    assert buy(oracle, "A", 100, day(0)) == [("earn", 100), ("bonus", 20), ("bonus", 7)]
    anna = oracle.accounts["ANNA"]
    assert anna.tier == "Platinum"
    assert [(lot.points, lot.expires_at) for lot in anna.lots[1:]] == [(20, day(9)), (7, day(9))]
    oracle.refund("ANNA", "A", Fraction(100), day(1), day(1))
    assert anna.tier == "Silver"
    assert buy(oracle, "B", 200, day(2)) == [("earn", 200)]
    assert anna.tier == "Platinum"


def test_who_passes_over_a_level_gets_its_bonus_with_that_of_the_level_above() -> None:
    assert buy(oracle_with(), "A", 120, day(0)) == [("earn", 120), ("bonus", 27)]


def test_caps_cut_what_the_tier_multiplied_and_leave_its_bonus() -> None:
    oracle = oracle_with(caps=[Cap(150, "month")])
    assert buy(oracle, "A", 120, day(0)) == [("earn", 120), ("bonus", 27)]
    assert buy(oracle, "B", 20, day(1)) == [("earn", 30)]


@pytest.mark.parametrize(("refunded", "tier"), [(3, "Gold"), (12, "Gold"), (13, None)])
def test_a_tier_is_kept_for_its_retention_from_when_it_was_last_earned(refunded: int, tier: str | None) -> None:
    oracle = oracle_with([Level("Gold", 100)], retention=10)
    buy(oracle, "A", 100, day(0))
    buy(oracle, "B", 1, day(3))
    oracle.refund("ANNA", "A", Fraction(100), day(refunded), day(refunded))
    assert oracle.accounts["ANNA"].tier == tier


def test_two_members_that_are_one_go_by_what_both_earned_and_get_each_bonus_once() -> None:
    oracle = oracle_with([Level("Gold", 100, bonus=20)])
    oracle.set_up("BEN")
    anna, ben = oracle.accounts["ANNA"], oracle.accounts["BEN"]
    buy(oracle, "A", 60, day(0))
    oracle.earn("BEN", "B", day(0), [Award("spend", 45, None)], day(0), Fraction(45))
    oracle.merge("ANNA", "BEN", "M", day(1))
    assert (ben.tiers, [(one.kind, one.points) for one in ben.entries][-1]) == ([(day(1), "Gold")], ("bonus", 20))
    oracle.unmerge("M", day(2))
    assert (anna.tier, ben.tiers[-1]) == (None, (day(2), None))
    oracle.earn("BEN", "C", day(3), [Award("spend", 35, None)], day(3), Fraction(35))
    assert (ben.tier, ben.entries[-1].kind) == ("Gold", "earn")


def test_a_tier_that_a_member_had_from_another_is_reached_by_earning_it() -> None:
    oracle = oracle_with([Level("Gold", 100, bonus=20)])
    oracle.set_up("BEN")
    buy(oracle, "A", 100, day(0))
    oracle.merge("ANNA", "BEN", "M", day(1))
    ben = oracle.accounts["BEN"]
    assert (ben.tier, [one.kind for one in ben.entries]) == ("Gold", ["transfer"])
    oracle.unmerge("M", day(2))
    assert (oracle.accounts["ANNA"].tier, ben.tier) == ("Gold", None)
    oracle.earn("BEN", "B", day(3), [Award("spend", 100, None)], day(3), Fraction(100))
    assert (ben.tier, ben.entries[-1].points) == ("Gold", 20)
