"""What may be written about a member: light checks, blanks cut off, and what a blank means."""

from datetime import date
from typing import Any

import pytest

from domain.errors import BadRequest, InvalidAttribute
from domain.member import read_values
from domain.rules.attributes import by_key
from domain.rules.fixed import member_definitions
from domain.rules.model import AttributeDefinition, Configuration

CONFIGURATION = Configuration(
    member_attributes=(
        AttributeDefinition(key="card", name="Card", type="string", mandatory=True),
        AttributeDefinition(key="size", name="Size", type="int"),
        AttributeDefinition(key="full_name", name="Full name", type="string", mandatory=True),
    )
)
DEFINITIONS = by_key(member_definitions(CONFIGURATION))
TODAY = date(2026, 2, 3)


def _read(given: dict[str, Any], *, is_new: bool = False, clears: bool = True) -> dict[str, Any]:
    values, _ = read_values(DEFINITIONS, given, today=TODAY, ignore_unknown=False, is_new=is_new, clears=clears)
    return values


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("email_id", "a@b.c"),
        ("email_id", "ada.lovelace+shop@mail.example.co.uk"),
        ("email_id", "ädä@exämple.org"),
        ("mobile_number", "12345"),
        ("mobile_number", "+49 (170) 123-45.67"),
        ("mobile_number", "1" * 20),
        ("dob", date(1900, 1, 1)),
        ("dob", TODAY),
        ("preferred_language", "en"),
        ("preferred_language", "zh-Hant-TW"),
        ("preferred_language", "de_AT"),
        ("preferred_language", "x" * 35),
    ],
)
def test_what_members_really_have_is_accepted(key: str, given: Any) -> None:
    assert _read({key: given}) == {key: given}


@pytest.mark.parametrize(
    ("key", "given"),
    [
        *(("email_id", one) for one in ("notmail", "a@b", "@b.c", "a@.", "a b@c.d", "a@b c.d", "a@b@c.d", "a@b.c.")),
        *(("mobile_number", one) for one in ("123", "+1 2-3.4", "1" * 21, "12345a", "12+345", "++12345", "１２３４５")),
        *(("preferred_language", one) for one in ("e" * 36, "<b>", "de AT", "-de", "de-", "de--AT", "dé", "１")),
        *(("dob", one) for one in ("2026-02-04", "2090-01-01", "1899-12-31", date(2026, 2, 4))),
    ],
)
def test_what_cannot_be_right_is_refused(key: str, given: Any) -> None:
    with pytest.raises(InvalidAttribute) as refused:
        _read({key: given})
    assert refused.value.field == key
    assert str(given) not in refused.value.text


def test_blanks_around_a_text_are_cut_off_but_not_around_a_reference() -> None:
    given = {"preferred_language": " en\t", "email_id": " a@b.c ", "card": " C 1 ", "relation_reference": " R "}
    assert _read(given) == {"preferred_language": "en", "email_id": "a@b.c", "card": "C 1", "relation_reference": " R "}


@pytest.mark.parametrize("blank", ["", "   ", "\t", "\u00a0"])
def test_a_blank_clears_in_an_update_and_says_nothing_elsewhere(blank: str) -> None:
    keys = ("email_id", "mobile_number", "address", "gender", "dob", "preferred_language", "size")
    given = dict.fromkeys(keys, blank)
    assert _read(given) == dict.fromkeys(keys)
    assert _read(given, clears=False) == {}
    assert _read(dict.fromkeys(keys)) == {}
    assert _read({"status": blank}) == {}


@pytest.mark.parametrize("key", ["card", "full_name"])
def test_what_is_mandatory_is_not_cleared_and_not_left_out(key: str) -> None:
    with pytest.raises(InvalidAttribute, match="mandatory"):
        _read({key: " "})
    mandatory = {"card": "C-1", "full_name": "Ada"}
    with pytest.raises(BadRequest):
        _read(mandatory | {key: " "}, is_new=True, clears=False)
    assert _read(mandatory, is_new=True, clears=False) == mandatory
