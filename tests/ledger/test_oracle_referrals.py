"""The oracle by worked examples: what referrals give, to whom, and how often."""

from fractions import Fraction

import pytest

from tests.ledger.test_oracle import day
from tests.oracle import Award, Level, Oracle, Reward


def oracle_with(most: int | None = None, levels: tuple[Level, ...] = ()) -> Oracle:
    """ANNA referred BEN and CLEO."""
    oracle = Oracle(reward=Reward(10, 5, most), levels=levels, referred_by={"BEN": "ANNA", "CLEO": "ANNA"})
    for member in ("ANNA", "BEN", "CLEO"):
        oracle.set_up(member)
    return oracle


def buy(oracle: Oracle, member: str, name: str, spend: int = 3) -> None:
    oracle.earn(member, name, day(0), [Award("spend", spend, None)], day(1), Fraction(spend))


def bonuses(oracle: Oracle) -> list[list[int]]:
    """What each of the three got beside their purchases."""
    return [[one.points for one in account.entries if one.kind == "bonus"] for account in oracle.accounts.values()]


@pytest.mark.parametrize(("most", "of_anna"), [(None, [10, 10]), (1, [10]), (0, [])])
def test_a_first_purchase_rewards_both_and_the_referrer_only_so_often(most: int | None, of_anna: list[int]) -> None:
    oracle = oracle_with(most)
    for number, member in enumerate(("BEN", "BEN", "ANNA", "CLEO", "CLEO")):
        buy(oracle, member, str(number))
    assert bonuses(oracle) == [of_anna, [5], [5]]


def test_a_first_purchase_that_earns_nothing_is_rewarded_and_a_refund_takes_that_not_back() -> None:
    oracle = oracle_with()
    buy(oracle, "BEN", "A", 0)
    oracle.refund("BEN", "A", Fraction(1), day(1), day(1))
    buy(oracle, "BEN", "B")
    assert bonuses(oracle) == [[10], [5], []]


def test_who_may_not_earn_gets_nothing_but_the_referral_counts() -> None:
    oracle = oracle_with(most=1)
    oracle.accounts["ANNA"].status = 2
    buy(oracle, "BEN", "A")
    oracle.accounts["ANNA"].status = 1
    buy(oracle, "CLEO", "B")
    assert bonuses(oracle) == [[], [5], [5]]


def test_nobody_is_rewarded_for_itself_and_the_survivor_is_for_who_was_merged() -> None:
    oracle = oracle_with()
    oracle.merge("ANNA", "BEN", "M", day(0))
    buy(oracle, "BEN", "A")
    buy(oracle, "CLEO", "B")
    assert bonuses(oracle) == [[], [10], [5]]


def test_a_first_activation_rewards_both_in_place_of_a_first_purchase() -> None:
    oracle = Oracle(reward=Reward(10, 5, on_activation=True), referred_by={"BEN": "ANNA", "CLEO": "ANNA"})
    for member, status in (("ANNA", 1), ("BEN", 1), ("CLEO", 5)):
        oracle.enrol(member, status, day(0))
    assert bonuses(oracle) == [[10], [5], []]
    buy(oracle, "CLEO", "A")
    assert bonuses(oracle) == [[10], [5], []]
    for status in (2, 1, 5, 1):
        oracle.change_status("CLEO", status, day(1))
    assert bonuses(oracle) == [[10, 10], [5], [5]]
    # Nor is it ever given for what came back.
    oracle.change_status("BEN", 2, day(1))
    oracle.change_status("BEN", 1, day(1))
    assert bonuses(oracle) == [[10, 10], [5], [5]]


def test_an_activation_gives_nothing_where_the_first_purchase_is_rewarded() -> None:
    oracle = oracle_with()
    oracle.change_status("BEN", 1, day(0))
    assert bonuses(oracle) == [[], [], []]


def test_rewards_count_for_tiers() -> None:
    oracle = oracle_with(levels=(Level("Gold", 10, bonus=1),))
    buy(oracle, "BEN", "A", 5)
    assert bonuses(oracle) == [[10, 1], [5, 1], []]
