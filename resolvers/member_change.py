"""What is to be done to a member, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from domain.member import Member
from resolvers.context import Context


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
    """The member after the change, the attribute keys that were ignored, and the member before, if there was one."""

    member: Member
    ignored_keys: Sequence[str]
    before: Member | None = None


def note_change(tx: Connection, ctx: Context, use_case: str, change: Change, changed: Changed) -> None:
    """Write down what an administrator did to a member: names of what changed, and no more than that of the person."""
    before, after = changed.before, changed.member
    ctx.audit(
        tx,
        f"member.{use_case}",
        f"member:{after.id}",
        before=None if before is None else {"status": before.status},
        after={"status": after.status, "given": sorted(change.values)},
    )
