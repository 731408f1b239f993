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
)

STATUSES = ("Pending", "Processed", "Cancelled", "Expired")

REQUEST = object_of(
    RequestId=INTEGER,
    RelationReference=TEXT,
    Points=POINTS,
    Amount={
        "type": ["number", "null"],
        "description": "The money that the points stand for; null if it was not named.",
    },
    MerchantName=TEXT,
    Status={"type": "string", "enum": list(STATUSES)},
    CreatedOn=TIME,
    ExpiresOn={**TIME, "description": "From when on the points are free again, in the program's local time."},
    ProcessedOn={**TIME_OR_NULL, "description": "When it ended, however it did; null while it is pending."},
    ExternalReference={
        **GUID,
        "type": ["string", "null"],
        "description": "The reference of the redemption that it became; null unless it is processed.",
    },
)
REQUESTS = list_of(REQUEST)
