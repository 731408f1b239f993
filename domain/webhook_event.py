"""Types of webhook events, and which topics of the outbox they are. Pure.

Topics are older than webhooks, and subscriptions have promised their names; a type is named as its topic where nothing
else is said here. So an event of any new topic can be delivered without a change here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import InvalidRequest

TEST_TYPE = "webhook.test"
"""What somebody asked for who wants to see whether an endpoint works; it is in no feed."""

KNOWN_TYPES = (
    "member.enrolled",
    "member.updated",
    "member.merged",
    "member.unmerged",
    "member.erased",
    "tier.changed",
    "points.earned",
    "points.redeemed",
    "redemption.reversed",
    "points.refunded",
    "points.held",
    "points.released",
    "points.transferred",
    "points.adjusted",
    "points.expiring",
    "points.expired",
    "referral.rewarded",
    "sub_relation.linked",
    "sub_relation.unlinked",
    "transaction.approved",
    "transaction.rejected",
    "batch.completed",
    "credential.created",
    "credential.reset",
)
_OPEN_FAMILIES = frozenset({"order"})
"""Families of types whose members are listed elsewhere."""

_TYPE_OF = {
    "member.tier_changed": "tier.changed",
    "batch.progress": "batch.completed",
    "expiry.reminder": "points.expiring",
    "transaction.approve": "transaction.approved",
    "transaction.reject": "transaction.rejected",
    "credential.create": "credential.created",
}
_TOPIC_OF = {type_: topic for topic, type_ in _TYPE_OF.items()}
_FAMILIES = frozenset(one.partition(".")[0] for one in KNOWN_TYPES) | _OPEN_FAMILIES
_NAME = re.compile(r"([a-z_]+)\.([a-z_.]+|\*)")
MAX_TYPES = 50


def check_types(types: Sequence[str] | None) -> None:
    """Raise InvalidRequest where one of these is neither a type nor a family such as `points.*`."""
    if types is None:
        return
    if not 0 < len(types) <= MAX_TYPES:
        raise InvalidRequest(f"event_types: 1 to {MAX_TYPES}, or null for all", field="event_types")
    for one in types:
        found = _NAME.fullmatch(one)
        if found is None or not (
            one in KNOWN_TYPES or (found[2] == "*" and found[1] in _FAMILIES) or found[1] in _OPEN_FAMILIES
        ):
            raise InvalidRequest(f"event_types: {one[:100]!r} is no type of event", field="event_types")


def type_of(topic: str, told: Mapping[str, Any]) -> str | None:
    """The type of an event; None: nobody is told of it."""
    if topic == "batch.progress" and not told.get("finished"):
        return None
    return name_of(topic)


def name_of(topic: str) -> str:
    """How webhooks call a topic."""
    return _TYPE_OF.get(topic, topic)


def wants(types: Sequence[str] | None, type_: str) -> bool:
    """Whether an endpoint of these types is told of this one."""
    return types is None or type_ in types or f"{type_.partition('.')[0]}.*" in types


def topics_of(types: Sequence[str] | None) -> tuple[frozenset[str], tuple[str, ...]] | None:
    """Topics, and beginnings of topics, among which all events of these types are; None: any topic."""
    if types is None:
        return None
    families = [one.removesuffix("*") for one in types if one.endswith(".*")]
    renamed = [topic for type_, topic in _TOPIC_OF.items() if wants(types, type_)]
    single = [one for one in types if not one.endswith(".*")]
    return frozenset([*single, *renamed]), tuple(families)
