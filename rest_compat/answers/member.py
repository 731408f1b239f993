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
    shown,
)
from rest_compat.answers.sub_relation import SUB_RELATION

_BRIEF: Mapping[str, Schema] = {
    "Id": shown(INTEGER, 1, "The numeric id, which UpdateProfileWithAttributes takes."),
    "RelationReference": shown(TEXT, "M-1001"),
    "FullName": shown(TEXT_OR_NULL, "Ada Byron"),
    "Email": shown(TEXT_OR_NULL, "ada@example.com"),
    "TierName": shown(TEXT_OR_NULL, "Gold", "Null where the member has no tier."),
    "TotalPoints": POINTS,
}
MEMBER_BRIEF = object_of(**_BRIEF)
PROFILE = object_of(
    **_BRIEF,
    MobileNumber=shown(TEXT_OR_NULL, "+44 20 7946 0000"),
    Address=shown(TEXT_OR_NULL, "12 St James Square, London"),
    DOB=shown(TIME_OR_NULL, "1990-12-31T00:00:00"),
    Gender=shown(TEXT_OR_NULL, "F"),
    Status={"type": "integer", "minimum": 1, "maximum": 6, "description": "1 Active to 6 Membership Blocked."},
    IsAccountActivated={"type": "boolean"},
    EnrollmentDate=TIME,
    ActivatedDate=TIME_OR_NULL,
    LastLoggedIn=TIME_OR_NULL,
    IsAccrualAllowed={"type": "boolean"},
    CustomerSegment=shown(TEXT_OR_NULL, "Active buyers", "All segments, with a comma and a blank between them."),
    PreferredLanguage=shown(TEXT_OR_NULL, "en"),
    Attributes=shown({"type": "object"}, {"favourite_genre": "jazz"}, "The program's own attributes by key."),
    MemberRelationsList=list_of(SUB_RELATION),
)
