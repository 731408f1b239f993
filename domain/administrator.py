"""Administrators of programs: how they are named, what they prove themselves with, and for how long. Pure."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp

from domain.errors import InvalidRequest

SESSION_LIFE = timedelta(hours=12)
"""From the sign-in, whatever is done meanwhile."""
HALF_SESSION_LIFE = timedelta(minutes=10)
"""Between the password and the second factor."""
STEP_UP_LIFE = timedelta(minutes=10)
"""How long after a second factor secrets are made and points are moved by hand."""
LINK_LIFE = timedelta(hours=24)
LOCKOUT = timedelta(minutes=15)
FAILURES_ALLOWED = 5
"""Wrong passwords in a row from one address, after which nobody is let in from there for a while."""
MOST_FAILURES = 100
"""Wrong passwords in a row from anywhere, after which nobody is let in from anywhere."""
CODE_WEIGHT = MOST_FAILURES // FAILURES_ALLOWED
"""A wrong code counts as so many: whoever shows one knows the password."""
FAILURES_KEPT = timedelta(days=1)
RECOVERY_CODES = 10

MAX_EMAIL, MAX_NAME = 254, 100
MIN_PASSWORD = 12

_EMAIL = re.compile(r"[^\s@<>\"',;:]+@[^\s@<>\"',;:]+\.[^\s@<>\"',;:.]+")
_STEP_S = 30
_RECOVERY_BYTES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A role in one program, by its public id; None: in all programs of the deployment, and over the deployment."""

    public_program_id: int | None
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Administrator:
    """Somebody who may sign in. `has_second_factor`: a code generator is enrolled."""

    id: int
    email: str
    name: str
    grants: tuple[Grant, ...]
    has_second_factor: bool
    created_at: datetime
    created_by: str
    last_seen_at: datetime | None = None
    locked_until: datetime | None = None
    disabled_at: datetime | None = None

    @property
    def actor(self) -> str:
        """How the audit trail names it."""
        return f"admin:{self.email}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link that works once. `token` is shown once, and None afterwards."""

    email: str | None
    grants: tuple[Grant, ...]
    administrator_id: int | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    token: str | None = field(default=None, repr=False)


def read_email(text: str) -> str:
    """An e-mail address in its one form. Raises InvalidRequest."""
    found = text.strip().casefold()
    if not _EMAIL.fullmatch(found) or len(found) > MAX_EMAIL or not found.isprintable():
        raise InvalidRequest("email: an e-mail address", field="email")
    return found


def read_name(text: str) -> str:
    """A person's name. Raises InvalidRequest."""
    found = " ".join(text.split())
    if not 0 < len(found) <= MAX_NAME or not found.isprintable():
        raise InvalidRequest(f"name: 1 to {MAX_NAME} characters", field="name")
    return found


def new_totp_secret() -> str:
    """A secret for a code generator, in base 32."""
    return pyotp.random_base32()


def totp_uri(secret: str, email: str) -> str:
    """What a code generator scans."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Tessera")


def totp_step(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """The step of time that a code is of, one before and one after included; None where it is wrong or was used."""
    given, step = code.replace(" ", ""), int(now.timestamp()) // _STEP_S
    if not (given.isascii() and given.isdigit()):
        return None
    generator, found = pyotp.TOTP(secret), None
    for one in (step - 1, step, step + 1):
        # All three are compared, whichever it is.
        if secrets.compare_digest(generator.generate_otp(one), given) and (last_step is None or one > last_step):
            found = one
    return found


def new_recovery_codes() -> list[str]:
    """Codes that each stand for the second factor once: 80 bits, in groups for people."""
    drawn = (base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES))
    return ["-".join(one[at : at + 4] for at in range(0, len(one), 4)) for one in drawn]


def hash_recovery_code(code: str) -> str:
    """How a recovery code is kept; it has as much chance in it as a key, so a fast hash is right."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(f"recovery:{plain}".encode()).hexdigest()
