"""JSON Schemas of what operations answer in `ReturnObject`."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_INTEGER = {"type": "integer"}
_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_POINTS = {"type": "number", "description": "Points, exact: no exponent, no trailing zeros."}
_TIME = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?$",
    "description": "Local time of the program, without a zone.",
}
_TIME_OR_NULL = {**_TIME, "type": ["string", "null"]}
_GUID = {"type": "string", "pattern": "^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$"}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


TRUE: Schema = {"type": "boolean", "const": True}
POINTS: Schema = _POINTS
GUID: Schema = {**_GUID, "description": "The external reference of the redemption."}
TOKEN = _object(
    token={"type": "string", "description": "A JWT, the same until it lapses."},
    tokenExpiresOn={
        "type": "string",
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$",
        "description": "When the token lapses, in UTC.",
    },
)

SUB_RELATION = _object(
    Id=_INTEGER,
    SubRelationType={"type": "string", "enum": ["CARD", "ACCOUNT", "DEVICE", "EXTERNAL_ID", "LOAN"]},
    CardNumber={**_TEXT_OR_NULL, "description": "Null for a payment card, of which only the last digits are kept."},
    CardLastFour=_TEXT_OR_NULL,
    SubRelationIdentifier=_TEXT_OR_NULL,
    LastSixDigits=_TEXT_OR_NULL,
    ProductCode=_TEXT_OR_NULL,
    ExpiryDate=_TIME_OR_NULL,
    Status=_TEXT_OR_NULL,
)
_BRIEF: Mapping[str, Schema] = {
    "Id": _INTEGER,
    "RelationReference": _TEXT,
    "FullName": _TEXT_OR_NULL,
    "Email": _TEXT_OR_NULL,
    "TierName": _TEXT_OR_NULL,
    "TotalPoints": _POINTS,
}
MEMBER_BRIEF = _object(**_BRIEF)
PROFILE = _object(
    **_BRIEF,
    MobileNumber=_TEXT_OR_NULL,
    Address=_TEXT_OR_NULL,
    DOB=_TIME_OR_NULL,
    Gender=_TEXT_OR_NULL,
    Status={"type": "integer", "minimum": 1, "maximum": 6},
    IsAccountActivated={"type": "boolean"},
    EnrollmentDate=_TIME,
    ActivatedDate=_TIME_OR_NULL,
    LastLoggedIn=_TIME_OR_NULL,
    IsAccrualAllowed={"type": "boolean"},
    CustomerSegment=_TEXT_OR_NULL,
    PreferredLanguage=_TEXT_OR_NULL,
    Attributes={"type": "object", "description": "The program's own attributes by key."},
    MemberRelationsList=_list_of(SUB_RELATION),
)
SUMMARY = _object(
    PointBalance=_POINTS,
    Bonus=_POINTS,
    Spend=_POINTS,
    Redeem=_POINTS,
    Partner=_POINTS,
    Purchased=_POINTS,
    OtherAccrued=_POINTS,
    ExpiredPoints=_POINTS,
)
ENTRIES = _list_of(
    _object(
        Id=_INTEGER,
        Points={**_POINTS, "minimum": 0},
        Narration=_TEXT,
        TransactionDate=_TIME,
        ProcessingDate=_TIME,
        ExpiryDate=_TIME_OR_NULL,
        RelationReference=_TEXT,
        ExternalReference=_GUID,
        AdditionalDetail={
            "type": "string",
            "description": "What led to the points, as JSON.",
        },
        LoyaltyTxnType=_INTEGER,
        TransactionType={"type": "integer", "enum": [1, 2], "description": "1 = credit, 2 = debit."},
        MerchantName=_TEXT_OR_NULL,
        IsActive={"type": "boolean", "description": "False once it was reversed."},
    )
)
CATEGORIES = _list_of(
    _object(
        Category=_TEXT,
        LoyaltyTxnType={"type": ["integer", "null"]},
        Points=_POINTS,
        Transactions=_INTEGER,
    )
)
EXPIRY = _object(
    Period={"type": "string", "enum": ["Monthly", "Quarterly", "Annually"]},
    ExpiryPeriod=_list_of(
        _object(
            ScheduleDate=_TIME,
            AccrualPoints=_POINTS,
            RedeemPoints=_POINTS,
            BlockedPoints=_POINTS,
            TotalExpiredPoints=_POINTS,
            TotalAvailablePoints=_POINTS,
        )
    ),
)
