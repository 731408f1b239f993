"""What operations answer by which members prove themselves."""

from rest_compat.answers.shape import INTEGER, TEXT_OR_NULL, TIME, object_of, shown

LOGIN = object_of(
    Id=shown(INTEGER, 1),
    FullName=shown(TEXT_OR_NULL, "Ada Byron"),
    Email=shown(TEXT_OR_NULL, "ada@example.com"),
    Status={"type": "integer", "minimum": 1, "maximum": 6},
    IsAccountActivated={"type": "boolean"},
    LastLoggedIn={**TIME, "description": "This login, in local time of the program, without a zone."},
    LoginAttempt={
        "type": "integer",
        "minimum": 0,
        "description": "Wrong passwords since the login before.",
        "examples": [0],
    },
    ForceChangePassword={
        "type": "boolean",
        "description": "The member is to choose a new password.",
        "examples": [False],
    },
)
