"""What operations on sub-relations answer."""

from domain.sub_relation import TYPES
from rest_compat.answers.shape import INTEGER, TEXT, TEXT_OR_NULL, TIME_OR_NULL, Schema, list_of, object_of

SUB_RELATION = object_of(
    Id=INTEGER,
    SubRelationType={"type": "string", "enum": list(TYPES)},
    CardNumber={**TEXT_OR_NULL, "description": "Null for a payment card, of which only the last digits are kept."},
    CardLastFour=TEXT_OR_NULL,
    SubRelationIdentifier=TEXT_OR_NULL,
    LastSixDigits=TEXT_OR_NULL,
    ProductCode=TEXT_OR_NULL,
    ExpiryDate=TIME_OR_NULL,
    Status=TEXT_OR_NULL,
)
LINKED_MEMBER = object_of(
    Id=INTEGER,
    RelationReference=TEXT,
    FullName=TEXT_OR_NULL,
    MemberRelationsList=list_of(SUB_RELATION),
)
FOUND: Schema = {
    "description": "Asked for by member: its sub-relations. By card or identifier: the members, each with all of its.",
    "anyOf": [list_of(SUB_RELATION), list_of(LINKED_MEMBER)],
}
