"""The guide to the configuration file says what is so."""

import json
from pathlib import Path

from domain.rules.document import load_document
from domain.rules.examples import run_examples
from domain.rules.model import DEFAULT_SEGMENTS, ProgramTerms
from domain.rules.parse import parse, parse_file
from domain.rules.schema import schema_text
from domain.rules.vocabulary import OPERATORS, vocabulary_of

GUIDE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
EXAMPLE = GUIDE.partition("```yaml\n")[2].partition("```")[0]


def test_the_examples_of_the_guide_pass() -> None:
    results = run_examples(parse_file(EXAMPLE))
    assert len(results) == 7
    assert [(result.name, result.got) for result in results if not result.passed] == []


def test_the_worked_example_has_the_figures_of_the_guide() -> None:
    result = run_examples(parse_file(EXAMPLE))[1]
    (award,) = result.explanation
    assert (award["exact"], award["points"], award["spoilage"]) == ("117.99", "118", "-0.01")


def test_the_guide_shows_the_segments_that_a_new_program_has() -> None:
    block = GUIDE.partition("Each new program begins with these")[2].partition("```yaml\n")[2].partition("```")[0]
    assert parse_file(block).segments == DEFAULT_SEGMENTS


def test_the_guide_names_every_key_operator_and_section() -> None:
    sections = json.loads(schema_text())["properties"]
    assert set(load_document(EXAMPLE)) == set(sections)
    words = [word for word in vocabulary_of(parse({})) if word.startswith(("sub_relation.type", "date.", "member.pur"))]
    operators = {operator for of_kind in OPERATORS.values() for operator in of_kind}
    named = {*ProgramTerms.__dataclass_fields__, *words, *operators}
    assert [name for name in sorted(named) if f"`{name}`" not in GUIDE] == []
