"""The route table of REST v1: one row an operation. What has no row is no path (404)."""

from rest_compat.envelope import Family
from rest_compat.operation import Operation
from rest_compat.operations import (
    member,
    member_auth,
    pay_with_rewards,
    redemption,
    statement,
    sub_relation,
    token,
    transaction,
    transfer,
)

OPERATIONS: tuple[Operation, ...] = (
    *token.OPERATIONS,
    *member.OPERATIONS,
    *sub_relation.OPERATIONS,
    *transaction.OPERATIONS,
    *transfer.OPERATIONS,
    *redemption.OPERATIONS,
    *pay_with_rewards.OPERATIONS,
    *statement.OPERATIONS,
    *member_auth.OPERATIONS,
)


def operation_paths() -> list[str]:
    """The paths of all operations, in both families."""
    return [operation.path(family) for operation in OPERATIONS for family in Family]
