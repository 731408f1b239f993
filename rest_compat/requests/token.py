"""The fields of token requests."""

from rest_compat.field import Field, FieldTable, Need
from rest_compat.value import text

TOKEN_BODY = FieldTable(
    Field(
        name="grant_type",
        kind=text(100),
        need=Need.REQUIRED,
        description="`client_credentials`.",
        example="client_credentials",
    ),
    Field(
        name="client_id", kind=text(200), need=Need.UNLESS_BASIC, description="The program's client id.", example="tc_1"
    ),
    Field(
        name="client_secret",
        kind=text(200),
        need=Need.UNLESS_BASIC,
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
