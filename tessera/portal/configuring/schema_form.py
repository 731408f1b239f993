"""Forms of sections and items, made of the published JSON Schema: each key is a field with what that says of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from domain.rules.schema import schema_text
from tessera.portal.render import show_words
from tessera.portal.visit import Visit

TEXT, NUMBER, CHOICE, TICK, LINES, AREA, PAIRS = "text", "number", "choice", "tick", "lines", "area", "pairs"
TICKS = "ticks"
_LONG = 300
_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_WORDS = (
    (" A number, or a decimal in a string.", ""),
    ("null for ", "left blank for "),
    ("null: ", "left blank: "),
    ("none for ", "left blank for "),
    ("left out: ", "left blank: "),
    ("max_transactions", "the most purchases"),
    ("over max_points", "over the most points"),
)
"""Words of the schema that a form says in another way."""

_DEFINITIONS: Mapping[str, str] = {"rule_groups": "rule_group"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A key of an object. `path` is it in the object, with dots; `value` what its input shows.

    `options` are all that it can be, `suggestions` some that there are: others can be typed.
    """

    path: str
    label: str
    kind: str
    hint: str = ""
    options: Sequence[tuple[str, str]] = ()
    suggestions: Sequence[str] = ()
    value: Any = ""
    is_required: bool = False
    type: str = "text"
    attributes: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""

    @property
    def name(self) -> str:
        """The name of the input."""
        return self.prefix + self.path


@cache
def schema() -> Mapping[str, Any]:
    """The schema of a configuration."""
    found: Mapping[str, Any] = json.loads(schema_text())
    return found


def object_schema(section: str) -> Mapping[str, Any]:
    """The schema of a section, or of the items of a list."""
    root = schema()
    found: Mapping[str, Any]
    if section == "levels":
        found = root["properties"]["tiers"]["properties"]["levels"]
    elif section in _DEFINITIONS:
        found = root["$defs"][_DEFINITIONS[section]]
    else:
        found = root["properties"][section]
    items: Mapping[str, Any] = found.get("items", found)
    return root["$defs"]["attribute"] if "$ref" in items else items


def form_of(
    section: str,
    item: Mapping[str, Any],
    paths: Sequence[str],
    *,
    labels: Mapping[str, str] | None = None,
    options: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    suggestions: Mapping[str, Sequence[str]] | None = None,
    within: Mapping[str, Any] | None = None,
    prefix: str = "",
) -> list[Field]:
    """The fields of these keys with what the item has for them.

    `options` turn a text into a choice, and a list into ticks. `within` is the schema of an item inside the section, at
    the path `prefix`.
    """
    whole = object_schema(section) if within is None else within
    found = []
    for path in paths:
        one = _field(whole, item, path, (options or {}).get(path))
        known = (suggestions or {}).get(path, ())
        found.append(replace(one, label=(labels or {}).get(path, one.label), prefix=prefix, suggestions=known))
    return found


def _field(
    whole: Mapping[str, Any], item: Mapping[str, Any], path: str, options: Sequence[tuple[str, str]] | None
) -> Field:
    described, parent = whole, whole
    value: Any = item
    for key in path.split("."):
        parent, described = described, described["properties"][key]
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is None:
        value = described.get("default")
    key = path.rpartition(".")[2]
    kind = _kind(described, key)
    if options is not None:
        kind = TICKS if kind == LINES else CHOICE
        options = [*options, *((one, one) for one in _given(value) if one not in dict(options))]
    elif kind == TICKS:
        options = [(str(one), show_words(one)) for one in described["items"]["enum"]]
    elif kind == CHOICE:
        options = [(str(one or ""), show_words(one)) for one in described["enum"] if one is not None]
    is_day = described.get("pattern", "").startswith(_DAY) and len(value or "") in {0, 10}
    return Field(
        path=path,
        label=show_words(key),
        kind=kind,
        hint=_hint(described.get("description", "")),
        options=options or (),
        value=_shown(kind, value),
        is_required=key in parent.get("required", ()),
        # Days have a calendar; a day with a time is typed.
        type="date" if is_day else "text",
        attributes={"inputmode": "decimal"} if kind == NUMBER else {},
    )


def _given(value: Any) -> Sequence[str]:
    """What a choice or a list says, which stays among what it offers."""
    return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []


def _hint(description: str) -> str:
    """What the schema says of a key, in the words of forms."""
    for words, instead in _WORDS:
        description = description.replace(words, instead)
    return description


def _kind(described: Mapping[str, Any], key: str) -> str:
    types = described.get("type", ())
    main = types if isinstance(types, str) else next(iter(types), "string")
    if "enum" in described:
        return CHOICE
    if main in {"number", "integer"}:
        return NUMBER
    if main == "array":
        return TICKS if "enum" in described.get("items", {}) else LINES
    if main == "object":
        return PAIRS
    if main == "boolean":
        return TICK
    is_long = described.get("maxLength", 0) > _LONG and not key.endswith("_url")
    return AREA if is_long else TEXT


def _shown(kind: str, value: Any) -> Any:
    if kind == LINES:
        return "\n".join(str(one) for one in value or ())
    if kind == PAIRS:
        return "\n".join(f"{key}: {one}" for key, one in (value or {}).items())
    if kind == TICK:
        return bool(value)
    if kind == TICKS:
        return list(value or ())
    return "" if value is None else str(value)


def read_fields(visit: Visit, fields: Sequence[Field], before: Mapping[str, Any]) -> dict[str, Any]:
    """The item that the form says; keys without a field stay as they were."""
    item = dict(before)
    for one in fields:
        _put(item, one.path.split("."), _read(visit, one))
    return item


def _put(item: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        item[key] = dict(item.get(key) or {})
        item = item[key]
    if value is _ABSENT:
        item.pop(keys[-1], None)
    else:
        item[keys[-1]] = value


_ABSENT = object()
"""A blank field: the key is left out, and has its default."""


def _read(visit: Visit, one: Field) -> Any:
    text = visit.given(one.name)
    if one.kind == TICK:
        return text == "yes"
    if one.kind == TICKS:
        return [text for text in visit.many(one.name) if text]
    if one.kind == LINES:
        return [line.strip() for line in text.splitlines() if line.strip()]
    if one.kind == PAIRS:
        pairs = (line.partition(":") for line in text.splitlines() if line.strip())
        return {key.strip(): value.strip() for key, _, value in pairs}
    if not text:
        return _ABSENT
    # Words that read as a whole number are one, where a number is asked for: others keep their digits as texts.
    digits = text.removeprefix("-")
    if one.kind == NUMBER and digits.isascii() and digits.isdigit() and len(digits) < 16:
        return int(text)
    # A textarea sends its lines with both characters.
    return text.replace("\r\n", "\n")
