"""External references and secrets: random, never guessable, never derived from what they name."""

import secrets
import uuid


def new_reference() -> uuid.UUID:
    """A random UUID v4 for a ledger posting; upper case in REST."""
    return uuid.uuid4()


def new_token(prefix: str, nbytes: int = 32) -> str:
    """A random URL-safe secret of `nbytes` bytes behind a readable prefix."""
    return f"{prefix}_{secrets.token_urlsafe(nbytes)}"
