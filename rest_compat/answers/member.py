"""What operations on members answer."""

from collections.abc import Mapping

from rest_compat.answers.shape import (
    INTEGER,
    POINTS,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Schema,
    list_of,
    object_of,
)

SUB_RELATION = object_of(
    Id=INTEGER,
    SubRelationType={"type": "string", "enum": ["CARD", "ACCOUNT", "DEVICE", "EXTERNAL_ID", "LOAN"]},
    CardNumber={**TEXT_OR_NULL, "description": "Null for a payment card, of which only the last digits are kept."},
    CardLastFour=TEXT_OR_NULL,
    SubRelationIdentifier=TEXT_OR_NULL,
    LastSixDigits=TEXT_OR_NULL,
    ProductCode=TEXT_OR_NULL,
    ExpiryDate=TIME_OR_NULL,
    Status=TEXT_OR_NULL,
)
_BRIEF: Mapping[str, Schema] = {
    "Id": INTEGER,
    "RelationReference": TEXT,
    "FullName": TEXT_OR_NULL,
    "Email": TEXT_OR_NULL,
    "TierName": TEXT_OR_NULL,
    "TotalPoints": POINTS,
}
MEMBER_BRIEF = object_of(**_BRIEF)
PROFILE = object_of(
    **_BRIEF,
    MobileNumber=TEXT_OR_NULL,
    Address=TEXT_OR_NULL,
    DOB=TIME_OR_NULL,
    Gender=TEXT_OR_NULL,
    Status={"type": "integer", "minimum": 1, "maximum": 6},
    IsAccountActivated={"type": "boolean"},
    EnrollmentDate=TIME,
    ActivatedDate=TIME_OR_NULL,
    LastLoggedIn=TIME_OR_NULL,
    IsAccrualAllowed={"type": "boolean"},
    CustomerSegment=TEXT_OR_NULL,
    PreferredLanguage=TEXT_OR_NULL,
    Attributes={"type": "object", "description": "The program's own attributes by key."},
    MemberRelationsList=list_of(SUB_RELATION),
)
