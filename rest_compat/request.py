"""The fields of each request: read and documented from here."""

from rest_compat.field import Field, FieldTable, Need
from rest_compat.value import choice, guid, integer, key, members, moment, number, scalar, text

BODY_KEY = "_xoxo_api_client_idempotency"
MAX_TXN_TYPE = 32_767

_MEMBER = "The member's reference, exact in case."
_EXAMPLE_REFERENCE = "M-1001"


def _reference(name: str, *aliases: str, need: Need = Need.UNLESS_BOUND) -> Field:
    return Field(
        name=name,
        kind=text(100),
        need=need,
        aliases=("memberId", *aliases),
        description=_MEMBER,
        example=_EXAMPLE_REFERENCE,
    )


def _program(name: str, *aliases: str) -> Field:
    return Field(
        name=name,
        kind=integer(),
        aliases=aliases,
        description="The program; may be left out, and must be the token's if given.",
    )


def _relation_type(name: str, *aliases: str) -> Field:
    return Field(
        name=name,
        kind=integer(4, 4),
        aliases=aliases,
        default=4,
        description="The type of the member's relation: 4.",
    )


def _points_currency() -> Field:
    return Field(
        name="TransactionCurrency",
        kind=choice("DEFAULT"),
        default="DEFAULT",
        description="The points currency of the program.",
        example="DEFAULT",
    )


_KEY = Field(
    name=BODY_KEY,
    kind=key(),
    description="An idempotency key; the header `Idempotency-Key` means the same and wins.",
)
_MERCHANT = Field(
    name="MerchantName",
    kind=text(200),
    description="The merchant, needed; a reversal compares it without regard to case and outer blanks.",
    example="Corner Shop",
)
_DATE_FROM = Field(
    name="DateFrom",
    kind=moment(),
    need=Need.REQUIRED,
    description="First transaction date, inclusive, in the program's time zone.",
    example="2026-01-01",
)
_DATE_TO = Field(
    name="DateTo",
    kind=moment(),
    need=Need.REQUIRED,
    description="Last transaction date, inclusive; a date alone means the end of that day.",
    example="2026-12-31",
)
# What every request of the redemption and statement groups names.
_ACCOUNT = (
    _reference("RelationReference"),
    _points_currency(),
    _relation_type("RelationType"),
    _program("ProgramId"),
)
_PROFILE = (
    Field(name="full_name", kind=scalar(200), description="Full name.", example="Ada Byron"),
    Field(name="email_id", kind=scalar(254), description="E-mail address, unique in the program."),
    Field(name="mobile_number", kind=scalar(30), description="Mobile number, unique in the program."),
    Field(name="gender", kind=scalar(1, enum=["M", "F", "O"]), description="Gender."),
    Field(name="dob", kind=scalar(10), description="Date of birth, YYYY-MM-DD.", example="1990-12-31"),
    Field(name="address", kind=scalar(500), description="Postal address."),
    Field(name="preferred_language", kind=scalar(100), description="Preferred language."),
    Field(
        name="status",
        kind=scalar(1, enum=["1", "2", "3", "4", "5", "6"]),
        description="1 Active, 2 Suspended, 3 Login Blocked, 4 Canceled, 5 Inactive (default), 6 Membership Blocked.",
        example="1",
    ),
)

PROGRAM_QUERY = FieldTable(_program("pintProgramId", "ProgramId"))
PROFILE_QUERY = FieldTable(
    _reference("pstrRelationReference", "RelationReference"),
    _program("pintProgramId", "ProgramId"),
    _relation_type("pintRelationType", "RelationType"),
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
    _program("pintProgramId", "ProgramId"),
)

TOKEN_BODY = FieldTable(
    Field(
        name="grant_type",
        kind=text(100),
        need=Need.REQUIRED,
        description="`client_credentials`.",
        example="client_credentials",
    ),
    Field(name="client_id", kind=text(200), need=Need.REQUIRED, description="The program's client id.", example="tc_1"),
    Field(
        name="client_secret",
        kind=text(200),
        need=Need.REQUIRED,
        description="The program's client secret, shown once when it was made.",
        example="ts_1",
    ),
    Field(
        name="scope",
        kind=text(500),
        description="A JSON array as a text that binds the token to one member.",
        example='["LOGIN","M-1001"]',
    ),
)
PROFILE_FIELDS = FieldTable(*_PROFILE)
CREATE_BODY = FieldTable(
    Field(
        name="relation_reference",
        kind=scalar(100),
        need=Need.REQUIRED,
        aliases=("memberId",),
        description="The reference that the member gets: no blanks around it, no invisible characters.",
        example=_EXAMPLE_REFERENCE,
    ),
    *_PROFILE,
    _program("ProgramId"),
    _KEY,
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
    _program("ProgramId"),
    _KEY,
)
TRANSACTION_BODY = FieldTable(
    Field(
        name="transaction_id",
        kind=text(100),
        need=Need.REQUIRED,
        description="The caller's id of the transaction.",
        example="T-1",
    ),
    Field(
        name="amount",
        kind=number(0),
        need=Need.REQUIRED,
        description="What the member spent, or was paid back.",
        example=25,
    ),
    Field(
        name="transaction_date",
        kind=moment(),
        need=Need.REQUIRED,
        description="When; a date or date-time, without a zone in the program's.",
        example="2026-02-03T11:16:03",
    ),
    _reference("member_relation_reference", need=Need.OPTIONAL),
    Field(
        name="card_number",
        kind=text(100),
        description="A card that is linked to the member; names the member where no reference does.",
    ),
    Field(
        name="sub_relation_identifier",
        kind=text(100),
        description="The identifier of a sub-relation of the member; as the card.",
    ),
    Field(
        name="transaction_type",
        kind=text(10),
        need=Need.REQUIRED,
        description="`DR`: the member spent, which earns. `CR`: a refund of the purchase with this id, or of a part.",
        example="DR",
    ),
    Field(name="product_code", kind=text(100), description="A product code of the program.", example="MUSIC"),
    Field(name="sub_product_code", kind=text(100), description="A sub product code of that product code."),
    _program("ProgramId"),
    _KEY,
    one_of=("member_relation_reference", "card_number", "sub_relation_identifier"),
)
AVAILABILITY_BODY = FieldTable(*_ACCOUNT)
REDEEM_BODY = FieldTable(
    *_ACCOUNT,
    Field(
        name="Points",
        kind=number(),
        need=Need.REQUIRED,
        description="Points to redeem; of more than 5 decimals the rest is cut.",
        example=10,
    ),
    Field(name="Amount", kind=number(0), description="What the points paid for; recorded.", example=10),
    _MERCHANT,
    Field(
        name="LoyaltyTxnType",
        kind=integer(0, MAX_TXN_TYPE),
        description="4 points transfer, 5 hotel, 6 air, 19 charity, 30 gift card; more by program.",
        example=30,
    ),
    Field(
        name="ExternalReference",
        kind=guid(),
        description="A UUID chosen by the client that becomes the redemption's reference.",
    ),
    _KEY,
)
REVERSAL_BODY = FieldTable(
    _reference("RelationReference"),
    _MERCHANT,
    Field(
        name="ExternalReference",
        kind=text(100, format="uuid"),
        need=Need.REQUIRED,
        description="The reference that the redemption answered.",
        example="9E107D9D-372B-4A81-8C6B-3542A419D6E1",
    ),
    _program("ProgramId"),
    _KEY,
)
SUMMARY_BODY = FieldTable(*_ACCOUNT)
BY_DATE_BODY = FieldTable(
    *_ACCOUNT,
    _DATE_FROM,
    _DATE_TO,
    Field(
        name="MinimumRange",
        kind=integer(0),
        default=0,
        description="How many of the newest records to skip.",
        example=0,
    ),
    Field(
        name="MaximumRange",
        kind=integer(1),
        default=500,
        description="How many records to answer; more than 500 count as 500.",
        example=20,
    ),
    Field(name="LoyaltyTxnType", kind=text(20), description="Only records of this type."),
    Field(
        name="AdditionalLoyaltyTxnTypes",
        kind=text(200),
        description="More types beside `LoyaltyTxnType`, separated by commas.",
    ),
)
CATEGORIZED_BODY = FieldTable(*_ACCOUNT, _DATE_FROM, _DATE_TO)
EXPIRY_BODY = FieldTable(
    *_ACCOUNT,
    Field(
        name="Year",
        kind=integer(1900, 2199),
        need=Need.REQUIRED,
        description="A calendar year in the program's time zone.",
        example=2026,
    ),
)
