"""What GraphiQL begins with: a query of this schema, in lines that its pane shows whole."""

import json
import re
from pathlib import Path

import schema as package
from schema.build import schema
from schema.document import Documents

START = (Path(package.__file__).parent / "graphiql" / "start.js").read_text()
# The pane of a window of 1280 pixels shows this many characters.
SHOWN = 49


def _text(name: str) -> str:
    found = re.search(rf"const {name} = `([^`]*)`", START)
    assert found
    return found[1]


def test_the_welcome_is_a_valid_query_in_short_lines() -> None:
    welcome = _text("welcome")
    (operation,) = Documents(schema, introspection=True).prepare(welcome).operations
    assert operation.name == "HomeScreen"
    assert [line for line in welcome.splitlines() if len(line) > SHOWN] == []


def test_the_samples_are_json_and_headers_are_never_stored() -> None:
    assert json.loads(_text("sampleVariables")).keys() == {"reference"}
    assert json.loads(_text("sampleHeaders")).keys() == {"Authorization"}
    assert "shouldPersistHeaders: false" in START
