"""Referrals in the database: whose a code is, who came by it, and what that gave."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update

from domain.ledger.posting import BONUS
from domain.models import account, ledger_entry, member
from domain.referral import new_code

_NAMED = member.alias("named")

OF_REFERRER = '{"referee_id":'
"""How the detail of a posting begins that a referrer got: keys are sorted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralFigures:
    """How many members came by a member's code, how many of them were rewarded, and the points that it got."""

    count: int = 0
    rewarded: int = 0
    points: int = 0


def owners_of_codes(tx: Connection, program_id: int, codes: Collection[str]) -> dict[str, int]:
    """The members whose codes these are, by code; unknown ones are left out."""
    if not codes:
        return {}
    columns = member.c
    query = select(columns.referral_code, columns.id).where(columns.program_id == program_id)
    return {row[0]: row[1] for row in tx.execute(query.where(columns.referral_code.in_(sorted(codes))))}


def unused_codes(tx: Connection, program_id: int, count: int) -> list[str]:
    """So many fresh codes that nobody has. Of two who draw the same one at once the constraint refuses the second."""
    codes: set[str] = set()
    while len(codes) < count:
        drawn = {new_code() for _ in range(count - len(codes))}
        codes |= drawn - owners_of_codes(tx, program_id, drawn).keys()
    return list(codes)


def set_code(tx: Connection, program_id: int, member_id: int, code: str) -> None:
    """Give a code to a locked member who has none."""
    tx.execute(
        update(member)
        .where(member.c.program_id == program_id, member.c.id == member_id, member.c.referral_code.is_(None))
        .values(referral_code=code)
    )


def awaiting_activation(
    tx: Connection, program_id: int, references: Sequence[str], ids: Sequence[int]
) -> dict[int, int]:
    """Those of the named members who came by a code and were never active, each with whose code it was.

    A name leads to the member who answers for it since a merge.
    """
    answers = func.coalesce(_NAMED.c.merged_into, _NAMED.c.id)
    query = select(member.c.id, member.c.referred_by).join(
        _NAMED, (member.c.program_id == _NAMED.c.program_id) & (member.c.id == answers)
    )
    named = _NAMED.c.relation_reference.in_(references) | _NAMED.c.id.in_(ids)
    rows = tx.execute(
        query.where(_NAMED.c.program_id == program_id, named, member.c.referred_by.is_not(None)).where(
            member.c.activated_at.is_(None), member.c.referral_rewarded_at.is_(None)
        )
    )
    return {row.id: row.referred_by for row in rows}


def open_referrals(tx: Connection, program_id: int, member_ids: Sequence[int]) -> set[int]:
    """Those of these members who came by a code and were not rewarded yet."""
    return set(
        tx.scalars(
            select(member.c.id).where(
                member.c.program_id == program_id,
                member.c.id.in_(member_ids),
                member.c.referred_by.is_not(None),
                member.c.referral_rewarded_at.is_(None),
            )
        )
    )


def count_rewarded(tx: Connection, program_id: int, answering: Mapping[int, int]) -> dict[int, int]:
    """How many referrals were rewarded: by who answers, from the owners of codes with who answers for each."""
    query = select(member.c.referred_by, func.count()).where(
        member.c.program_id == program_id,
        member.c.referred_by.in_(sorted(answering)),
        member.c.referral_rewarded_at.is_not(None),
    )
    found: dict[int, int] = {}
    for owner, number in tx.execute(query.group_by(member.c.referred_by)):
        found[answering[owner]] = found.get(answering[owner], 0) + number
    return found


def mark_rewarded(tx: Connection, program_id: int, member_ids: Collection[int], at: datetime) -> None:
    """Note that these referred members were rewarded. Their accounts are locked."""
    if member_ids:
        tx.execute(
            update(member)
            .where(member.c.program_id == program_id, member.c.id == bindparam("for_member"))
            .values(referral_rewarded_at=at),
            [{"for_member": one} for one in sorted(member_ids)],
        )


def referral_figures(tx: Connection, program_id: int, owners: Sequence[int]) -> dict[int, ReferralFigures]:
    """What their own codes did for these members; those for whom nothing came of it may be left out."""
    counted = tx.execute(
        select(member.c.referred_by, func.count(), func.count(member.c.referral_rewarded_at))
        .where(member.c.program_id == program_id, member.c.referred_by.in_(owners))
        .group_by(member.c.referred_by)
    )
    numbers = {row[0]: (row[1], row[2]) for row in counted}
    of_account = (account.c.program_id == ledger_entry.c.program_id) & (account.c.id == ledger_entry.c.account_id)
    given = tx.execute(
        select(account.c.member_id, func.sum(ledger_entry.c.points))
        .join(ledger_entry, of_account)
        .where(
            account.c.program_id == program_id,
            account.c.member_id.in_(owners),
            ledger_entry.c.kind == "bonus",
            ledger_entry.c.loyalty_txn_type == BONUS,
            ledger_entry.c.detail.startswith(OF_REFERRER, autoescape=True),
        )
        .group_by(account.c.member_id)
    )
    points = {row[0]: int(row[1]) for row in given}
    found = {}
    for one in numbers.keys() | points.keys():
        count, rewarded = numbers.get(one, (0, 0))
        found[one] = ReferralFigures(count=count, rewarded=rewarded, points=points.get(one, 0))
    return found
