"""The fields that requests of several groups name."""

from rest_compat.field import Field, FieldTable, Need
from rest_compat.value import choice, integer, key, moment, text

BODY_KEY = "_xoxo_api_client_idempotency"
MAX_TXN_TYPE = 32_767

_MEMBER = "The member's reference, exact in case."
EXAMPLE_REFERENCE = "M-1001"


def reference(name: str, *aliases: str, need: Need = Need.UNLESS_BOUND) -> Field:
    """Which member; its short form is `memberId`."""
    return Field(
        name=name,
        kind=text(100),
        need=need,
        aliases=("memberId", *aliases),
        description=_MEMBER,
        example=EXAMPLE_REFERENCE,
    )


def program(name: str, *aliases: str) -> Field:
    """The program, which the token names already."""
    return Field(
        name=name,
        kind=integer(),
        aliases=aliases,
        description="The program; may be left out, and must be the token's if given.",
    )


def relation_type(name: str, *aliases: str) -> Field:
    """The published relation type, of which there is one."""
    return Field(
        name=name,
        kind=integer(4, 4),
        aliases=aliases,
        default=4,
        description="The type of the member's relation: 4.",
    )


CURRENCY = Field(
    name="TransactionCurrency",
    kind=choice("DEFAULT"),
    default="DEFAULT",
    description="The points currency of the program.",
    example="DEFAULT",
)
KEY = Field(
    name=BODY_KEY,
    kind=key(),
    description="An idempotency key; the header `Idempotency-Key` means the same, and with both they must agree.",
)
MERCHANT = Field(
    name="MerchantName",
    kind=text(200),
    description=(
        "The merchant, `208` without it; in the short form (`memberId`) the program's own. A reversal compares it "
        "without regard to case and outer blanks."
    ),
    example="Corner Shop",
)
DATE_FROM = Field(
    name="DateFrom",
    kind=moment(),
    need=Need.REQUIRED,
    description="First transaction date, inclusive, in the program's time zone.",
    example="2026-01-01",
)
DATE_TO = Field(
    name="DateTo",
    kind=moment(),
    need=Need.REQUIRED,
    description="Last transaction date, inclusive; a date alone means the end of that day.",
    example="2026-12-31",
)
# What every request of the redemption and statement groups names.
ACCOUNT = (
    reference("RelationReference"),
    CURRENCY,
    relation_type("RelationType"),
    program("ProgramId"),
)

PROGRAM_QUERY = FieldTable(program("pintProgramId", "ProgramId"))
