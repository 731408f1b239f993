"""The fields of requests to transfer points."""

from rest_compat.field import Field, FieldTable, Need
from rest_compat.requests.shared import CURRENCY, KEY, program, reference, relation_type
from rest_compat.value import number, text

TRANSFER_BODY = FieldTable(
    reference("FromRelationReference"),
    Field(
        name="ToRelationReference",
        kind=text(100),
        need=Need.REQUIRED,
        description="The reference of the member who gets them, exact in case.",
        example="M-1002",
    ),
    Field(
        name="Points",
        kind=number(),
        need=Need.REQUIRED,
        description="Points to move; of more than 5 decimals the rest is cut.",
        example=10,
    ),
    Field(name="Narration", kind=text(500), description="A text for both statements.", example="A present"),
    CURRENCY,
    relation_type("RelationType"),
    program("ProgramId"),
    KEY,
)
