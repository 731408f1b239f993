"""The list of GraphQL documents that a deployment knows: read and checked before anybody is served."""

import json
from pathlib import Path

import pytest

from tessera.app import create_app
from tessera.commands.doctor import _documents
from tessera.documents import open_documents
from tessera.settings import Settings, SettingsRefused, load_settings

GOOD = {"sha256:aa": "{__typename}", "bb": "query Named {me {id}}"}


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def _settings(content: object, *, name: str = "persisted-documents.json") -> Settings:
    Path(name).write_text(content if isinstance(content, str) else json.dumps(content))
    return load_settings(graphql_documents=Path(name), data_dir=Path("var"))


def test_a_file_of_graphql_codegen_is_read() -> None:
    settings = _settings(GOOD)
    assert set(open_documents(settings).trusted) == {"aa", "bb"}
    assert _documents(settings).verdict == "ok"
    create_app(settings)


def test_all_files_of_a_folder_are_read() -> None:
    Path("app").mkdir()
    Path("app/one.json").write_text(json.dumps({"aa": "{__typename}"}))
    Path("app/two.json").write_text(json.dumps({"sha256:aa": "{__typename}", "cc": "{me {id}}"}))
    Path("app/graphql.ts").write_text("export const documents = {}")
    settings = load_settings(graphql_documents=Path("app"), graphql_trusted_only=True, data_dir=Path("var"))
    assert set(open_documents(settings).trusted) == {"aa", "cc"}


def test_texts_are_in_one_form_as_those_of_requests_are() -> None:
    documents = open_documents(_settings({"aa": '{member(reference: "Ame\u0301lie") {id}}'}))
    assert "Am\u00e9lie" in documents.trusted["aa"].text


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "persisted-documents.json: is not JSON"),
        ([], "must be one object"),
        ({"a": 1}, "'a' is not"),
        ({"sha256:": "{__typename}"}, "'sha256:' is not"),
        ({}, "there is no document"),
        ({"a": "{__typename}", "sha256:a": "{b: __typename}"}, "another document has the id 'sha256:a' already"),
        (GOOD | {"c": "{nothing}"}, "document 'c': Cannot query field 'nothing' on type 'Query'"),
        (GOOD | {"c": "{" + "a: __typename " * 40 + "}"}, "document 'c': Operation is too complex"),
    ],
)
def test_a_list_that_cannot_be_used_stops_the_start(content: object, fault: str) -> None:
    settings = _settings(content)
    with pytest.raises(SettingsRefused, match=fault) as refused:
        create_app(settings)
    assert str(refused.value).startswith("TESSERA_GRAPHQL_DOCUMENTS: ")
    assert _documents(settings).verdict == "wrong"


def test_a_list_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(SettingsRefused, match=r"gone\.json: cannot be read: No such file"):
        create_app(load_settings(graphql_documents=Path("gone.json"), data_dir=Path("var")))


def test_only_a_list_needs_a_list() -> None:
    with pytest.raises(SettingsRefused, match="TESSERA_GRAPHQL_DOCUMENTS must be set"):
        load_settings(graphql_trusted_only=True)
