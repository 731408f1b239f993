"""Pairs of card and identifier: what counts as given, what is a payment card, and which link a pair means."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadRequest, InvalidRequest, SubRelationLinked
from domain.sub_relation import Pair, SubRelation, check_link, find_link, is_payment_card, read_pair

VISA = "4111111111111111"
IMEI = "490154203237518"
HELD = SubRelation(
    id=1,
    member_id=1,
    type="CARD",
    card_hash=b"card",
    card_last_four="1111",
    card_number=None,
    identifier="A",
    last_six_digits=None,
    product_code=None,
    expiry_date=None,
    status=None,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    version=1,
)


def check_digit(payload: str) -> str:
    """The digit that makes a number pass, by the textbook."""
    total = 0
    for place, digit in enumerate(reversed(payload)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


@given(st.text("0123456789", min_size=12, max_size=18), st.integers(1, 9))
def test_a_payment_card_is_known_by_its_check_digit(payload: str, off: int) -> None:
    right = check_digit(payload)
    assert is_payment_card(payload + right)
    assert not is_payment_card(payload + str((int(right) + off) % 10))


@pytest.mark.parametrize("number", ["", "4111", VISA[:12], VISA + "0" * 4, "٤" * 16, "4111 1111 1111 1111", "x" * 16])
def test_what_has_not_the_length_or_the_digits_is_no_payment_card(number: str) -> None:
    assert not is_payment_card(number)


@pytest.mark.parametrize("nothing", [None, "", " ", "0", "0000", " 0 "])
def test_zero_and_nothing_are_not_given(nothing: str | None) -> None:
    assert read_pair(nothing, nothing) is None
    assert read_pair("12", nothing) == Pair("12", None)
    assert read_pair(nothing, "A0") == Pair(None, "A0")


def test_separators_of_a_printed_card_number_do_not_count() -> None:
    assert read_pair(" 4111-1111 1111 1111 ", None) == Pair(VISA, None)
    assert read_pair("GIFT-12 3", None) == Pair("GIFT-12 3", None)


@pytest.mark.parametrize("text", ["x" * 101, "a\x00b", "a\nb"])
def test_what_cannot_be_stored_is_a_bad_request_that_does_not_repeat_it(text: str) -> None:
    for values in ((text, None), (None, text)):
        with pytest.raises(BadRequest) as refused:
            read_pair(*values)
        assert text not in refused.value.text


def test_only_the_end_of_a_payment_card_is_kept() -> None:
    assert (Pair(VISA, None).storable_card_number, Pair(VISA, None).card_last_four) == (None, "1111")
    assert (Pair("12345", None).storable_card_number, Pair(None, "A").card_last_four) == ("12345", None)
    assert VISA not in repr(Pair(VISA, None))


@pytest.mark.parametrize(
    ("pair", "type", "digits"),
    [
        (Pair(None, "A"), "WATCH", None),
        (Pair(None, VISA), "CARD", None),
        (Pair(VISA, VISA), "ACCOUNT", None),
        (Pair(None, "A"), "CARD", VISA),
        (Pair(None, "A"), "CARD", "12a"),
    ],
)
def test_a_card_number_is_refused_where_it_would_stand_in_clear(pair: Pair, type: str, digits: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_link(pair, type, digits)
    assert VISA not in refused.value.text


def test_the_number_of_a_device_may_look_like_a_card() -> None:
    check_link(Pair(None, IMEI), "DEVICE", None)
    check_link(Pair(VISA, "A"), "CARD", "111111")


def test_the_same_pair_means_the_same_link() -> None:
    assert find_link([HELD], b"card", "A") is HELD
    assert find_link([HELD], b"other", "B") is None
    assert find_link([replace(HELD, card_hash=None)], b"card", None) is None


@pytest.mark.parametrize(("card", "identifier"), [(b"card", "B"), (b"card", None), (b"other", "A"), (None, "A")])
def test_half_of_a_pair_is_linked_already(card: bytes | None, identifier: str | None) -> None:
    with pytest.raises(SubRelationLinked):
        find_link([HELD], card, identifier)
