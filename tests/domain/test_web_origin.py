"""How a program may name the origins of its pages, and the page that links lead to."""

import pytest

from domain.web_origin import read_origin, read_page


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://shop.example", "https://shop.example"),
        ("HTTPS://Shop.Example:443", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:80", "http://[::1]"),
        ("capacitor://localhost", "capacitor://localhost"),
    ],
)
def test_an_origin_is_read_as_browsers_write_it(given: str, read: str) -> None:
    assert read_origin(given) == read


@pytest.mark.parametrize(
    "given",
    ["*", "null", "", "shop.example", "https://", "https://*.shop.example", "https://shop.example/", "https://a b",
     "https://shop.example?x", "https://u:p@shop.example", "http://shop.example", "ftp://shop.example",
     "https://shop.example:99999", "https://shop.example#", "https://bücher.example", "javascript://localhost",
     "https://shop.example/x", "https://shop.example\r\nx: y"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"is no|must begin"):
        read_origin(given)


def test_a_page_may_have_a_path_and_a_query() -> None:
    for given in ("https://shop.example", "https://shop.example/sign-in?lang=de", "http://localhost:5173/in"):
        assert read_page(given) == given


@pytest.mark.parametrize(
    "given",
    ["https://shop.example/#in", "http://shop.example/in", "https://shop.example/<b>", "https://shop.example/a b",
     "https://shop.example/{link}", "https://shop.example/\u202e"],
)  # fmt: skip
def test_what_is_no_page_for_a_token_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"is no|must"):
        read_page(given)
