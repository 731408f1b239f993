"""The fields of requests that check, redeem and reverse."""

from rest_compat.field import Field, FieldTable, Need
from rest_compat.requests.shared import ACCOUNT, KEY, MAX_TXN_TYPE, MERCHANT, program, reference
from rest_compat.value import guid, integer, number, text

AVAILABILITY_BODY = FieldTable(*ACCOUNT)
REDEEM_BODY = FieldTable(
    *ACCOUNT,
    Field(
        name="Points",
        kind=number(),
        need=Need.REQUIRED,
        description="Points to redeem; of more than 5 decimals the rest is cut.",
        example=10,
    ),
    Field(name="Amount", kind=number(0), description="What the points paid for; recorded.", example=10),
    MERCHANT,
    Field(
        name="LoyaltyTxnType",
        kind=integer(0, MAX_TXN_TYPE),
        description="4 points transfer, 5 hotel, 6 air, 19 charity, 30 gift card; more by program.",
        example=30,
    ),
    Field(
        name="ExternalReference",
        kind=guid(),
        description="A UUID chosen by the client that becomes the redemption's reference.",
    ),
    KEY,
)
REVERSAL_BODY = FieldTable(
    reference("RelationReference"),
    MERCHANT,
    Field(
        name="ExternalReference",
        kind=text(100, format="uuid"),
        need=Need.REQUIRED,
        description="The reference that the redemption answered.",
        example="9E107D9D-372B-4A81-8C6B-3542A419D6E1",
    ),
    program("ProgramId"),
    KEY,
)
