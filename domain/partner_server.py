"""A partner's own SFTP server: where it is, what is fetched from it and brought to it, and when. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_ssh_private_key,
    load_ssh_public_key,
)

from domain.errors import BadRequest
from domain.program_zone import local_instant

AfterFetch = Literal["LEAVE", "DELETE", "MOVE"]

FILE_TYPES = frozenset({"CPD", "CRD", "TXN", "BNS", "ATT"})
LONGEST_BACKOFF = timedelta(hours=6)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
_MAX_TEXT = 255
_MAX_SECRET = 16_384


@dataclass(frozen=True, kw_only=True, slots=True)
class PartnerServer:
    """Where a partner's server is and what is done there.

    `host_key`: its public key as in `known_hosts`, or the fingerprint (`SHA256:...`). `pull`: a remote folder by type
    of file. `handback_folder` and `download_folder`: where results and exports are brought, None for not at all.
    `after_fetch` MOVE: into `moved_folder`. It is visited `every_minutes`, or once a day at `daily_at` of the program.
    """

    name: str
    host: str
    port: int = 22
    username: str
    host_key: str
    pull: Mapping[str, str] = field(default_factory=dict)
    handback_folder: str | None = None
    download_folder: str | None = None
    after_fetch: AfterFetch = "LEAVE"
    moved_folder: str | None = None
    every_minutes: int | None = None
    daily_at: time | None = None

    def check(self) -> None:
        """Raise BadRequest, which names the field at fault."""
        _require(_NAME.fullmatch(self.name), "name", "letters, digits, - and _, at most 50")
        _require(_HOST.fullmatch(self.host), "host", "a host name or an address")
        _require(1 <= self.port <= 65535, "port", "1 to 65535")
        _require(_is_text(self.username), "username", f"1 to {_MAX_TEXT} characters")
        _require(_is_host_key(self.host_key), "hostKey", "a public key (ssh-ed25519 AAAA...), or SHA256:...")
        _require(self.pull.keys() <= FILE_TYPES, "pull", f"types are {', '.join(sorted(FILE_TYPES))}")
        _require(len(set(self.pull.values())) == len(self.pull), "pull", "each type has a folder of its own")
        for name, folder in self._folders:
            _require(folder is None or _is_text(folder), name, f"a folder, 1 to {_MAX_TEXT} characters")
        _require((self.after_fetch == "MOVE") == (self.moved_folder is not None), "movedFolder", "goes with MOVE")
        _require(self.moved_folder not in self.pull.values(), "movedFolder", "is none that files are fetched from")
        _require((self.every_minutes is None) != (self.daily_at is None), "everyMinutes", "this, or dailyAt")
        _require(self.every_minutes is None or 1 <= self.every_minutes <= 10_080, "everyMinutes", "1 to 10080")

    @property
    def _folders(self) -> Sequence[tuple[str, str | None]]:
        own = (("handbackFolder", self.handback_folder), ("downloadFolder", self.download_folder))
        return (*(("pull", one) for one in self.pull.values()), *own, ("movedFolder", self.moved_folder))

    def next_visit(self, now: datetime, zone: ZoneInfo) -> datetime:
        """When it is visited after a visit that went well."""
        if self.every_minutes is not None:
            return now + timedelta(minutes=self.every_minutes)
        today = now.astimezone(zone).date()
        days = (datetime.combine(today + timedelta(days=ahead), self.daily_at or time.min) for ahead in range(3))
        return next(instant for instant in (local_instant(day, zone) for day in days) if instant > now)

    def next_attempt(self, now: datetime, zone: ZoneInfo, failures: int) -> datetime:
        """When it is visited after so many visits in a row that failed: soon, then ever later, then on schedule."""
        backoff = min(timedelta(minutes=2 ** min(failures - 1, 12)), LONGEST_BACKOFF)
        return min(now + backoff, max(self.next_visit(now, zone), now + timedelta(minutes=1)))


@dataclass(frozen=True, kw_only=True, slots=True)
class PartnerSecret:
    """What Tessera proves itself with: a password, or a private key without a passphrase."""

    password: str | None = None
    private_key: str | None = None

    def check(self) -> None:
        """Raise BadRequest, which names the field at fault."""
        _require((self.password is None) != (self.private_key is None), "password", "this, or privateKey")
        if self.password is not None:
            _require(0 < len(self.password) <= _MAX_TEXT, "password", f"1 to {_MAX_TEXT} characters")
        else:
            _require(
                _is_private_key(self.private_key or ""), "privateKey", "an OpenSSH or PEM key without a passphrase"
            )


def _is_text(text: str) -> bool:
    return 0 < len(text) <= _MAX_TEXT and text.isprintable()


def _is_host_key(text: str) -> bool:
    if _FINGERPRINT.fullmatch(text):
        return True
    try:
        load_ssh_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    return len(text) <= _MAX_SECRET


def _is_private_key(text: str) -> bool:
    if len(text) > _MAX_SECRET:
        return False
    for load in (load_ssh_private_key, load_pem_private_key):
        try:
            load(text.encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        return True
    return False


def _require(holds: object, name: str, accepts: str) -> None:
    if not holds:
        raise BadRequest(f"{name}: {accepts}", field=name)
