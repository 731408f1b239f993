"""Which items of a list are asked for, and in which order: the inputs of connections."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any

import strawberry

from domain.errors import InvalidRequest
from resolvers.days import Days
from resolvers.member import MemberFilter, MemberOrder
from resolvers.statement import EntryFilter
from resolvers.transaction import TransactionFilter
from schema.types.batch import BatchStatus
from schema.types.entry import Bucket, EntryKind
from schema.types.member_status import MemberStatus
from schema.types.transaction import TransactionStatus, TransactionType

MAX_VALUES = 100

_FROM = "The first day of transaction dates, in the program's time zone; null: from the beginning."
_TO = "The last day of transaction dates, inclusive; null: to the end."


@strawberry.input(description="Which postings: what is given has to hold at once.")
class LedgerFilter:
    kinds: list[EntryKind] | None = strawberry.field(
        default=None, description="Of one of these kinds, at most 100; null: of any."
    )
    buckets: list[Bucket] | None = strawberry.field(
        default=None, description="Moving one of these figures of the balance, at most 100; null: any."
    )
    from_: date | None = strawberry.field(default=None, name="from", description=_FROM)
    to: date | None = strawberry.field(default=None, description=_TO)


@strawberry.input(description="Which transactions: what is given has to hold at once.")
class TransactionsFilter:
    statuses: list[TransactionStatus] | None = strawberry.field(
        default=None, description="In one of these statuses, at most 100; null: in any."
    )
    transaction_type: TransactionType | None = strawberry.field(
        default=None, description="Purchases or refunds only; null: both."
    )
    from_: date | None = strawberry.field(default=None, name="from", description=_FROM)
    to: date | None = strawberry.field(default=None, description=_TO)


@strawberry.input(description="Which batch files: what is given has to hold at once.")
class BatchFilter:
    batch_id: int | None = strawberry.field(
        default=None, description="The one of this number, as handbacks have it; null: of any."
    )
    type: str | None = strawberry.field(default=None, description="Of this type, as `CPD` or `TXN`; null: of any.")
    status: BatchStatus | None = strawberry.field(default=None, description="In this status; null: in any.")


@strawberry.input(description="Which members: what is given has to hold at once.")
class MembersFilter:
    statuses: list[MemberStatus] | None = strawberry.field(
        default=None, description="In one of these statuses, at most 100; null: in any."
    )
    enrolled_from: date | None = strawberry.field(
        default=None, description="Enrolled on this day or later, in the program's time zone; null: at any time."
    )
    enrolled_to: date | None = strawberry.field(
        default=None, description="Enrolled on this day or before; null: at any time."
    )
    tier: str | None = strawberry.field(default=None, description="With the tier of this name; null: any or none.")
    reference_prefix: str | None = strawberry.field(
        default=None,
        description="With a reference that begins so, exact in case; the members come in the order of references.",
    )
    email_id: str | None = strawberry.field(
        default=None,
        description="With this whole e-mail address, in any letter case. It is kept so that parts of it find nothing.",
    )
    mobile_number: str | None = strawberry.field(default=None, description="With this whole mobile number.")


@strawberry.enum(description="What members are ordered by.")
class MemberOrderField(Enum):
    ENROLLMENT = strawberry.enum_value("enrolment", description="The instant of the enrolment.")
    REFERENCE = strawberry.enum_value("reference", description="The reference, character by character.")


@strawberry.enum(description="Which end of an order comes first.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("asc", description="The lowest, or the earliest.")
    DESC = strawberry.enum_value("desc", description="The highest, or the latest.")


@strawberry.input(description="An order of members.")
class MembersOrder:
    field: MemberOrderField = strawberry.field(description="What they are ordered by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which end comes first.")


ORDERS: Mapping[MemberOrderField, MemberOrder] = {
    MemberOrderField.ENROLLMENT: "enrolment",
    MemberOrderField.REFERENCE: "reference",
}


def to_member_filter(given: MembersFilter | None) -> MemberFilter:
    """The filter that an input stands for. Raises InvalidRequest."""
    if given is None:
        return MemberFilter()
    return MemberFilter(
        statuses=values_of(given.statuses, "statuses"),
        enrolled=Days(given.enrolled_from, given.enrolled_to, ("enrolled_from", "enrolled_to")),
        tier=given.tier,
        reference_prefix=given.reference_prefix,
        email_id=given.email_id,
        mobile_number=given.mobile_number,
    )


def to_entry_filter(given: LedgerFilter | None) -> EntryFilter:
    """The filter that an input stands for. Raises InvalidRequest."""
    if given is None:
        return EntryFilter()
    return EntryFilter(
        kinds=values_of(given.kinds, "kinds"),
        buckets=values_of(given.buckets, "buckets"),
        days=Days(given.from_, given.to),
    )


def to_transaction_filter(given: TransactionsFilter | None) -> TransactionFilter:
    """The filter that an input stands for. Raises InvalidRequest."""
    if given is None:
        return TransactionFilter()
    return TransactionFilter(
        statuses=values_of(given.statuses, "statuses"),
        transaction_type=None if given.transaction_type is None else given.transaction_type.name,
        days=Days(given.from_, given.to),
    )


def values_of(given: Sequence[Enum] | None, field: str) -> frozenset[Any] | None:
    """What values stand for, each once; None: no matter which. Raises InvalidRequest."""
    if given is None:
        return None
    if len(given) > MAX_VALUES:
        raise InvalidRequest(f"{field}: at most {MAX_VALUES}", field=field)
    return frozenset(one.value for one in given)
