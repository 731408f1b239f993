"""The fields of requests to pay with rewards: to reserve points that a merchant settles later."""

from rest_compat.field import Field, FieldTable, Need
from rest_compat.requests.shared import ACCOUNT, KEY, MERCHANT, program, reference, relation_type
from rest_compat.value import integer, number

_MAX_PAGE_NUMBER = 10**9
_EXAMPLE_REQUEST = 1

CREATE_BODY = FieldTable(
    *ACCOUNT,
    Field(
        name="Points",
        kind=number(below=10**11),
        need=Need.REQUIRED,
        description="Points to reserve, at most 11 digits; of more than 5 decimals the rest is cut.",
        example=10,
    ),
    Field(name="Amount", kind=number(0), description="The money that the points stand for; recorded.", example=10),
    MERCHANT,
    Field(
        name="ValidityPeriodInDays",
        kind=integer(0, 90),
        default=0,
        description="For how many days the points stay reserved; 0 means 3.",
        example=3,
    ),
    KEY,
)
CANCEL_BODY = FieldTable(
    Field(
        name="RequestId",
        kind=integer(1),
        need=Need.REQUIRED,
        description="The `RequestId` that the creation answered.",
        example=_EXAMPLE_REQUEST,
    ),
    program("ProgramId"),
    KEY,
)
LIST_QUERY = FieldTable(
    reference("RelationReference", "pstrRelationReference"),
    Field(
        name="Status",
        kind=integer(0, 4),
        aliases=("pintStatus",),
        default=0,
        description="0 all, 1 Pending, 2 Processed, 3 Cancelled, 4 Expired.",
        example=0,
    ),
    Field(
        name="RecordsPerPage",
        kind=integer(1),
        aliases=("pintRecordsPerPage",),
        default=10,
        description="How many requests to answer; more than 500 count as 500.",
        example=10,
    ),
    Field(
        name="PageNumber",
        kind=integer(1, _MAX_PAGE_NUMBER),
        aliases=("pintPageNumber",),
        default=1,
        description="Which page, from 1.",
        example=1,
    ),
    program("ProgramId", "pintProgramId"),
    relation_type("RelationType", "pintRelationType"),
)
GET_QUERY = FieldTable(
    Field(
        name="RequestId",
        kind=integer(1),
        need=Need.REQUIRED,
        aliases=("pintRequestId",),
        description="The `RequestId` that the creation answered.",
        example=_EXAMPLE_REQUEST,
    ),
    program("ProgramId", "pintProgramId"),
)
