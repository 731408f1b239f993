"""What a token request answers."""

from rest_compat.answers.shape import TEXT, object_of, shown

TOKEN = object_of(
    token=shown(TEXT, "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzUxMiJ9.e30.c2ln", "A JWT, the same until it lapses."),
    tokenExpiresOn={
        "type": "string",
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$",
        "description": "When the token lapses, in UTC.",
        "examples": ["2026-02-03T06:46:03Z"],
    },
)
