"""Documents that a deployment knows from the start, by their ids."""

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PREFIX = "sha256:"


class TrustedRefused(Exception):
    """The documents cannot be used; the message says which, and what is wrong."""


def plain_id(given: str) -> str:
    """An id as it is looked up: clients write hashes with and without the name of the algorithm."""
    return given.removeprefix(_PREFIX)


def read_trusted(path: Path) -> dict[str, str]:
    """The texts by id, of a file as graphql-codegen writes `persisted-documents.json`, or of a folder of such files.

    Raises TrustedRefused.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    found: dict[str, str] = {}
    for file in files:
        for given, text in _read(file).items():
            name = plain_id(given)
            if not name or not isinstance(text, str):
                raise TrustedRefused(f"{file}: must be one object of ids and texts of documents, and '{given}' is not")
            text = unicodedata.normalize("NFC", text)
            if found.setdefault(name, text) != text:
                raise TrustedRefused(f"{file}: another document has the id '{given}' already")
    if not found:
        raise TrustedRefused(f"{path}: there is no document")
    return found


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrustedRefused(f"{file}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise TrustedRefused(f"{file}: is not JSON") from None
    if not isinstance(content, dict):
        raise TrustedRefused(f"{file}: must be one object of ids and texts of documents")
    return content
