"""What a member's status lets happen: one table, read by every use case and by the documentation.

An operation that a status stops has the error that stops it; None: the status says nothing against it.
"""

from collections.abc import Mapping
from enum import StrEnum

from domain.errors import (
    AccrualNotAllowed,
    CancelledMemberUpdate,
    LoginBlocked,
    MemberCancelled,
    MemberNotActive,
    MembershipBlocked,
    MemberSuspended,
    TesseraError,
)
from domain.member import ACTIVE, CANCELLED, INACTIVE, LOGIN_BLOCKED, MEMBERSHIP_BLOCKED, SUSPENDED, Member

Refusal = type[TesseraError] | None


class Operation(StrEnum):
    """What may be done to or by a member."""

    EARN = "earn"
    REFUND = "refund"
    CHECK = "check"
    REDEEM = "redeem"
    REVERSE = "reverse"
    TRANSFER_SEND = "transfer_send"
    TRANSFER_RECEIVE = "transfer_receive"
    PAY_WITH_REWARDS = "pay_with_rewards"
    LOGIN = "login"
    UPDATE = "update"


STATUS_NAMES: Mapping[int, str] = {
    ACTIVE: "Active",
    SUSPENDED: "Suspended",
    LOGIN_BLOCKED: "Login Blocked",
    CANCELLED: "Canceled",
    INACTIVE: "Inactive",
    MEMBERSHIP_BLOCKED: "Membership Blocked",
}
"""The published names of the statuses."""

_ANY: Mapping[int, Refusal] = dict.fromkeys(STATUS_NAMES)
_EARNING: Mapping[int, Refusal] = {
    **_ANY,
    SUSPENDED: MemberSuspended,
    CANCELLED: MemberCancelled,
    MEMBERSHIP_BLOCKED: MembershipBlocked,
}
_SPENDING: Mapping[int, Refusal] = {**_EARNING, LOGIN_BLOCKED: LoginBlocked, INACTIVE: MemberNotActive}

STATUS_TABLE: Mapping[Operation, Mapping[int, Refusal]] = {
    Operation.EARN: _EARNING,
    Operation.REFUND: _EARNING,
    Operation.CHECK: {status: None if status == ACTIVE else MemberNotActive for status in STATUS_NAMES},
    Operation.REDEEM: _SPENDING,
    Operation.REVERSE: _ANY,
    Operation.TRANSFER_SEND: {**_ANY, SUSPENDED: MemberSuspended, CANCELLED: MemberCancelled},
    Operation.TRANSFER_RECEIVE: {**_ANY, CANCELLED: MemberCancelled, MEMBERSHIP_BLOCKED: MembershipBlocked},
    Operation.PAY_WITH_REWARDS: _SPENDING,
    Operation.LOGIN: {**_EARNING, LOGIN_BLOCKED: LoginBlocked},
    Operation.UPDATE: {**_ANY, CANCELLED: CancelledMemberUpdate},
}
"""Operation by status: the error that the status stops it with, or None."""


def refusal_by_status(operation: Operation, status: int, *, accrue_cancelled: bool = False) -> Refusal:
    """What stops this operation for a member of this status, if anything.

    `accrue_cancelled` is the program's setting that lets cancelled members earn.
    """
    if accrue_cancelled and status == CANCELLED and operation in {Operation.EARN, Operation.REFUND}:
        return None
    return STATUS_TABLE[operation][status]


def refusal_to_earn(member: Member, *, accrue_cancelled: bool) -> Refusal:
    """What keeps a member from earning, if anything: its status, or that it may not accrue."""
    stopped = refusal_by_status(Operation.EARN, member.status, accrue_cancelled=accrue_cancelled)
    return AccrualNotAllowed if stopped is None and not member.accrual_allowed else stopped


def earning_statuses(*, accrue_cancelled: bool) -> list[int]:
    """The statuses in which members earn."""
    return [
        status
        for status in STATUS_NAMES
        if refusal_by_status(Operation.EARN, status, accrue_cancelled=accrue_cancelled) is None
    ]


def require_earning(member: Member, *, accrue_cancelled: bool) -> None:
    """Whoever may not earn gets no points for a purchase and no bonus. Raises the status's error, AccrualNotAllowed."""
    stopped = refusal_to_earn(member, accrue_cancelled=accrue_cancelled)
    if stopped is not None:
        raise stopped
