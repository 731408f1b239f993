"""Hostile and unusual bodies, without an application around them."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadRequest
from rest_compat.body import MAX_DEPTH, parse_form, parse_json
from rest_compat.envelope import render

TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"[]",
        b'"text"',
        b"null",
        b'{"a":1',
        b'{"a":1}{}',
        b'{"a":1,}',
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":1,"\\u0061":2}',
        b'{"e\xcc\x81":1,"\xc3\xa9":2}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e999999999}',
        b'{"a":1e99999999999999999999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":0.' + b"1" * 100 + b"}",
        b'{"a":"\\u0000"}',
        b'{"\\u0000":1}',
        b'{"a":"\x00"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        '{"a":1}'.encode("utf-16"),
        nested(MAX_DEPTH + 1),
        b"[" * 100_000,
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_json(raw)


@pytest.mark.parametrize("length", [65, 4300, 4301, 100_000])
@pytest.mark.parametrize("sign", [b"", b"-"])
def test_a_long_number_is_refused_in_our_own_words(length: int, sign: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_json(b'{"a":' + sign + b"7" * length + b"}")
    assert refused.value.detail == "body: number too long"


def test_the_deepest_body_that_is_read() -> None:
    assert parse_json(nested(MAX_DEPTH)) != {}


def test_brackets_in_texts_are_not_depth() -> None:
    assert parse_json(b'{"a":"%s"}' % (b"[" * 100)) == {"a": "[" * 100}
    assert parse_json(b'{"a":"\\"%s"}' % (b"{" * 100)) == {"a": '"' + "{" * 100}


@pytest.mark.parametrize("raw", [b'{"a":"' + b'\\"' * 500_000, b"[" + b"[]," * 300_000, b'{"a":' + b"{}" * 500_000])
def test_a_hostile_body_is_refused_in_one_pass(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_json(raw)


def test_numbers_keep_their_digits() -> None:
    parsed = parse_json(b'{"a":0.10,"b":12345678901234567.89,"c":1e2,"d":7}')
    assert parsed == {"a": Decimal("0.10"), "b": Decimal("12345678901234567.89"), "c": Decimal("1E+2"), "d": 7}


def test_texts_come_in_composed_form() -> None:
    assert parse_json('{"a":"e\u0301"}'.encode()) == {"a": "\u00e9"}
    assert parse_json(b'{"a":["e\\u0301"]}') == {"a": ["\u00e9"]}


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@given(st.dictionaries(TEXTS.filter(str.isascii), VALUES, max_size=4))
def test_what_we_write_we_read(value: dict[str, Any]) -> None:
    try:
        read = parse_json(render(value))
    except BadRequest:
        # Keys of inner objects may become equal when they are composed.
        return
    assert read.keys() == value.keys()


@pytest.mark.parametrize(
    "raw", [b"a=1&a=2", b"a=%ff", b"a=%00", b"\xff=1", b"&".join([b"%d=1" % n for n in range(101)])]
)
def test_parameters_that_are_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_form(raw)


def test_parameters() -> None:
    assert parse_form(b"") == {}
    assert parse_form(b"a=1&b=&c=%C3%A9+x") == {"a": "1", "b": "", "c": "é x"}
