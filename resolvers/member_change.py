"""What is to be done to a member, and what came of it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from domain.member import FIXED_KEYS, MASK, Member
from domain.record import record
from domain.rules.fixed import member_definitions
from resolvers.context import Context


@record
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


@record
class Changed:
    """The member after the change, the attribute keys that were ignored, and the member before, if there was one."""

    member: Member
    ignored_keys: Sequence[str]
    before: Member | None = None


def note_change(tx: Connection, ctx: Context, use_case: str, changed: Changed) -> None:
    """Write down what an administrator did to a member: what was and what is, of the person no more than the names.

    The trail is kept for good, and an erasure could not reach them there.
    """
    personal = {one.key for one in member_definitions(ctx.program(tx).configuration) if one.pi}
    before = {} if changed.before is None else _values(changed.before)
    after = _values(changed.member)
    moved = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    ctx.audit(
        tx,
        f"member.{use_case}",
        f"member:{changed.member.id}",
        before=None if changed.before is None else _told(before, moved, personal),
        after=_told(after, moved, personal),
    )


def _values(member: Member) -> dict[str, Any]:
    fixed = {key: value for key in FIXED_KEYS if (value := getattr(member, key)) is not None}
    return {**fixed, **member.attributes}


def _told(values: Mapping[str, Any], keys: Sequence[str], personal: Collection[str]) -> dict[str, Any]:
    return {key: MASK if key in personal else values[key] for key in keys if key in values}
