"""The route table of REST v1: one row an operation. What has no row is no path (404)."""

from rest_compat.operation import Operation
from rest_compat.operations import member, member_auth, redemption, statement, token, transaction

OPERATIONS: tuple[Operation, ...] = (
    *token.OPERATIONS,
    *member.OPERATIONS,
    *transaction.OPERATIONS,
    *redemption.OPERATIONS,
    *statement.OPERATIONS,
    *member_auth.OPERATIONS,
)
