"""Compiled execution gives what graphql-core gives, over the schema that is served and a database."""

import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from domain.errors import TesseraError
from schema.app import build_graphql_app
from schema.build import schema
from schema.document import Documents
from schema.failure import DocumentRefused
from tests.graphql.plan.comparison import is_covered
from tests.graphql.plan.generator import Generator, Operation
from tests.graphql.world import Answer, Caller, World
from tests.scale import scaled

OPERATIONS = 4_000
IDS = """{members {edges {cursor node {id relationReference ledger {edges {cursor node {id}}}
    transactions {edges {node {id}}} lots {edges {node {id}}} holds {edges {node {id}}}}}}}"""


async def test_generated_queries_have_equal_answers(world: World, server: Caller) -> None:
    scalar = await _populated(world, server)
    documents = {
        name: Documents(schema, introspection=True, compiled=name == "compiled") for name in ("compiled", "plain")
    }
    member = await world.caller(member="M-1001")
    counts: Counter[str] = Counter()
    random = Random(1)  # noqa: S311 - nothing secret
    generator = Generator(schema._schema, random, scalar)
    async with (
        world.client_of(build_graphql_app(introspection=True, documents=documents["compiled"])) as compiled,
        world.client_of(build_graphql_app(introspection=True, documents=documents["plain"])) as plain,
    ):
        for _ in range(scaled(OPERATIONS)):
            operation = generator.operation()
            token = random.choice((server.token, server.token, member.token, ""))
            try:
                prepared = documents["compiled"].prepare(operation.text)
                prepared.operations[0].cost(operation.variables)
            except (DocumentRefused, TesseraError):
                counts["refused"] += 1
                continue
            expected = await _told(Caller(plain, token), operation)
            assert await _told(Caller(compiled, token), operation) == expected, (
                f"{operation.text}\n{operation.variables}"
            )
            counts["asked"] += 1
            counts["covered"] += is_covered(documents["compiled"], prepared)
            counts["with errors"] += bool(expected[1])
            counts["without errors"] += not expected[1]
    assert counts["refused"] < counts["asked"] / 2, counts
    assert counts["covered"] >= 0.9 * counts["asked"], counts
    assert min(counts["with errors"], counts["without errors"]) >= counts["asked"] / 10, counts


async def _told(caller: Caller, operation: Operation) -> tuple[int, Counter[str], str]:
    """Status, errors in any order, and all else as it is written."""
    answer: Answer = await caller.send({"query": operation.text, "variables": operation.variables})
    body = dict(answer.body)
    errors = body.pop("errors", [])
    for error in errors:
        error["extensions"].pop("requestId")
    return answer.status, Counter(json.dumps(error) for error in errors), json.dumps(body)


async def _populated(world: World, server: Caller) -> Callable[[Random, str, str], Any]:
    """Members with all kinds of things; makes values for scalars that often name one of them."""
    for reference in ("M-1001", "M-1002", "M-1003"):
        await world.member(server, 100, relationReference=reference, fullName=f"Name of {reference}")
        await world.redeem(server, reference, 10)
        hold = {"relationReference": reference, "points": 5}
        await server.ask("mutation($i: PointsHoldInput!) {pointsHold(input: $i) {hold {id}}}", i=hold)
    text = json.dumps((await server.ask(IDS)).data)
    found: dict[str, list[str]] = {"id": [await world.batch()], "cursor": []}

    def look(value: Any) -> None:
        for name, below in value.items() if isinstance(value, dict) else ():
            found.setdefault(name, []).extend([below] if isinstance(below, str) else [])
            look(below)
        for below in value if isinstance(value, list) else ():
            look(below)

    look(json.loads(text))
    assert len(found["id"]) > 10

    def scalar(random: Random, kind: str, name: str) -> Any:
        if kind == "Int":
            return random.choice((1, 2, 2, 3, 0))
        if kind == "ID" or name in ("id", "ids"):
            return random.choice(found["id"])
        if name in ("after", "before"):
            return random.choice(found["cursor"])
        values: dict[str, Callable[[], Any]] = {
            "Boolean": lambda: random.random() < 0.5,
            "DateTime": lambda: random.choice(("2026-02-01T00:00:00Z", "2026-02-05T00:00:00+05:30")),
            "Date": lambda: random.choice(("2026-02-01", "2026-02-05")),
            "ClearableDate": lambda: "2026-02-05",
            "UUID": lambda: "00000000-0000-4000-8000-000000000000",
            "Points": lambda: "12.5",
            "Decimal": lambda: "2",
        }
        return values.get(kind, lambda: random.choice(("M-1001", "M-1002", "M-1003", "card_id")))()

    return scalar
