"""The fields of requests about cards, accounts and devices of members."""

from domain.sub_relation import TYPE_NAMES
from rest_compat.field import Field, FieldTable, Need
from rest_compat.requests.shared import KEY, program, reference, relation_type
from rest_compat.value import moment, named, text, unless_zero

CREATE_BODY = FieldTable(
    reference("RelationReference", "memberRelationRef", "member_relation_reference", need=Need.REQUIRED),
    Field(
        name="CardNumber",
        kind=unless_zero(),
        aliases=("card_number",),
        description="The card number; null or `0` where there is none. A payment card's is never stored in clear.",
        example="4111111111111111",
    ),
    Field(
        name="SubRelationIdentifier",
        kind=unless_zero(),
        aliases=("sub_relation_identifier",),
        description="The program's own name of it; null or `0` where there is none.",
        example="A-1",
    ),
    Field(
        name="SubRelationType",
        kind=named(TYPE_NAMES),
        aliases=("sub_relation_type",),
        description="What it is; the classes `CREDIT` and `DEBIT` are cards. A new one without a type is a `CARD`.",
        example="CARD",
    ),
    Field(
        name="LastSixDigits",
        kind=text(6),
        aliases=("last_six_digits",),
        description="At most six digits, to be shown.",
    ),
    Field(name="ProductCode", kind=text(100), aliases=("product_code",), description="Which product it is."),
    Field(
        name="ExpiryDate",
        kind=moment(),
        aliases=("expiry_date",),
        description="The last day that it is good for; a time beside it says nothing.",
        example="2030-01-31",
    ),
    Field(name="Status", kind=text(100), description="Its status, in the program's own words."),
    relation_type("RelationType"),
    program("ProgramId"),
    KEY,
    one_of=("CardNumber", "SubRelationIdentifier"),
)
LIST_QUERY = FieldTable(
    reference("pstrRelationReference", "RelationReference", need=Need.OPTIONAL),
    Field(
        name="pstrCardNumber",
        kind=unless_zero(),
        aliases=("CardNumber",),
        description="A card, in place of the member: every member that has it is answered.",
    ),
    Field(
        name="pstrSubRelationIdentifier",
        kind=unless_zero(),
        aliases=("SubRelationIdentifier",),
        description="An identifier, in place of the member; with a card, the pair of both.",
    ),
    program("pintProgramId", "ProgramId"),
    relation_type("pintRelationType", "RelationType"),
    one_of=("pstrRelationReference", "pstrCardNumber", "pstrSubRelationIdentifier"),
    unless_bound=True,
)
