"""An item of the configuration as text: YAML as files have it, read back under the same limits."""

from collections.abc import Mapping
from typing import Any

import orjson
import yaml

from domain.errors import ConfigurationRefused
from resolvers.configuration import read_source, source_of

MAX_TEXT = 200_000


def write_text(item: Mapping[str, Any]) -> str:
    """The item as YAML; what it leaves out is left out."""
    said = {key: value for key, value in item.items() if value is not None}
    text: str = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=100)
    return text


def read_text(section: str, text: str) -> dict[str, Any]:
    """The item of a text. Raises ConfigurationRefused."""
    if len(text) > MAX_TEXT:
        raise ConfigurationRefused(f"{section}: the text is longer than {MAX_TEXT} characters", field="text")
    try:
        item = read_source(text)
    except ConfigurationRefused as error:
        raise ConfigurationRefused(error.detail, field="text") from error
    # As a form and a file have it: exact numbers as texts.
    plain: dict[str, Any] = orjson.loads(source_of(item))
    return plain
