"""A member as its program sees it, and the rules for what may be written about one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from domain.errors import BadRequest, InvalidAttribute
from domain.rules.attributes import AttributeInvalid, AttributeMissing, storable, validate_attributes
from domain.rules.fixed import FIXED_MEMBER_ATTRIBUTES, member_definitions
from domain.rules.model import Configuration, Scalar

ACTIVE, SUSPENDED, LOGIN_BLOCKED, CANCELLED, INACTIVE, MEMBERSHIP_BLOCKED = range(1, 7)

FIXED_KEYS = frozenset(definition.key for definition in FIXED_MEMBER_ATTRIBUTES)

_ERASED = "ERASED-"

MEMBER_WRITABLE = FIXED_KEYS - {"relation_reference", "status"}
"""All that members may change about themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
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


def check_reference(reference: str) -> None:
    """Refuse a new member's reference that an erased one may come to have. Raises InvalidAttribute."""
    if reference.upper().startswith(_ERASED):
        raise InvalidAttribute(f"relation_reference: {_ERASED} is reserved", field="relation_reference")


def read_values(
    configuration: Configuration, given: Mapping[str, Any], *, ignore_unknown: bool, is_new: bool
) -> tuple[dict[str, Scalar], list[str]]:
    """Checked values by key, and unknown keys that were ignored.

    Raises InvalidAttribute, BadRequest (something mandatory is missing).
    """
    try:
        values, ignored = validate_attributes(
            member_definitions(configuration), given, ignore_unknown=ignore_unknown, require_mandatory=is_new
        )
    except AttributeInvalid as error:
        raise InvalidAttribute(str(error), field=error.key) from error
    except AttributeMissing as error:
        raise BadRequest(str(error), field=error.key) from error
    if values.get("status", ACTIVE) not in range(1, 7):
        raise InvalidAttribute("status: not one of 1 to 6", field="status")
    return values, ignored


def changed(member: Member, values: Mapping[str, Scalar], now: datetime) -> Member:
    """The member with these values; the first time in status 1 is the activation."""
    fixed: dict[str, Any] = {key: value for key, value in values.items() if key in FIXED_KEYS}
    custom = storable({key: value for key, value in values.items() if key not in FIXED_KEYS})
    if isinstance(fixed.get("dob"), datetime):
        fixed["dob"] = fixed["dob"].date()
    updated = replace(member, **fixed, attributes={**member.attributes, **custom})
    if updated.status == ACTIVE and updated.activated_at is None:
        updated = replace(updated, activated_at=now)
    return updated
