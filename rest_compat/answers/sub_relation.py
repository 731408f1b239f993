"""What operations on sub-relations answer."""

from domain.sub_relation import TYPES
from rest_compat.answers.shape import INTEGER, TEXT, TEXT_OR_NULL, TIME_OR_NULL, Schema, list_of, object_of, shown

SUB_RELATION = object_of(
    Id=shown(INTEGER, 7, "The sub-relation's own."),
    SubRelationType={"type": "string", "enum": list(TYPES)},
    CardNumber=shown(TEXT_OR_NULL, None, "Null for a payment card, of which only the last digits are kept."),
    CardLastFour=shown(TEXT_OR_NULL, "1111"),
    SubRelationIdentifier=shown(TEXT_OR_NULL, "ACC-9"),
    LastSixDigits=shown(TEXT_OR_NULL, None, "Only if the caller sent them."),
    ProductCode=shown(TEXT_OR_NULL, "GOLD"),
    ExpiryDate=shown(TIME_OR_NULL, "2028-12-31T00:00:00"),
    Status=shown(TEXT_OR_NULL, "ACTIVE"),
)
LINKED_MEMBER = object_of(
    Id=shown(INTEGER, 1),
    RelationReference=shown(TEXT, "M-1001"),
    FullName=shown(TEXT_OR_NULL, "Ada Byron"),
    MemberRelationsList=list_of(SUB_RELATION),
)
FOUND: Schema = {
    "description": "Asked for by member: its sub-relations. By card or identifier: the members, each with all of its.",
    "anyOf": [list_of(SUB_RELATION), list_of(LINKED_MEMBER)],
}
