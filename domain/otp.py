"""One-time passwords: what they are for, how they are made, how often and how long they work."""

from datetime import datetime, timedelta

import pyotp

from domain.crypto import KeyRing

ACTIVATION, UNBLOCK, TWO_FACTOR = "ACTIVATION", "UNBLOCKMEMBER", "TwoFA"
OTP_TYPES = (
    ACTIVATION,
    "LOGIN",
    "FORGOTPWD",
    "CHANGEPASSWORD",
    "RESETPASSWORD",
    "FORGOTUSERNAME",
    TWO_FACTOR,
    UNBLOCK,
    "NONE",
    "CASHBACKCONFIRM",
    "POINTTRANSFERCONFIRM",
    "FAMILYPOOLINGMERGE",
    "FAMILYPOOLINGUNMERGE",
    "AIRREVIEWNCONFIRM",
    "DOMESTICFLIGHTREVIEWNCONFIRM",
    "HOTELREVIEWNCONFIRM",
    "CARREVIEWNCONFIRM",
    "GIFTCARDREVIEWNCONFIRM",
    "PACKAGEREVIEWNCONFIRM",
    "SHOPREVIEWNCONFIRM",
    "SHOPDIGITALREVIEWNCONFIRM",
    "MERCHANTREVIEWNCONFIRM",
    "ISPREVIEWNCONFIRM",
    "INSURANCEREVIEWNCONFIRM",
)
"""The published 24, exact in case."""
PASSWORD_TYPES = frozenset({"RESETPASSWORD", "FORGOTPWD"})
"""Whose verification allows one change of the password."""
ADDRESS_TYPES = frozenset({TWO_FACTOR})
"""Whose verification allows the member one change of the addresses that it is reached at."""
GRANTING_TYPES = PASSWORD_TYPES | ADDRESS_TYPES

MIN_LENGTH, MAX_LENGTH = 4, 8
LIFE = timedelta(minutes=5)
GRANT_LIFE = timedelta(minutes=10)
WINDOW = timedelta(hours=1)
TRIES = 5
"""Guesses at one code."""
SENDS_PER_MEMBER, GUESSES_PER_MEMBER = 5, 25
"""In any hour, whatever the types, the addresses and the connections."""
GUESSES_PER_SEND = 5
"""How many guesses in an hour an address has for each send that it has."""


def new_code(length: int) -> str:
    """A code of this many digits that does not begin with 0, so that it stays itself where it is sent as a number."""
    while True:
        # A counter-based code over a secret that nobody keeps is a random one; shorter ones than 6 it does not make.
        code = pyotp.HOTP(pyotp.random_base32(), digits=MAX_LENGTH).at(0)[-length:]
        if code[0] != "0":
            return code


def mac_of(keys: KeyRing, subject: bytes, otp_type: str, channel: str, expires_at: datetime, code: str) -> bytes:
    """What is kept of a code: it holds for one member, type, channel and time, and tells nothing without the key."""
    return keys.code_mac(subject.hex(), otp_type, channel, expires_at.isoformat(), code)


def wait_s(moments: list[datetime], most: int, now: datetime) -> int:
    """Seconds until fewer than `most` of these moments lie within the window; 0: there are fewer."""
    recent = sorted(moments)[-most:] if most else []
    if len(recent) < most:
        return 0
    return max(1, -int(-(recent[0] + WINDOW - now).total_seconds() // 1)) if recent else int(WINDOW.total_seconds())
