"""The fields of requests by which members prove themselves."""

from domain.otp import OTP_TYPES
from domain.password import MAX_SECRET
from rest_compat.field import Field, FieldTable, Need
from rest_compat.requests.shared import KEY, program, reference, relation_type
from rest_compat.value import choice, integer, text

MAX_ADDRESS = 254

_EMAIL = Field(
    name="UniquerefID",
    kind=text(MAX_ADDRESS),
    need=Need.REQUIRED,
    aliases=("EmailId",),
    description="The member's e-mail address, in any letter case.",
    example="ada@example.com",
)
_REFERENCE = reference("UniquerefID", "RelationReference")
_OTP_TYPE = Field(
    name="OtpType",
    kind=choice(*OTP_TYPES),
    need=Need.REQUIRED,
    description="What the code is for, exact in case.",
    example="LOGIN",
)
_SHARED = (_OTP_TYPE, program("ProgramId"), relation_type("RelationType"), KEY)
_GENERATE = (
    Field(
        name="SourceAddress",
        kind=text(MAX_ADDRESS),
        description="From where the person asks: it counts towards the limits of an address. No code goes there.",
        example="203.0.113.7",
    ),
    Field(name="SourceCode", kind=integer(), description="The caller's own number of the source; not looked at."),
    *_SHARED,
)
_VERIFY = (
    Field(
        name="OTP",
        kind=text(20),
        need=Need.REQUIRED,
        description="The code; a number will do, as no code begins with 0.",
        example="123456",
    ),
    Field(
        name="DestinationAddress",
        kind=text(MAX_ADDRESS),
        description="From where the person answers: it counts towards the limits of an address.",
        example="203.0.113.7",
    ),
    Field(name="Destination", kind=choice("Web", "Mobile"), description="On what the code was entered."),
    *_SHARED,
)

CREDENTIALS_BODY = FieldTable(
    reference("UniquerefID", "RelationReference", need=Need.REQUIRED),
    Field(
        name="Password",
        kind=text(MAX_SECRET),
        need=Need.REQUIRED,
        description="The password, or the caller's own hash of it with a salt that stays the same.",
        example="correct horse battery staple",
    ),
    program("ProgramId"),
    relation_type("RelationType"),
)
GENERATE_BODY = FieldTable(_EMAIL, *_GENERATE)
GENERATE_BY_REFERENCE_BODY = FieldTable(_REFERENCE, *_GENERATE)
VERIFY_BODY = FieldTable(_EMAIL, *_VERIFY)
VERIFY_BY_REFERENCE_BODY = FieldTable(_REFERENCE, *_VERIFY)
