"""Whom a caller names when somebody is to prove who it is: a member, or nobody, which must not show."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.crypto import KeyRing
from domain.member import Member
from domain.member_status import Operation, refusal_by_status
from domain.session import End
from domain.store.login import forget_failures_of
from domain.store.member import Stored, find_members
from domain.store.member_secret import forget_secret
from domain.store.message import forget_messages_of
from domain.store.otp import forget_codes_of
from domain.store.session import end_sessions_of, forget_links_of, forget_sessions_of
from domain.store.unique_value import owners


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """How a member is named: by its reference, exact, or by its e-mail address, in any letter case."""

    reference: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A keyed hash of whom it is about, and the member if there is one.

    A member is one subject by whatever name it is asked for, also by that of somebody it answers for since a merge.
    """

    digest: bytes
    stored: Stored | None

    @property
    def member(self) -> Member | None:
        """The member."""
        return None if self.stored is None else self.stored.member

    @property
    def member_id(self) -> int | None:
        """The member's id."""
        return None if self.stored is None else self.stored.member.id


def find_subject(tx: Connection, keys: KeyRing, program_id: int, named: Named, *, lock: bool = False) -> Subject:
    """Whom this name leads to, the member locked if asked for."""
    if named.email is not None:
        digest = keys.lookup_hash(program_id, "email_id", named.email)
        ids = list(owners(tx, program_id, "email_id", [digest]).values())
        found = find_members(tx, keys, program_id, ids=ids, follow=True, lock=lock)
        unknown = f"email:{digest.hex()}"
    else:
        found = find_members(tx, keys, program_id, references=[named.reference or ""], lock=lock)
        # A look-up hash leaves letter case out, and references that differ in case are of different members.
        unknown = f"reference:{(named.reference or '').encode().hex()}"
    if not found or found[0].member.erased_at is not None:
        return Subject(keys.lookup_hash(program_id, "subject", unknown), None)
    return Subject(subject_of(keys, program_id, found[0].member.id), found[0])


def subject_of(keys: KeyRing, program_id: int, member_id: int) -> bytes:
    """The keyed hash that stands for a member."""
    return keys.lookup_hash(program_id, "subject", f"member:{member_id}")


def forget_access(tx: Connection, program_id: int, member_id: int) -> None:
    """Delete all by which a member proves itself, and the messages that were to help it."""
    forget_secret(tx, program_id, member_id)
    forget_failures_of(tx, program_id, [member_id])
    forget_codes_of(tx, program_id, [member_id])
    forget_sessions_of(tx, program_id, [member_id])
    forget_messages_of(tx, program_id, member_id)


def follow_status(tx: Connection, program_id: int, members: Collection[Member], now: datetime) -> None:
    """Members were given a status: no lockout that lapses takes it back, and whom it keeps out is signed out."""
    forget_failures_of(tx, program_id, [one.id for one in members])
    kept_out = [one.id for one in members if refusal_by_status(Operation.LOGIN, one.status) is not None]
    sign_out(tx, program_id, kept_out, End.STATUS, now)


def sign_out(
    tx: Connection, program_id: int, member_ids: Collection[int], by: End, now: datetime, *, spared: int | None = None
) -> list[int]:
    """End all sessions of these members, and kill the links by which they could begin others: the ids that ended.

    `spared` is the session that goes on all the same.
    """
    forget_links_of(tx, program_id, member_ids)
    return end_sessions_of(tx, program_id, member_ids, by, now, spared=spared)
