"""What operations on requests to pay with rewards answer."""

from rest_compat.answers.shape import (
    GUID,
    INTEGER,
    POINTS,
    TEXT,
    TIME,
    TIME_OR_NULL,
    list_of,
    object_of,
    shown,
)

STATUSES = ("Pending", "Processed", "Cancelled", "Expired")

REQUEST = object_of(
    RequestId=shown(INTEGER, 31),
    RelationReference=shown(TEXT, "M-1001"),
    Points=POINTS,
    Amount=shown({"type": ["number", "null"]}, 7, "The money that the points stand for; null if it was not named."),
    MerchantName=shown(TEXT, "Corner Shop"),
    Status={"type": "string", "enum": list(STATUSES)},
    CreatedOn=TIME,
    ExpiresOn={**TIME, "description": "From when on the points are free again, in the program's local time."},
    ProcessedOn=shown(TIME_OR_NULL, None, "When it ended, however it did; null while it is pending."),
    ExternalReference=shown(
        {**GUID, "type": ["string", "null"]}, None, "The reference of the redemption that it became, else null."
    ),
)
REQUESTS = list_of(REQUEST)
