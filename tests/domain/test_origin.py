"""Addresses that are one are counted as one, and what names nobody as none."""

import pytest

from domain.origin import read_origin


@pytest.mark.parametrize(
    "alike",
    [
        ("198.51.100.9", " 198.51.100.9 ", "198.51.100.9:443", "::ffff:198.51.100.9", "198.51.100.9, 10.0.0.1"),
        ("2001:db8::1", "2001:0db8::0001", "[2001:db8::1]:443", "[2001:DB8::1]", "2001:db8::ffff", "2001:db8::1%eth0"),
        ("Ann@Example.org", "ann@example.org"),
        ("+91 98450-12345", "919845012345"),
    ],
)
def test_one_address_is_one_however_it_is_written(alike: tuple[str, ...]) -> None:
    found = {read_origin(text) for text in alike}
    assert len(found) == 1
    assert None not in found


def test_other_addresses_are_others() -> None:
    others = ("198.51.100.9", "198.51.100.8", "2001:db8::1", "2001:db8:0:1::1", "a@b.c", "919845012345")
    assert len({read_origin(text) for text in others}) == len(others)


@pytest.mark.parametrize("text", ["", "  ", "Web", "127.0.0.1", "0.0.0.0", "::1", "::", "[::1]:80", "12345"])  # noqa: S104 - a text, which nothing is bound to
def test_what_names_nobody_in_particular_is_no_address(text: str) -> None:
    assert read_origin(text) is None
