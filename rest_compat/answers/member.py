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
from rest_compat.answers.sub_relation import SUB_RELATION

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
