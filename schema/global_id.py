"""Global ids: opaque to callers; they carry the type, the partition and the key inside it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Annotated

import strawberry

from domain.errors import BadRequest

MEMBER, ENTRY, TRANSACTION, REDEMPTION, PROGRAM, BATCH, MERGE = (
    "Member",
    "LedgerEntry",
    "Transaction",
    "Redemption",
    "Program",
    "Batch",
    "Merge",
)
SUB_RELATION, HOLD, REQUEST, HELD, SESSION, LOT, PROPOSAL, EXPORT = (
    "SubRelation",
    "Hold",
    "PointsRequest",
    "HeldTransaction",
    "MemberSession",
    "Lot",
    "AttributeProposal",
    "Export",
)
ORDER = "Order"
_KINDS = frozenset(
    {MEMBER, ENTRY, TRANSACTION, REDEMPTION, PROGRAM, BATCH, MERGE}
    | {SUB_RELATION, HOLD, REQUEST, HELD, SESSION, LOT, PROPOSAL, EXPORT, ORDER}
)
_MAX_LENGTH = 200

Id = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]


@dataclass(frozen=True, slots=True)
class GlobalId:
    """What an id names."""

    kind: str
    partition: int
    key: str

    def number(self, kind: str, partition: int | None) -> int | None:
        """The numeric key, if the id names something of this kind in this partition."""
        is_ours = self.kind == kind and self.partition == partition
        return int(self.key) if is_ours and len(self.key) < 19 and _is_plain(self.key) else None


def encode(kind: str, partition: int, key: object) -> strawberry.ID:
    """The opaque id."""
    return strawberry.ID(pack(f"{kind}:{partition}:{key}"))


def decode(given: str, field: str = "id") -> GlobalId:
    """What an id names. Raises BadRequest for what is no id of this API."""
    kind, _, rest = unpack(given, field).partition(":")
    partition, _, key = rest.partition(":")
    if kind not in _KINDS or not (partition.isascii() and _is_plain(partition)) or not key.isascii():
        raise BadRequest(f"{field}: not an id", field=field)
    return GlobalId(kind, int(partition), key)


def _is_plain(number: str) -> bool:
    """Whether a number is spelled as ours are, so that an id can be compared."""
    return number.isdecimal() and (number == "0" or number[0] != "0")


def pack(text: str) -> str:
    """A text made opaque."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack(given: str, field: str) -> str:
    """The text behind `pack`. Raises BadRequest."""
    try:
        text = urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode("ascii") if len(given) <= _MAX_LENGTH else ""
    except ValueError as error:
        raise BadRequest(f"{field}: cannot be read", field=field) from error
    # Base64 has several spellings of one text; only ours counts, so that an id can be compared.
    if not text or pack(text) != given:
        raise BadRequest(f"{field}: cannot be read", field=field)
    return text
