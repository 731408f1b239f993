"""The documents of `docs/graphql` are valid, and answer what their README says."""

from pathlib import Path

import pytest
from graphql import DocumentNode, OperationDefinitionNode, build_schema, parse, validate

from tests.graphql.documents import FOLDER, README, document, play, rewritten, without_chance, written
from tests.graphql.world import World

SDL = FOLDER.parents[1] / "schema" / "schema.graphql"
DOCUMENTS = sorted(path.name for path in FOLDER.glob("*.graphql"))


def operation(name: str) -> OperationDefinitionNode:
    parsed: DocumentNode = parse(document(name))
    (found,) = parsed.definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_one_named_operation_of_the_schema(name: str) -> None:
    assert validate(build_schema(SDL.read_text()), parse(document(name))) == []
    named = operation(name).name
    assert named is not None
    # A codegen makes a type of each name, for all documents together.
    assert [other for other in DOCUMENTS if (same := operation(other).name) and same.value == named.value] == [name]


def test_each_document_stands_in_the_readme_once_and_in_its_table() -> None:
    text = README.read_text()
    assert sorted(written()) == DOCUMENTS
    for name in DOCUMENTS:
        assert text.count(f"## `{name}`\n") == 1
        assert f"`{name}`" in text.split("\n## ")[0]


async def test_every_document_answers_what_the_readme_says(world: World) -> None:
    told, said = await play(world), written()
    assert sorted(told) == DOCUMENTS
    for name, example in told.items():
        assert without_chance(said[name].data) == without_chance(example.data), name
        assert without_chance(dict(said[name].variables)) == without_chance(dict(example.variables)), name
    # What writes the file changes nothing but the examples.
    text = README.read_text()
    assert rewritten(text, said) == text


def test_the_folder_holds_documents_and_their_readme_only() -> None:
    assert {path.suffix for path in Path(FOLDER).iterdir()} == {".graphql", ".md"}
