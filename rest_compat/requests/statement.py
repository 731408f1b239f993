"""The fields of requests for statements."""

from rest_compat.field import Field, FieldTable, Need
from rest_compat.requests.shared import ACCOUNT, DATE_FROM, DATE_TO
from rest_compat.value import integer, text

SUMMARY_BODY = FieldTable(*ACCOUNT)
BY_DATE_BODY = FieldTable(
    *ACCOUNT,
    DATE_FROM,
    DATE_TO,
    Field(
        name="MinimumRange",
        kind=integer(0),
        default=0,
        description="How many of the newest records to skip.",
        example=0,
    ),
    Field(
        name="MaximumRange",
        kind=integer(1),
        default=500,
        description="How many records to answer; more than 500 count as 500.",
        example=20,
    ),
    Field(name="LoyaltyTxnType", kind=text(20), description="Only records of this type."),
    Field(
        name="AdditionalLoyaltyTxnTypes",
        kind=text(200),
        description="More types beside `LoyaltyTxnType`, separated by commas.",
    ),
)
CATEGORIZED_BODY = FieldTable(*ACCOUNT, DATE_FROM, DATE_TO)
EXPIRY_BODY = FieldTable(
    *ACCOUNT,
    Field(
        name="Year",
        kind=integer(1900, 2199),
        need=Need.REQUIRED,
        description="A calendar year in the program's time zone.",
        example=2026,
    ),
)
