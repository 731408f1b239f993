"""What a token request answers."""

from rest_compat.answers.shape import object_of

TOKEN = object_of(
    token={"type": "string", "description": "A JWT, the same until it lapses."},
    tokenExpiresOn={
        "type": "string",
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$",
        "description": "When the token lapses, in UTC.",
    },
)
