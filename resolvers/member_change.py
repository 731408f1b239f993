"""What is to be done to a member, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.member import Member


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What to do to one member. `action` None: enrol, or update where the reference is known.

    `clears`: a blank text clears the value; else it says nothing, as an empty cell of a file.
    `referral_code` is whose code a new member came by.
    """

    action: str | None
    values: Mapping[str, Any]
    ignore_unknown: bool | None = None
    member_id: int | None = None
    reference: str | None = None
    clears: bool = False
    referral_code: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """The member after the change, and the attribute keys that were ignored."""

    member: Member
    ignored_keys: Sequence[str]
