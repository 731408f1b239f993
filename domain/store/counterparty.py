"""The other side of transfers."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, and_, or_, select

from domain.models import account, ledger_entry, member, member_merge

_OTHER = ledger_entry.alias("other")
_OTHER_ACCOUNT = account.alias("other_account")
_OTHER_MEMBER = member.alias("other_member")


def other_sides(
    tx: Connection, program_id: int, entry_ids: Sequence[int], *, sent_by: Collection[int] | None
) -> dict[int, str]:
    """The reference of who is on the other side, by posting; none for who was erased.

    With `sent_by` only of what these members sent, and only where it is the reference that was named then: not of who
    ever answered for another since a merge, and not of what a merge moved or its undoing gave back.
    """
    query = (
        select(ledger_entry.c.id, _OTHER_MEMBER.c.relation_reference)
        .join(_OTHER, and_(_OTHER.c.program_id == ledger_entry.c.program_id, _OTHER.c.id == ledger_entry.c.related_id))
        .join(
            _OTHER_ACCOUNT,
            and_(_OTHER_ACCOUNT.c.program_id == _OTHER.c.program_id, _OTHER_ACCOUNT.c.id == _OTHER.c.account_id),
        )
        .join(
            _OTHER_MEMBER,
            and_(
                _OTHER_MEMBER.c.program_id == _OTHER_ACCOUNT.c.program_id,
                _OTHER_MEMBER.c.id == _OTHER_ACCOUNT.c.member_id,
            ),
        )
        .where(
            ledger_entry.c.program_id == program_id,
            ledger_entry.c.id.in_(entry_ids),
            ledger_entry.c.kind == "transfer",
            _OTHER_MEMBER.c.erased_at.is_(None),
        )
    )
    if sent_by is not None:
        survivor, victim = member_merge.c.survivor_id, member_merge.c.victim_id
        parted = and_(survivor == account.c.member_id, victim == _OTHER_MEMBER.c.id)
        merged = select(member_merge.c.id).where(
            member_merge.c.program_id == program_id, or_(survivor == _OTHER_MEMBER.c.id, parted)
        )
        query = query.join(
            account, and_(account.c.program_id == program_id, account.c.id == ledger_entry.c.account_id)
        ).where(account.c.member_id.in_(sent_by), ledger_entry.c.points < 0, ~merged.exists())
    return {row.id: row.relation_reference for row in tx.execute(query)}
