"""From the bytes of a configuration file to a plain document, in bounded time and memory.

YAML is read from its events: aliases, anchors and tags are refused before anything is built, words
and numbers are told apart as JSON tells them, and a decimal keeps its digits (`Decimal`, never float).
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from unicodedata import normalize

import yaml

from domain.rules.problem import ConfigurationInvalid, child, refuse, shown

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_VALUES = 100_000

Plain = None | bool | int | Decimal | str | list["Plain"] | dict[str, "Plain"]

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"), None)
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

# The C parser is some twenty times faster; its events are the same.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Pairs(list[tuple[str, Any]]):
    """An object before its keys are known to be different."""


def load_document(data: bytes | str) -> dict[str, Plain]:
    """The document of a YAML or JSON file.

    `ConfigurationInvalid` where it is over 1 MiB, not UTF-8, not one YAML or JSON document, has
    aliases, anchors, tags, duplicate keys, NaN or infinity, or is nested deeper than 32.
    """
    text = _decode(data)
    root = _Settler().settle(_parse(text), "", 1)
    if not isinstance(root, dict):
        raise refuse("", "the document must be an object")
    return root


def _decode(data: bytes | str) -> str:
    if len(data) > MAX_BYTES:
        raise refuse("", "the document is larger than 1 MiB")
    try:
        raw = data if isinstance(data, bytes) else data.encode()
        text = raw.decode("utf-8-sig")
    except UnicodeError as error:
        raise refuse("", "the document is not UTF-8") from error
    if len(raw) > MAX_BYTES:
        raise refuse("", "the document is larger than 1 MiB")
    return text


def _parse(text: str) -> Any:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _parse_json(text)
        except json.JSONDecodeError:
            # YAML's flow style begins alike.
            return _parse_yaml(text)
        except RecursionError as error:
            raise refuse("", f"nested deeper than {MAX_DEPTH}") from error
    return _parse_yaml(text)


def _parse_json(text: str) -> Any:
    return json.loads(
        text,
        object_pairs_hook=_Pairs,
        parse_int=_number,
        parse_float=_number,
        parse_constant=_refuse_constant,
    )


def _refuse_constant(name: str) -> NoReturn:
    raise refuse("", f"{name} is not a number")


def _parse_yaml(text: str) -> Any:
    loader = _LOADER(text)
    try:
        return _EventReader(loader.get_event).read_stream()
    except yaml.YAMLError as error:
        raise refuse("", f"not readable as YAML or JSON{_place(error)}") from error
    finally:
        loader.dispose()


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    return f"{where}: {problem}" if problem else where


class _EventReader:
    """Builds lists and pairs from YAML events, which the parser makes one at a time."""

    def __init__(self, next_event: Callable[[], Any]) -> None:
        self._next = next_event

    def read_stream(self) -> Any:
        """The only document of the stream."""
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            raise refuse("", "the document is empty")
        root = self._read(self._next(), 1)
        self._next()
        if not isinstance(self._next(), yaml.StreamEndEvent):
            raise refuse("", "more than one document")
        return root

    def _read(self, event: Any, depth: int) -> Any:
        _refuse_features(event)
        if isinstance(event, yaml.ScalarEvent):
            return _resolve(event.value) if event.implicit[0] else event.value
        if depth > MAX_DEPTH:
            raise refuse("", f"nested deeper than {MAX_DEPTH}{_at(event)}")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._read_sequence(depth)
        return self._read_mapping(depth)

    def _read_sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._read(event, depth + 1))
        return items

    def _read_mapping(self, depth: int) -> _Pairs:
        pairs = _Pairs()
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            _refuse_features(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise refuse("", f"a key must be a text{_at(event)}")
            # A key keeps its spelling: `4:` and `"4":` are the same key.
            pairs.append((event.value, self._read(self._next(), depth + 1)))
        return pairs


def _refuse_features(event: Any) -> None:
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise refuse("", f"YAML aliases and anchors are not accepted{_at(event)}")
    if event.tag is not None:
        raise refuse("", f"YAML tags are not accepted{_at(event)}")


def _at(event: Any) -> str:
    return f" (line {event.start_mark.line + 1})"


def _resolve(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    first = word[0]
    if first not in "+-.0123456789":
        return word
    if _NOT_A_NUMBER.fullmatch(word):
        raise refuse("", f"{word} is not a number")
    # 007 is a code, not seven: it stays a text, as in JSON it could only be one.
    if _FLOAT.fullmatch(word) and any(letter.isdigit() for letter in word.partition("e")[0]):
        return _number(word)
    return word


def _number(literal: str) -> int | Decimal:
    if len(literal) > 40:
        raise refuse("", f"number with too many digits: {shown(literal, 30)}")
    if _INT.fullmatch(literal):
        return int(literal)
    try:
        value = Decimal(literal)
    except InvalidOperation:  # an exponent beyond what the library holds
        value = Decimal("Infinity")
    if not value.is_finite() or abs(value.adjusted()) > 30 or len(value.as_tuple().digits) > 40:
        raise refuse("", f"number out of range: {shown(literal, 30)}")
    return value


class _Settler:
    """Turns pairs into objects and checks what both formats have in common."""

    def __init__(self) -> None:
        self._values = 0

    def settle(self, node: Any, path: str, depth: int) -> Any:
        """The plain value of a node; `depth` counts the containers around it and itself."""
        self._values += 1
        if self._values > MAX_VALUES:
            raise refuse("", f"more than {MAX_VALUES} values")
        if isinstance(node, str):
            # Composed as the texts of records are, so that the two compare and lengths agree.
            return normalize("NFC", _checked(node, path))
        if not isinstance(node, list):
            return node
        if depth > MAX_DEPTH:
            raise refuse("", f"nested deeper than {MAX_DEPTH}")
        if isinstance(node, _Pairs):
            return self._settle_pairs(node, path, depth)
        return [self.settle(item, child(path, index), depth + 1) for index, item in enumerate(node)]

    def _settle_pairs(self, pairs: _Pairs, path: str, depth: int) -> dict[str, Any]:
        settled: dict[str, Any] = {}
        for key, value in pairs:
            here = child(path, key)
            if _checked(key, here) in settled:
                raise refuse(here, "duplicate key")
            settled[key] = self.settle(value, here, depth + 1)
        return settled


def _checked(text: str, path: str) -> str:
    if _UNWANTED.search(text):
        raise refuse(path, "control characters are not accepted")
    return text


__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_VALUES", "ConfigurationInvalid", "Plain", "load_document"]
