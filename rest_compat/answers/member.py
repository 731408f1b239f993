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

SUB_RELATION = object_of(
    Id=shown(INTEGER, 7, "The sub-relation's own."),
    SubRelationType={"type": "string", "enum": ["CARD", "ACCOUNT", "DEVICE", "EXTERNAL_ID", "LOAN"]},
    CardNumber=shown(TEXT_OR_NULL, None, "Null for a payment card, of which only the last digits are kept."),
    CardLastFour=shown(TEXT_OR_NULL, "1111"),
    SubRelationIdentifier=shown(TEXT_OR_NULL, "ACC-9"),
    LastSixDigits=shown(TEXT_OR_NULL, None, "Only if the caller sent them."),
    ProductCode=shown(TEXT_OR_NULL, "GOLD"),
    ExpiryDate=shown(TIME_OR_NULL, "2028-12-31T00:00:00"),
    Status=shown(TEXT_OR_NULL, "ACTIVE"),
)
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
