"""Reading configuration files: both formats alike, exact numbers, and bombs that do not go off."""

import time
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.document import MAX_DEPTH, load_document
from domain.rules.problem import ConfigurationInvalid


def test_yaml_and_json_give_the_same_document() -> None:
    expected = {"a": Decimal("1.50"), "b": [1, True, None, "x"], "c": {"4": "gift"}}
    assert load_document('a: 1.50\nb: [1, true, ~, "x"]\nc: {4: gift}\n') == expected
    assert load_document(b'\xef\xbb\xbf{"a": 1.50, "b": [1, true, null, "x"], "c": {"4": "gift"}}') == expected


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1.50", Decimal("1.50")),
        ("-0.1", Decimal("-0.1")),
        (".5", Decimal("0.5")),
        ("1e3", Decimal("1E+3")),
        ("+7", 7),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("no", "no"),
        ("2026-01-02", "2026-01-02"),
        ("'5'", "5"),
        (".", "."),
        ("-", "-"),
        (".e5", ".e5"),
    ],
)
def test_a_word_of_yaml_is_a_number_only_if_it_looks_like_one(word: str, value: object) -> None:
    if word == "-":
        word = "'-'"
    read = load_document(f"a: {word}")["a"]
    assert read == value
    assert type(read) is type(value)
    assert str(read) == str(value)


@given(st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=8))
def test_a_decimal_keeps_its_digits(value: Decimal) -> None:
    text = format(value, "f")
    for document in (f"a: {text}", f'{{"a": {text}}}'):
        read = load_document(document)["a"]
        assert isinstance(read, Decimal)
        assert format(read, "f") == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: *x", "aliases"),
        ("a: !!python/object:os.system x", "tags"),
        ("a: 1\na: 2", "a: duplicate key"),
        ('{"a": {"b": 1, "b": 2}}', "a.b: duplicate key"),
        ("a: .nan", "not a number"),
        ("a: -.inf", "not a number"),
        ('{"a": NaN}', "not a number"),
        ('{"a": -Infinity}', "not a number"),
        ("a: 1e999999999", "out of range"),
        ('{"a": 1e999999999}', "out of range"),
        ("a: 1e99999999999999999999", "out of range"),
        ('{"a": 1e99999999999999999999}', "out of range"),
        ('{"a": -1.5E-99999999999999999999}', "out of range"),
        ('{"a": "\\u0000"}', "control characters"),
        ('{"a": "\\ud800"}', "control characters"),
        ("a: \x00", "not readable"),
        (b"a: \xff", "not UTF-8"),
        ("a: \ud800", "not UTF-8"),
        ("a: [1", "line 2"),
        ("--- {a: 1}\n--- {b: 2}", "more than one document"),
        ("", "empty"),
        ("# only a comment", "empty"),
        ("[1, 2]", "must be an object"),
        ("? [a]\n: b", "a key must be a text"),
        ("<<: {a: 1}\n*x : 1", "aliases"),
    ],
)
def test_what_is_not_plain_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=message):
        load_document(text)


ALIAS_BOMB = "a: &a [x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(20)
)


@pytest.mark.parametrize(
    "bomb",
    [
        ALIAS_BOMB,
        "[" * 500_000,
        '{"a":' * 150_000,
        "{a: " * 200_000,
        "- " * 400_000,
        "a: " + "9" * 1_000_000,
        "x" * 10_000_000,
        "é" * 600_000,
        "a: [" + "1," * 260_000 + "]",
        '{"a": [' + "1," * 260_000 + "1]}",
    ],
    ids=lambda bomb: f"{bomb[:6]}...{len(bomb)}",
)
def test_a_bomb_is_refused_fast(bomb: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ConfigurationInvalid):
        load_document(bomb)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("opening", ['{"a": %s}', "a: %s"])
def test_the_depth_limit_is_the_same_in_both_formats(opening: str) -> None:
    fits, too_deep = ("[" * depth + "]" * depth for depth in (MAX_DEPTH - 1, MAX_DEPTH))
    assert load_document(opening % fits)
    with pytest.raises(ConfigurationInvalid, match="nested deeper"):
        load_document(opening % too_deep)


@given(st.binary(max_size=200) | st.text(alphabet="{}[]:,-&*!|>'\"#%@? \n\tab1.", max_size=60))
def test_noise_is_read_or_refused_and_nothing_else(noise: bytes | str) -> None:
    with suppress(ConfigurationInvalid):
        assert isinstance(load_document(noise), dict)
