"""What an erasure takes out of the database, and the list of who was erased."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select, update

from domain.models import access_token, idempotency, member, member_erasure, member_transaction, member_unique_value
from domain.models.types import to_json
from domain.store.sub_relation import empty_of_member

_PROFILE_USE_CASES = ("enroll", "update", "sub-relation.link")
_AT_A_TIME = 500
_DESTROYED = b""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Who was erased, when, and under which reference by keyed hash."""

    program_id: int
    member_id: int
    reference_hash: bytes
    erased_at: datetime


def erase_profile(
    tx: Connection, program_id: int, member_id: int, *, reference: str, status: int, now: datetime
) -> None:
    """Destroy a member's key and with it all that is under it; leave the member a reference that names nobody."""
    tx.execute(
        update(member)
        .where(member.c.program_id == program_id, member.c.id == member_id)
        .values(
            relation_reference=reference,
            status=status,
            accrual_allowed=False,
            preferred_language=None,
            data_key=_DESTROYED,
            profile=_DESTROYED,
            email_hash=None,
            mobile_hash=None,
            attributes={},
            last_logged_in_at=None,
            # Others know it as that person's.
            referral_code=None,
            erased_at=now,
            version=member.c.version + 1,
        )
    )
    tx.execute(
        delete(member_unique_value).where(
            member_unique_value.c.program_id == program_id, member_unique_value.c.member_id == member_id
        )
    )
    empty_of_member(tx, program_id, member_id, now)


def erase_traces(tx: Connection, program_id: int, member_id: int, reference: str) -> None:
    """Take away tokens that name the member, and hashes over what was written to the profile.

    The keys stay: a late repeat of the enrolment is refused, and brings nobody back.
    """
    scope = to_json(["LOGIN", reference])
    tx.execute(delete(access_token).where(access_token.c.program_id == program_id, access_token.c.scope == scope))
    outcome = to_json({"member_id": member_id})
    tx.execute(
        update(idempotency)
        .where(
            idempotency.c.program_id == program_id,
            idempotency.c.use_case.in_(_PROFILE_USE_CASES),
            or_(
                idempotency.c.outcome == outcome, idempotency.c.outcome.startswith(f"{outcome[:-1]},", autoescape=True)
            ),
        )
        .values(fingerprint=_DESTROYED)
    )


def erase_transaction_attributes(tx: Connection, program_id: int, member_id: int, keys: Collection[str]) -> None:
    """Take these attributes out of a member's transactions."""
    last = 0
    while keys:
        rows = tx.execute(
            select(member_transaction.c.id, member_transaction.c.attributes)
            .where(
                member_transaction.c.program_id == program_id,
                member_transaction.c.member_id == member_id,
                member_transaction.c.id > last,
            )
            .order_by(member_transaction.c.id)
            .limit(_AT_A_TIME)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        for row in rows:
            kept = {key: value for key, value in row.attributes.items() if key not in keys}
            if kept != row.attributes:
                tx.execute(
                    update(member_transaction)
                    .where(member_transaction.c.program_id == program_id, member_transaction.c.id == row.id)
                    .values(attributes=kept)
                )


def add_erasure(tx: Connection, program_id: int, member_id: int, reference_hash: bytes, now: datetime) -> None:
    """Write down that a member was erased."""
    tx.execute(
        insert(member_erasure).values(
            program_id=program_id, member_id=member_id, reference_hash=reference_hash, erased_at=now
        )
    )


def list_erasures(tx: Connection, since: datetime | None) -> list[Erasure]:
    """Everybody who was erased then or later, in all programs, by time; None: ever."""
    query = select(member_erasure).order_by(member_erasure.c.erased_at, member_erasure.c.program_id)
    if since is not None:
        query = query.where(member_erasure.c.erased_at >= since)
    return [Erasure(one.program_id, one.member_id, one.reference_hash, one.erased_at) for one in tx.execute(query)]


def erased_since(tx: Connection, program_id: int, since: datetime) -> frozenset[int]:
    """The ids of members who were erased then or later."""
    query = select(member_erasure.c.member_id).where(
        member_erasure.c.program_id == program_id, member_erasure.c.erased_at >= since
    )
    return frozenset(tx.execute(query).scalars())


def find_erasure(tx: Connection, program_id: int, reference_hash: bytes) -> tuple[int, datetime] | None:
    """Who had this reference and was erased last, and when."""
    row = tx.execute(
        select(member_erasure.c.member_id, member_erasure.c.erased_at)
        .where(member_erasure.c.program_id == program_id, member_erasure.c.reference_hash == reference_hash)
        .order_by(member_erasure.c.erased_at.desc(), member_erasure.c.member_id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.member_id, row.erased_at)
