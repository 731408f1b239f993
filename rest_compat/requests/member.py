"""The fields of requests about members."""

from rest_compat.field import Field, FieldTable, Need
from rest_compat.requests.shared import EXAMPLE_REFERENCE, KEY, program, reference, relation_type
from rest_compat.value import integer, members, scalar, text

_PROFILE = (
    Field(name="full_name", kind=scalar(200), description="Full name.", example="Ada Byron"),
    Field(name="email_id", kind=scalar(254), description="E-mail address, unique in the program."),
    Field(name="mobile_number", kind=scalar(30), description="Mobile number, unique in the program."),
    Field(name="gender", kind=scalar(1, enum=["M", "F", "O"]), description="Gender."),
    Field(name="dob", kind=scalar(10), description="Date of birth, YYYY-MM-DD.", example="1990-12-31"),
    Field(name="address", kind=scalar(500), description="Postal address."),
    Field(name="preferred_language", kind=scalar(100), description="Preferred language, a tag such as en or pt-BR."),
    Field(
        name="status",
        kind=scalar(1, enum=["1", "2", "3", "4", "5", "6"]),
        description="1 Active, 2 Suspended, 3 Login Blocked, 4 Canceled, 5 Inactive (default), 6 Membership Blocked.",
        example="1",
    ),
)

PROFILE_QUERY = FieldTable(
    reference("pstrRelationReference", "RelationReference"),
    program("pintProgramId", "ProgramId"),
    relation_type("pintRelationType", "RelationType"),
)
UNIQUE_ATTRIBUTE_QUERY = FieldTable(
    Field(
        name="pstrUniqueAttributeKey",
        kind=text(100),
        need=Need.REQUIRED,
        aliases=("UniqueAttributeKey",),
        description="`relation_reference`, `email_id`, `mobile_number`, or a unique attribute of the program.",
        example="email_id",
    ),
    Field(
        name="pstrUniqueAttributeValue",
        kind=text(500),
        need=Need.REQUIRED,
        aliases=("UniqueAttributeValue",),
        description="The value to look for.",
        example="ada@example.com",
    ),
    program("pintProgramId", "ProgramId"),
)

PROFILE_FIELDS = FieldTable(*_PROFILE)
CREATE_BODY = FieldTable(
    Field(
        name="relation_reference",
        kind=scalar(100),
        need=Need.REQUIRED,
        aliases=("memberId",),
        description="The reference that the member gets: no blanks around it, no invisible characters.",
        example=EXAMPLE_REFERENCE,
    ),
    *_PROFILE,
    program("ProgramId"),
    KEY,
)
UPDATE_BODY = FieldTable(
    Field(name="id", kind=integer(1), need=Need.REQUIRED, description="The member's numeric `Id`.", example=1),
    Field(
        name="data",
        kind=members(),
        need=Need.REQUIRED,
        description="The attributes to change, at least one; absent and null ones stay, an empty text clears.",
        example={"full_name": "Ada Lovelace"},
    ),
    program("ProgramId"),
    KEY,
)
