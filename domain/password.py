"""Passwords of members: how they are kept, and how a received one is compared with what is kept.

What arrives is the secret, whatever it is: a password, or a hash that the caller makes of one. Only argon2id of it
is kept. A hash that was imported is kept as argon2id of that hash, at once.
"""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import InvalidRequest

MIN_PASSWORD, MAX_PASSWORD = 8, 128
MAX_SECRET = 256
"""Most characters of what is taken for a secret: a password, or somebody's hash of one."""
MAX_SALT = 64
MIN_COST, MAX_COST = 4, 12
"""Of bcrypt. A higher one would hold up everybody, because members who do not exist get the same work."""

_BCRYPT = re.compile(r"\$2[abxy]\$([0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_BCRYPT_SALT = 29
_BCRYPT_BYTES = 72
_MD5 = re.compile(r"[0-9a-fA-F]{32}")
# OWASP's floor: 19 MiB, two passes.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Scheme(StrEnum):
    """What a stored secret is of: the received text, or a hash of it that was imported."""

    PLAIN = "plain"
    BCRYPT = "bcrypt"
    MD5 = "md5"
    MD5_SALT_FIRST = "md5-salt-first"
    MD5_SALT_LAST = "md5-salt-last"


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A member's secret as it is kept. `work` grows with what it takes to hash a received text first.

    0: nothing, 1: MD5, else the cost of bcrypt.
    """

    encoded: str
    scheme: Scheme = Scheme.PLAIN
    salt: str = ""
    work: int = 0


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Imported:
    """A checked secret of another system, before it is wrapped."""

    text: str
    scheme: Scheme
    salt: str
    work: int


def canonical(text: str) -> str:
    """The one form of texts that look the same."""
    return unicodedata.normalize("NFC", text)


def check_password(password: str) -> None:
    """Raise InvalidRequest for a new password of the wrong length; what it is composed of is its owner's choice."""
    if not MIN_PASSWORD <= len(canonical(password)) <= MAX_PASSWORD:
        raise InvalidRequest(f"password: {MIN_PASSWORD} to {MAX_PASSWORD} characters", field="password")
    if "\0" in password:
        raise InvalidRequest("password: has a NUL character", field="password")


def read_import(scheme: Scheme, text: str, salt: str) -> Imported:
    """A secret of another system. Raises InvalidRequest for what is none of its scheme."""
    if not 1 <= len(text) <= MAX_SECRET or "\0" in text:
        raise InvalidRequest(f"secret: 1 to {MAX_SECRET} characters", field="secret")
    wants_salt = scheme in {Scheme.MD5_SALT_FIRST, Scheme.MD5_SALT_LAST}
    if wants_salt != (0 < len(salt) <= MAX_SALT):
        told = f"1 to {MAX_SALT} characters" if wants_salt else "has no meaning with this scheme"
        raise InvalidRequest(f"salt: {told}", field="salt")
    if scheme is Scheme.PLAIN:
        return Imported(text=canonical(text), scheme=scheme, salt="", work=0)
    if scheme is Scheme.BCRYPT:
        return _read_bcrypt(text)
    if not _MD5.fullmatch(text):
        raise InvalidRequest("secret: is no MD5 hash of 32 hexadecimal digits", field="secret")
    return Imported(text=text.lower(), scheme=scheme, salt=salt, work=1)


def _read_bcrypt(text: str) -> Imported:
    found = _BCRYPT.fullmatch(text)
    if found is None:
        raise InvalidRequest("secret: is no bcrypt hash", field="secret")
    cost = int(found[1])
    if not MIN_COST <= cost <= MAX_COST:
        raise InvalidRequest(f"secret: bcrypt of a cost beyond {MIN_COST} to {MAX_COST} is not taken", field="secret")
    return Imported(text=text, scheme=Scheme.BCRYPT, salt=text[:_BCRYPT_SALT], work=cost)


def keep_password(password: str) -> Secret:
    """A password as it is kept. Slow on purpose: for a thread."""
    return Secret(encoded=_HASHER.hash(canonical(password)))


def keep_import(imported: Imported) -> Secret:
    """An imported secret as it is kept. Slow on purpose: for a thread."""
    return Secret(encoded=_HASHER.hash(imported.text), scheme=imported.scheme, salt=imported.salt, work=imported.work)


def matches(secret: Secret | None, received: str, hardest: int) -> bool:
    """Whether this is the member's secret; None, for nobody's, takes as long. Slow on purpose: for a thread.

    It is tried as it is, else hashed as the import was. `hardest` is the most `work` of the program's secrets: a
    wrong secret costs that much whoever it is for, and so tells nothing about who has what.
    """
    kept, text = secret or _nobody(), canonical(received)
    is_right = _is(kept, text.lower() if kept.work == 1 and _MD5.fullmatch(text) else text)
    if not is_right and hardest > 0:
        is_right = _is(kept, _hashed(kept, text))
        _make_up(kept.work if kept.scheme is Scheme.BCRYPT else 0, hardest)
    return is_right and secret is not None


def _is(kept: Secret, text: str) -> bool:
    try:
        return _HASHER.verify(kept.encoded, text)
    except (VerificationError, InvalidHashError):
        return False


def _hashed(kept: Secret, text: str) -> str:
    if kept.scheme is Scheme.BCRYPT:
        return _bcrypt(text, kept.salt)
    if kept.scheme is Scheme.PLAIN:
        return text
    first, last = (kept.salt, "") if kept.scheme is Scheme.MD5_SALT_FIRST else ("", kept.salt)
    # What other systems kept; it is wrapped in argon2id.
    return hashlib.md5(f"{first}{text}{last}".encode(), usedforsecurity=False).hexdigest()


def _bcrypt(text: str, salt: str) -> str:
    # Whoever made these hashes took no notice of what is beyond.
    return bcrypt.hashpw(text.encode()[:_BCRYPT_BYTES], salt.encode()).decode()


def hashes_of(hardest: int) -> int:
    """What a comparison in a program with this most `work` costs, in hashes of argon2."""
    if hardest < MIN_COST:
        return 1 + hardest
    # One of bcrypt takes 0.7 of the time at a cost of 8, and twice that for each cost more.
    return 2 + round(0.7 * 2.0 ** (hardest - 8))


def _make_up(done: int, hardest: int) -> None:
    """What is missing between a bcrypt of the cost that was `done` and one of the `hardest`; each cost is twice the
    one before, so the costs from there on add up to it."""
    if hardest < MIN_COST:
        return
    for cost in range(done, hardest) if done else (hardest,):
        _bcrypt("", f"$2b${cost:02}$" + "." * 22)


@cache
def _nobody() -> Secret:
    return keep_password(secrets.token_urlsafe())
