"""A member as its program sees it, and the rules for what may be written about one."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from domain.errors import BadRequest, InvalidAttribute
from domain.record import record
from domain.rules.attributes import (
    AttributeInvalid,
    AttributeMissing,
    check_mandatory,
    storable,
    validate_attributes,
)
from domain.rules.fixed import FIXED_MEMBER_ATTRIBUTES
from domain.rules.model import AttributeDefinition, Scalar

ACTIVE, SUSPENDED, LOGIN_BLOCKED, CANCELLED, INACTIVE, MEMBERSHIP_BLOCKED = range(1, 7)

FIXED_KEYS = frozenset(definition.key for definition in FIXED_MEMBER_ATTRIBUTES)

_ERASED = "ERASED-"
MASK = "***"
"""What stands in the place of a text that is not for the caller."""

NEVER_CLEARED = frozenset({"relation_reference", "status"})

MEMBER_WRITABLE = FIXED_KEYS - NEVER_CLEARED
"""All that members may change about themselves."""

ADDRESS_KEYS = ("email_id", "mobile_number")
"""Where a member is reached, and gets what it signs in with."""

FIRST_YEAR_OF_BIRTH = 1900

# Light on purpose: whether an address works, only a message to it shows.
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
_MOBILE = re.compile(r"\+?[0-9]{5,20}")
# The shape of BCP 47; an underline is what other systems have in place of the hyphen.
_LANGUAGE = re.compile(r"(?=.{1,35}\Z)[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
_MOBILE_SEPARATORS = str.maketrans("", "", " -.()")


@record
class Member:
    """A member as its program sees it. `attributes` are the custom ones, by key, as stored.

    `tier_qualified_at` is when the member last met the conditions of its tier.
    Since `erased_at` nothing of the person is left but numbers.
    """

    id: int
    relation_reference: str
    status: int
    full_name: str | None = None
    email_id: str | None = None
    mobile_number: str | None = None
    gender: str | None = None
    dob: date | None = None
    address: str | None = None
    preferred_language: str | None = None
    attributes: Mapping[str, Any]
    accrual_allowed: bool
    enrolled_at: datetime
    activated_at: datetime | None = None
    last_logged_in_at: datetime | None = None
    tier: str | None = None
    tier_since: datetime | None = None
    tier_qualified_at: datetime | None = None
    referral_code: str | None = None
    referred_by: int | None = None
    referral_rewarded_at: datetime | None = None
    erased_at: datetime | None = None


def erased_reference(member_id: int) -> str:
    """The reference that is left of an erased member: unique, and no one's."""
    return f"{_ERASED}{member_id}"


def read_values(
    definitions: Mapping[str, AttributeDefinition],
    given: Mapping[str, Any],
    *,
    today: date,
    ignore_unknown: bool,
    is_new: bool,
    clears: bool = False,
) -> tuple[dict[str, Scalar | None], list[str]]:
    """Checked values by key, None for what is to be cleared, and unknown keys that were ignored.

    Blanks around a text are cut off. A blank text is not given, and with `clears` clears what has it. `today`
    is the program's day, `definitions` its `member_definitions` by key. Raises InvalidAttribute, BadRequest (something
    mandatory is missing).
    """
    # References are exact: whoever asks for one later asks with its blanks.
    given = {
        key: value.strip() if isinstance(value, str) and key != "relation_reference" else value
        for key, value in given.items()
    }
    try:
        values, ignored = validate_attributes(
            definitions, given, ignore_unknown=ignore_unknown, require_mandatory=is_new
        )
    except AttributeInvalid as error:
        raise InvalidAttribute(str(error), field=error.key) from error
    except AttributeMissing as error:
        raise BadRequest(str(error), field=error.key) from error
    if values.get("status", ACTIVE) not in range(1, 7):
        raise InvalidAttribute("status: not one of 1 to 6", field="status")
    _check_form(values, today)
    return {**values, **_cleared(definitions.values(), given)} if clears else {**values}, ignored


def require_mandatory(definitions: Iterable[AttributeDefinition], values: Mapping[str, Any]) -> None:
    """See to it that these values are enough for a new member. Raises BadRequest (something mandatory is missing)."""
    try:
        check_mandatory(definitions, values)
    except AttributeMissing as error:
        raise BadRequest(str(error), field=error.key) from error


def check_reference(reference: str) -> None:
    """Refuse a new reference that looks like another one, or that an erased member may come to have.

    Outer blanks, or letters that nobody sees. Raises InvalidAttribute.
    """
    if reference.upper().startswith(_ERASED):
        raise InvalidAttribute(f"relation_reference: {_ERASED} is reserved", field="relation_reference")
    # A space is the only blank that counts as printable.
    if reference != reference.strip() or not reference.isprintable():
        raise InvalidAttribute(
            "relation_reference: blanks around it and invisible characters are not accepted", field="relation_reference"
        )


def _check_form(values: Mapping[str, Scalar], today: date) -> None:
    """Raise InvalidAttribute for what cannot be a language, an e-mail address, a mobile number or a date of birth."""
    email, mobile, dob = values.get("email_id"), values.get("mobile_number"), values.get("dob")
    language = values.get("preferred_language")
    if language is not None and not _LANGUAGE.fullmatch(str(language)):
        raise InvalidAttribute("preferred_language: not a language tag such as en or pt-BR", field="preferred_language")
    if email is not None and not _EMAIL.fullmatch(str(email)):
        raise InvalidAttribute("email_id: not an e-mail address", field="email_id")
    if mobile is not None and not _is_mobile(str(mobile)):
        raise InvalidAttribute("mobile_number: not a phone number of 5 to 20 digits", field="mobile_number")
    if isinstance(dob, date):
        day = dob.date() if isinstance(dob, datetime) else dob
        if not (day.year >= FIRST_YEAR_OF_BIRTH and day <= today):
            raise InvalidAttribute(f"dob: before {FIRST_YEAR_OF_BIRTH} or in the future", field="dob")


def _is_mobile(text: str) -> bool:
    # Most are written without separators, and to look for them takes longer than all the rest.
    return bool(_MOBILE.fullmatch(text) or _MOBILE.fullmatch(text.translate(_MOBILE_SEPARATORS)))


def _cleared(definitions: Iterable[AttributeDefinition], given: Mapping[str, Any]) -> dict[str, None]:
    """What a blank text clears. Raises InvalidAttribute for something mandatory."""
    cleared = [one for one in definitions if given.get(one.key) == "" and one.key not in NEVER_CLEARED]
    for one in cleared:
        if one.mandatory:
            raise InvalidAttribute(f"{one.key}: is mandatory", field=one.key)
    return dict.fromkeys(one.key for one in cleared)


def masked(member: Member, personal: Collection[str]) -> Member:
    """The member for whom its person is no business: personal texts as `***`, other personal values as none."""
    fixed: dict[str, Any] = {
        key: MASK if isinstance(value, str) else None
        for key in FIXED_KEYS & set(personal) - NEVER_CLEARED
        if (value := getattr(member, key)) is not None
    }
    custom = {key: MASK if key in personal else value for key, value in member.attributes.items()}
    return replace(member, **fixed, attributes=custom)


def moved_addresses(before: Member, after: Member) -> list[str]:
    """The keys of the addresses that are others now; letters count in their case, as they do for some mailboxes."""
    return [key for key in ADDRESS_KEYS if getattr(before, key) != getattr(after, key)]


def changed(member: Member, values: Mapping[str, Scalar | None], now: datetime) -> Member:
    """The member with these values, None for none; the first time in status 1 is the activation."""
    fixed, custom = _parted(values)
    kept = {key: value for key, value in member.attributes.items() if key not in custom}
    given = storable({key: value for key, value in custom.items() if value is not None})
    if member.activated_at is None and fixed.get("status", member.status) == ACTIVE:
        fixed["activated_at"] = now
    return replace(member, **fixed, attributes={**kept, **given})


def enrolled(values: Mapping[str, Scalar | None], now: datetime, **own: Any) -> Member:
    """A new member with these values, inactive unless they say otherwise; `own` is what nobody gives."""
    fixed, custom = _parted(values)
    given = storable({key: value for key, value in custom.items() if value is not None}) if custom else {}
    status = fixed.setdefault("status", INACTIVE)
    fixed["activated_at"] = now if status == ACTIVE else None
    return Member(**own, **fixed, attributes=given, accrual_allowed=True, enrolled_at=now)


def _parted(values: Mapping[str, Scalar | None]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of fixed attributes and of the program's own, as members have them."""
    fixed: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for key, value in values.items():
        (fixed if key in FIXED_KEYS else custom)[key] = value
    if isinstance(fixed.get("dob"), datetime):
        fixed["dob"] = fixed["dob"].date()
    return fixed, custom
