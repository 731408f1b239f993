"""The schema in the hands of the tools that front-end developers check, lint and compile with."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import SOURCE, Rich
from tests.e2e.programs import Packages

SDL = SOURCE / "schema" / "schema.graphql"
# Not the order of names, which follows their meaning here, and not the spelling of values: REST publishes `TwoFA`.
RULES = (
    *(
        "arguments-have-descriptions",
        "defined-types-are-used",
        "deprecations-have-a-reason",
        "descriptions-are-capitalized",
    ),
    *("enum-values-have-descriptions", "fields-are-camel-cased", "fields-have-descriptions"),
    *("input-object-fields-have-descriptions", "input-object-values-are-camel-cased"),
    *("input-object-values-have-descriptions", "interface-fields-sorted-alphabetically"),
    *("relay-connection-types-spec", "relay-connection-arguments-spec", "relay-page-info-spec"),
    *("types-are-capitalized", "types-have-descriptions"),
)


@pytest.fixture
def sdl(tools: Packages) -> str:
    """The committed schema, where the tools find it."""
    (tools.folder / "schema.graphql").write_bytes(SDL.read_bytes())
    return "schema.graphql"


def test_the_reference_implementation_builds_the_schema(tools: Packages, sdl: str) -> None:
    read = tools.script("schema.mjs", sdl)
    assert read["errors"] == []
    assert {"Member", "Query", "Mutation", "Subscription"} <= set(read["types"])


def test_the_linter_finds_nothing(tools: Packages, sdl: str) -> None:
    tools.program("graphql-schema-linter", sdl, "--rules", ",".join(RULES))


def test_a_served_schema_is_the_committed_one(sandbox: Rich, tools: Packages, sdl: str) -> None:
    bearer = f"Authorization: Bearer {sandbox.token}"
    tools.program("graphql-inspector", "introspect", sandbox.graphql, "--header", bearer, "--write", "served.graphql")
    said = tools.program("graphql-inspector", "diff", sdl, "served.graphql")
    # What it reads by introspection it writes without `@specifiedBy`.
    changes = [line for line in said.splitlines() if line.startswith("[log] ") and line != "[log] "]
    assert [line for line in changes if "specifiedBy" not in line] == []
    assert "No breaking changes" in said
    assert "No changes" in tools.program("graphql-inspector", "diff", sdl, sdl)


def test_the_inspector_tells_a_break_from_an_addition(tools: Packages, sdl: str) -> None:
    text = SDL.read_text()
    for name, old, new, status in (
        ("broken.graphql", "balanceAfter: Points!", "balanceAfter: Int!", 1),
        ("stricter.graphql", "merchantName: String", "merchantName: String!", 1),
        (
            "grown.graphql",
            "type LedgerEntry implements Node {",
            "type LedgerEntry implements Node {\n  more: String",
            0,
        ),
    ):
        assert old in text
        (tools.folder / name).write_text(text.replace(old, new, 1))
        said = tools.program("graphql-inspector", "diff", sdl, name, expect=status)
        assert ("No breaking changes" in said) is (status == 0), said


def test_the_inspector_validates_documents(tools: Packages, codegen: Packages, sdl: str) -> None:
    documents = tools.folder / "documents"
    documents.mkdir()
    (documents / "app.graphql").write_bytes((codegen.folder / "src" / "app.graphql").read_bytes())
    tools.program("graphql-inspector", "validate", "./documents/*.graphql", sdl)
    (documents / "wrong.graphql").write_text("query Wrong { member { nothing } }")
    said = tools.program("graphql-inspector", "validate", "./documents/*.graphql", sdl, expect=1)
    assert "nothing" in said


def test_relay_compiles_an_app_and_its_queries_run(sandbox: Rich, tools: Packages, sdl: str) -> None:
    assert (tools.folder / sdl).exists()
    tools.program("relay-compiler", "relay.config.json")
    queries = _persisted(tools.folder)
    assert set(queries) == {
        *("HomeQuery", "ProfileRefetchQuery", "LedgerPaginationQuery", "HomeRedeemMutation", "HomeSubscription"),
    }
    member = _ask(sandbox, queries["HomeQuery"], reference="M-2")["member"]
    assert member["ledger"]["edges"]
    # What Relay asks when it refetches a fragment, and when it turns a page: the node by its id.
    again = _ask(sandbox, queries["ProfileRefetchQuery"], id=member["id"])["node"]
    assert (again["__typename"], again["id"], again["status"]) == ("Member", member["id"], "ACTIVE")
    first = _ask(sandbox, queries["LedgerPaginationQuery"], id=member["id"], count=1)["node"]["ledger"]
    assert len(first["edges"]) == 1
    given = {"relationReference": "M-2", "points": "1", "idempotencyKey": "of Relay"}
    assert _ask(sandbox, queries["HomeRedeemMutation"], input=given)["pointsRedeem"]["replayed"] is False
    newest = _ask(sandbox, queries["LedgerPaginationQuery"], id=member["id"], count=1)["node"]["ledger"]
    after = newest["pageInfo"]["endCursor"]
    assert newest["pageInfo"]["hasNextPage"]
    older = _ask(sandbox, queries["LedgerPaginationQuery"], id=member["id"], count=1, cursor=after)["node"]["ledger"]
    assert older["edges"] == first["edges"]


def test_generated_types_compile_strictly_and_their_client_runs(sandbox: Rich, codegen: Packages) -> None:
    (codegen.folder / "schema.graphql").write_bytes(SDL.read_bytes())
    codegen.program("graphql-codegen", "--config", "codegen.ts")
    codegen.program("tsc", "--project", ".")
    walked = codegen.script("out/main.js", sandbox.graphql, sandbox.token, "M-1")
    assert walked["points"] == "3"
    assert walked["available"] == "997"
    assert walked["entry"] == walked["again"] == "-3"
    hashes = json.loads((codegen.folder / "src" / "gql" / "persisted-documents.json").read_text())
    for operation in ("query Home(", "query Again(", "mutation Redeem(", "subscription Live("):
        assert any(operation in text for text in hashes.values())


def _persisted(folder: Path) -> dict[str, str]:
    """The text of each operation that Relay sends, by its name."""
    texts = json.loads((folder / "queries.json").read_text()).values()
    return {text.split()[1].partition("(")[0]: text for text in texts}


def _ask(rich: Rich, query: str, **variables: Any) -> Any:
    request = urllib.request.Request(  # noqa: S310 - our own server
        rich.graphql,
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {rich.token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
        body = json.load(answer)
    assert "errors" not in body, body
    return body["data"]
