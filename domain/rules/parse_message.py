"""Reads the templates of messages, whose shape the schema has checked."""

from collections.abc import Mapping
from typing import Any

from domain.message import ADDRESS_EVENT, LINK_EVENT, SMS, MessageTemplate, fold_language, placeholders
from domain.notice import FOR_ALL, NOTICES
from domain.rules.parse_attribute import read_name
from domain.rules.problem import Problems, child

_PLACEHOLDERS_OF: Mapping[str, tuple[tuple[str, ...], str | None]] = {
    LINK_EVENT: (("link", "minutes"), "link"),
    ADDRESS_EVENT: ((), None),
    **{event: ((*FOR_ALL, *names), None) for event, names in NOTICES.items()},
}
"""What may stand in braces where the event is not that of a code, and what the body has to say."""


def read_messages(given: list[dict[str, Any]], problems: Problems) -> tuple[MessageTemplate, ...]:
    """The templates; notes duplicate names, two for the same, unknown placeholders, and a text without the code."""
    problems.distinct((item["name"] for item in given), lambda index: f"messages[{index}].name")
    seen: set[tuple[str | None, ...]] = set()
    for index, item in enumerate(given):
        meant = (item["event"], item["channel"], fold_language(item.get("language")))
        if meant in seen:
            problems.add(child("messages", index), "is the second for this event, channel and language")
        seen.add(meant)
        _check_texts(item, child("messages", index), problems)
    return tuple(
        MessageTemplate(**{**item, "name": read_name(item["name"], f"messages[{index}].name", problems)})
        for index, item in enumerate(given)
    )


def _check_texts(item: dict[str, Any], path: str, problems: Problems) -> None:
    allowed, told = _PLACEHOLDERS_OF.get(item["event"], (("code", "minutes"), "code"))
    for key in ("subject", "body"):
        for name in placeholders(item.get(key, "")):
            if name not in allowed:
                only = "only " + ", ".join(f"{{{one}}}" for one in allowed) if allowed else "this event has none"
                problems.add(f"{path}.{key}", f"has an unknown placeholder: {only}")
    if told is not None and told not in placeholders(item["body"]):
        problems.add(f"{path}.body", f"does not say the {told}: {{{told}}} is missing")
    if item["event"] == LINK_EVENT and item["channel"] == SMS:
        problems.add(f"{path}.channel", "must be email: links are mailed")
    if item.get("subject") and item["channel"] == SMS:
        problems.add(f"{path}.subject", "has no meaning for a text message")
    if any(letter in item.get("subject", "") for letter in "\r\n"):
        problems.add(f"{path}.subject", "has a line break")
