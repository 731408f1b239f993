"""What a member has, had, and will lose."""

from domain.errors import NoTransactions
from rest_compat.answers import statement as answer
from rest_compat.call import with_bearer
from rest_compat.handlers import statement
from rest_compat.operation import READ_ERRORS, Operation
from rest_compat.requests import statement as request

_TRANSACTION = "/lbms-ingress/transaction-lm/API/Transaction"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        number=19,
        name="GetMemberStatementSummary",
        group="statements",
        summary="The sums of a member's points by origin and use",
        method="POST",
        lbms_path=f"{_TRANSACTION}/GetMemberStatementSummary",
        body=request.SUMMARY_BODY,
        serve=with_bearer(statement.summary),
        for_members=True,
        member_field="RelationReference",
        answer=answer.SUMMARY,
        errors=READ_ERRORS,
    ),
    Operation(
        number=20,
        name="GetMemberTransactionSummaryByDate",
        group="statements",
        summary="A member's postings in a range of dates, newest first",
        method="POST",
        lbms_path=f"{_TRANSACTION}/GetMemberTransactionSummaryByDate",
        body=request.BY_DATE_BODY,
        serve=with_bearer(statement.by_date),
        lists=True,
        for_members=True,
        member_field="RelationReference",
        answer=answer.ENTRIES,
        errors=(*READ_ERRORS, NoTransactions),
    ),
    Operation(
        number=21,
        name="GetMemberCategorizedStatement",
        group="statements",
        summary="Opening balance, a row a category, closing balance",
        method="POST",
        lbms_path=f"{_TRANSACTION}/GetMemberCategorizedStatement",
        body=request.CATEGORIZED_BODY,
        serve=with_bearer(statement.categorized),
        lists=True,
        for_members=True,
        member_field="RelationReference",
        answer=answer.CATEGORIES,
        errors=READ_ERRORS,
    ),
    Operation(
        number=22,
        name="GetExpirySchedule",
        group="statements",
        summary="What expires in a calendar year",
        method="POST",
        lbms_path=f"{_TRANSACTION}/GetExpirySchedule",
        body=request.EXPIRY_BODY,
        serve=with_bearer(statement.expiry_schedule),
        for_members=True,
        member_field="RelationReference",
        answer=answer.EXPIRY,
        errors=READ_ERRORS,
    ),
)
