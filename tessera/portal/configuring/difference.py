"""What one document has that another has not, to the single value, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain.rules.difference import ITEM_NAMES, compare
from tessera.portal.configuring.words import show_value
from tessera.portal.render import show_words

MAX_LINES = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A value that is another: `before` None where it came, `after` None where it went. `kind`: added, removed..."""

    kind: str
    where: str
    name: str
    key: str = ""
    before: str | None = None
    after: str | None = None


def list_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Line]:
    """The differences of two whole documents, at most MAX_LINES."""
    found = []
    for line in _lines(before, after):
        found.append(line)
        if len(found) == MAX_LINES:
            break
    return found


def list_values(before: Any, after: Any) -> list[Line]:
    """What an entry of the audit trail says, key by key, also where it stayed as it was."""
    if not isinstance(before, Mapping | None) or not isinstance(after, Mapping | None):
        before, after = ({} if one is None else {"": one} for one in (before, after))
    old, new = before or {}, after or {}
    told = []
    for key in dict.fromkeys((*old, *new)):
        was, now = (show_value(key, one[key]) if key in one else None for one in (old, new))
        kind = "same" if was == now else "added" if was is None else "removed" if now is None else "changed"
        told.append(Line(kind=kind, where="", name=show_words(key), before=was, after=now))
    return told


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Line]:
    for one in compare(before, after):
        old, new = _items(before, one.where), _items(after, one.where)
        where = _where(one.where)
        for name in one.removed:
            yield Line(kind="removed", where=where, name=name, before=_told(old.get(name)))
        for name in one.added:
            yield Line(kind="added", where=where, name=name, after=_told(new.get(name)))
        for name in one.changed:
            yield from _changed(where, name, old.get(name), new.get(name))
        if one.reordered:
            yield Line(kind="moved", where=where, name="Sequence", before=", ".join(old), after=", ".join(new))
    for section in before:
        if section not in after:
            yield Line(kind="removed", where=show_words(section), name="")


def _where(name: str) -> str:
    """A list as people call it; the names of groups stay as they are written."""
    inner, of, group = name.partition(" of ")
    return f"{show_words(inner)}{of}{group}"


def _changed(where: str, name: str, old: Any, new: Any) -> Iterator[Line]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        yield Line(
            kind="changed",
            where=where,
            name=show_words(name),
            before=show_value(name, old),
            after=show_value(name, new),
        )
        return
    for key in [*new, *(key for key in old if key not in new)]:
        if key in {"rules", "levels"} or old.get(key) == new.get(key):
            continue
        # Keys that were left out and are said now with nothing in them are no news.
        was, now = show_value(key, old.get(key)), show_value(key, new.get(key))
        if was != now:
            yield Line(kind="changed", where=where, name=name, key=show_words(key), before=was, after=now)


def _items(document: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A list of a document by name, or the keys of a section."""
    if where.startswith("rules of "):
        group = where.removeprefix("rules of ")
        lists = [one["rules"] for one in document.get("rule_groups") or [] if one["name"] == group]
        return _named("rules", lists[0] if lists else [])
    if where == "levels":
        return _named("levels", (document.get("tiers") or {}).get("levels"))
    value = document.get(where)
    return _named(where, value) if where in ITEM_NAMES else dict(value or {})


def _named(section: str, items: Any) -> dict[str, Any]:
    return {str(one[ITEM_NAMES[section]]): one for one in items or ()}


def _told(item: Any) -> str:
    """What an item that came or went says, without its name and without what it does not say."""
    if not isinstance(item, Mapping):
        return show_value("", item)
    told = []
    for key, value in item.items():
        if key in {"name", "key", "code", "rules"} or value in (None, "", [], {}) or (key, value) == ("enabled", True):
            continue
        shown = show_value(key, value)
        if shown != "–":
            told.append(f"{show_words(key).lower()}: {shown}")
    return "; ".join(told)
