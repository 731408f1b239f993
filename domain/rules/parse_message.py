"""Reads the templates of messages, whose shape the schema has checked."""

from typing import Any

from domain.message import LINK_EVENT, PLACEHOLDERS, SMS, MessageTemplate, fold_language, placeholders
from domain.rules.parse_attribute import read_name
from domain.rules.problem import Problems, child


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
    told, other = ("link", "code") if item["event"] == LINK_EVENT else ("code", "link")
    for key in ("subject", "body"):
        for name in placeholders(item.get(key, "")):
            if name not in PLACEHOLDERS - {other}:
                allowed = "}, {".join(sorted(PLACEHOLDERS - {other}))
                problems.add(f"{path}.{key}", f"has an unknown placeholder: only {{{allowed}}}")
    if told not in placeholders(item["body"]):
        problems.add(f"{path}.body", f"does not say the {told}: {{{told}}} is missing")
    if item["event"] == LINK_EVENT and item["channel"] == SMS:
        problems.add(f"{path}.channel", "must be email: links are mailed")
    if item.get("subject") and item["channel"] == SMS:
        problems.add(f"{path}.subject", "has no meaning for a text message")
    if any(letter in item.get("subject", "") for letter in "\r\n"):
        problems.add(f"{path}.subject", "has a line break")
