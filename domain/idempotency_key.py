"""Idempotency keys: how a client's key is read, and whose it is."""

from domain.errors import InvalidRequest

MAX_KEY = 100

# Between the parts of a stored key that is not a client's own; no client's key has it.
SEPARATOR = "\x1f"


def read_key(given: str | None) -> str | None:
    """The key that a client gave, without blanks around it, by whatever door it came. Raises InvalidRequest."""
    if given is None:
        return None
    key = given.strip(" \t")
    if not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise InvalidRequest(f"idempotency key: 1 to {MAX_KEY} printable ASCII characters", field="idempotency_key")
    return key


def key_of_member(key: str, relation_reference: str) -> str:
    """The key as it is stored for a caller bound to this member, who shall not take the keys of others."""
    return f"{SEPARATOR}member:{relation_reference}{SEPARATOR}{key}"
