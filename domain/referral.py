"""Referral codes: eight characters that a member tells to others, and that never change."""

import secrets

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without 0, O, 1 and I, which look alike on paper."""

LENGTH = 8


def new_code() -> str:
    """A random code: nobody guesses whose it is, or the next one."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def read_code(given: str | None) -> str | None:
    """A code as it is stored, from how somebody typed it; None where nothing was given."""
    return (given or "").strip().upper() or None
