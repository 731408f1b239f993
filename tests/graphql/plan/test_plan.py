"""What has a plan and what has none, what a plan keeps, and answers that are easily got wrong."""

import gc
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import strawberry
from graphql import OperationDefinitionNode, parse
from strawberry.extensions import SchemaExtension

from schema.build import TesseraSchema
from schema.build import schema as served
from schema.document import Documents, Prepared, ReadyDocument
from schema.plan.operation import MAX_VARIANTS, make_plan
from tests.graphql.plan.comparison import answer_of, is_covered
from tests.graphql.plan.nasty import Context, schema

SEEDS = range(40)


async def _both(text: str, **variables: Any) -> tuple[Any, list[tuple[str, ...]]]:
    """Data and errors of an operation, which must be the same from both executors."""
    compiled = Documents(schema, introspection=True)
    prepared = compiled.prepare(text)
    plain = Documents(schema, introspection=True, compiled=False)
    expected = await answer_of(plain, prepared, variables, Context(prepared.document))
    assert await answer_of(compiled, prepared, variables, Context(prepared.document)) == expected
    data, _ = await compiled.execute(prepared, prepared.operations[0], variables, Context(prepared.document))
    return data, list(expected[1].elements())


@pytest.mark.parametrize(
    "text",
    [
        "{thing(seed: $s) {matrix {seed} plain {grid words}}}",
        "{thing(seed: $s) {stream {seed must {seed}} maybeThings {must {seed}} mustThings {seed}}}",
        "{thing(seed: $s) {animal {__typename ... on Cat {lives seed} ... on Dog {must tricks}}}}",
        "{thing(seed: $s) {animals {name friend {name ... on Cat {plain {text}}}}}}",
        "{thing(seed: $s) {there {must {mustNow {seed}}} here {must {seed}}}}",
        "{thing(seed: $s) {plain {inner {inner {text color}} others {text at} maybeOthers {points anything ratio}}}}",
        "{thing(seed: $s) {there {seed} there {rooted there {seed}} ...P ...P}} fragment P on Thing {there {parented}}",
        '{must(seed: $s) {must {seed}} thing {even loud(word: "x")}}',
        "{named(seed: $s) {id: seed friend {friend {name}}}}",
        "{thing(seed: $s) {here {mustNow {__typename}} there {must {__typename}}}}",
        "{must(seed: $s) {told a: told(color: GREEN) must {told}}}",
        "{thing(seed: $s) {later {later {later {seed}}} plains {number inner {text}}}}",
    ],
)
async def test_what_goes_wrong_goes_wrong_in_the_same_way(text: str) -> None:
    failed = 0
    for seed in SEEDS:
        _, errors = await _both("query($s: Int!) " + text, s=seed)
        failed += bool(errors)
    assert failed


async def test_an_error_makes_the_nearest_nullable_place_null() -> None:
    found: Counter[str] = Counter()
    for seed in SEEDS:
        data, errors = await _both("query($s: Int!) {thing(seed: $s) {there {must {seed}} seed}}", s=seed)
        paths = [error[0] for error in errors]
        if paths == ["['thing', 'there', 'must']"]:
            assert data == {"thing": {"there": None, "seed": seed}}
            found["below"] += 1
    assert found["below"]


async def test_mutations_run_one_after_the_other() -> None:
    documents = Documents(schema, introspection=True)
    prepared = documents.prepare(
        "mutation {a: act(input: {seed: 3}) {seed} b: actNow(input: {seed: 4}) c: act(input: {seed: 5}) {seed}}"
    )
    context = Context(prepared.document)
    assert is_covered(documents, prepared)
    await documents.execute(prepared, prepared.operations[0], {}, context)
    assert context.log == ["begin 3", "end 3", "now 4", "begin 5", "end 5"]


@pytest.mark.parametrize(
    "text",
    [
        "{__schema {queryType {name}}}",
        '{__type(name: "Thing") {name}}',
        "{...P} fragment P on Query {__schema {queryType {name}}}",
    ],
)
async def test_introspection_is_left_to_graphql_core(text: str) -> None:
    documents = Documents(schema, introspection=True)
    prepared = documents.prepare(text)
    assert not is_covered(documents, prepared)
    data, errors = await documents.execute(prepared, prepared.operations[0], {}, Context(prepared.document))
    assert data
    assert not errors


@pytest.mark.parametrize(
    "text",
    [
        "{thing @strange {seed}}",
        "query @strange {thing {seed}}",
        "query($s: Int @strange) {thing(seed: $s) {seed}}",
        "{thing {...P}} fragment P on Thing {... @strange {seed}}",
    ],
)
def test_other_directives_are_left_to_graphql_core(text: str) -> None:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert make_plan(schema, document, operation) is None
    plain = parse(text.replace("@strange", ""))
    assert isinstance(plain.definitions[0], OperationDefinitionNode)
    assert make_plan(schema, plain, plain.definitions[0]) is not None


async def test_variables_that_are_nested_too_deeply_are_refused_as_ever() -> None:
    text = "query($w: Where!) {thing {echo(where: $w)}}"
    for depth in (10, 1000):
        where: dict[str, Any] = {"names": []}
        for _ in range(depth):
            where = {"names": [], "inner": where}
        data, errors = await _both(text, w=where)
        assert (data is None) == (depth == 1000)
        assert bool(errors) == (depth == 1000)


def test_subscriptions_have_no_plan() -> None:
    documents = Documents(served, introspection=True)
    assert not is_covered(documents, documents.prepare("subscription {balanceChanged {__typename}}"))


async def test_a_directive_that_asks_for_null_is_refused_as_ever() -> None:
    text = "query($b: Boolean = true) {thing {seed @include(if: $b)}}"
    data, errors = await _both(text, b=None)
    assert data == {"thing": None}
    assert "has invalid value" in errors[0][1]
    assert await _both(text) == ({"thing": {"seed": 1}}, [])


async def test_what_directives_leave_of_an_operation_is_kept_for_some_of_their_variables() -> None:
    names = "abcde"
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    text = f"query({declared}) {{thing {{{' '.join(f'{name}: seed @skip(if: ${name})' for name in names)} seed}}}}"
    documents = Documents(schema, introspection=True)
    prepared = documents.prepare(text)
    for number in (*range(2 ** len(names)), 0):
        variables = {name: bool(number & 1 << place) for place, name in enumerate(names)}
        data, _ = await documents.execute(prepared, prepared.operations[0], variables, Context(prepared.document))
        assert data == {"thing": {name: 1 for name in names if not variables[name]} | {"seed": 1}}
        plan = prepared.plans[None]
        assert plan is not None
        assert 1 <= len(plan._variants) <= MAX_VARIANTS


async def test_a_plan_keeps_nothing_of_a_request() -> None:
    class Text(str):
        __slots__ = ("__weakref__",)

    documents = Documents(schema, introspection=True)
    prepared = documents.prepare(
        "query($w: String!, $i: Where!, $b: Boolean!) "
        "{thing {animal {... on Named {name friend {name}}} loud(word: $w) echo(where: $i) seed @skip(if: $b)}}"
    )

    async def run() -> list[weakref.ref[Any]]:
        context, word = Context(prepared.document), Text("secret")
        given = {"w": word, "i": {"names": [word], "maybe": 1}, "b": True}
        await documents.execute(prepared, prepared.operations[0], given, context)
        return [weakref.ref(context), weakref.ref(word)]

    kept = await run()
    gc.collect()
    assert [one() for one in kept] == [None, None]
    assert prepared.plans[None] is not None


async def test_a_plan_is_made_once_and_asks_nothing_of_graphql_core(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = Documents(schema, introspection=True)
    prepared = documents.prepare("query A {thing {seed}} query B {thing {rooted}}")
    monkeypatch.setattr(schema, "execute", None)
    for _ in range(2):
        assert await _data(documents, prepared, "B") == {"thing": {"rooted": 1}}
    assert list(prepared.plans) == ["B"]
    first = prepared.plans["B"]
    assert await _data(documents, prepared, "A") == {"thing": {"seed": 1}}
    assert prepared.plans["B"] is first


async def _data(documents: Documents, prepared: Prepared, name: str) -> Mapping[str, Any] | None:
    data, errors = await documents.execute(prepared, prepared.operation(name), {}, Context(prepared.document))
    assert not errors
    return data


async def test_compiled_execution_can_be_turned_off() -> None:
    documents = Documents(schema, introspection=True, compiled=False)
    prepared = documents.prepare("{thing {seed}}")
    data, _ = await documents.execute(prepared, prepared.operations[0], {}, Context(prepared.document))
    assert data == {"thing": {"seed": 1}}
    assert prepared.plans == {}


class Watching(SchemaExtension):
    """Notes each operation."""

    def on_execute(self) -> Iterator[None]:
        """Note an operation."""
        self.execution_context.context.log.append("operation")
        yield


class WatchingFields(SchemaExtension):
    """Notes each field."""

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        """Note a field."""
        info.context.log.append(info.field_name)
        return _next(root, info, *args, **kwargs)


@pytest.mark.parametrize(("extension", "seen"), [(Watching, ["operation"]), (WatchingFields, ["one"])])
async def test_a_schema_with_extensions_is_left_to_graphql_core(
    extension: type[SchemaExtension], seen: list[str]
) -> None:
    @strawberry.type
    class Query:
        one: int = 1

    documents = Documents(TesseraSchema(query=Query, extensions=[ReadyDocument, extension]), introspection=True)
    prepared = documents.prepare("{one}")
    context = Context(prepared.document)
    await documents.execute(prepared, prepared.operations[0], {}, context)
    assert context.log == seen
    assert prepared.plans == {}


def test_a_document_weighs_what_its_fragments_are_written_out() -> None:
    documents = Documents(schema, introspection=True)
    one = " ".join(["...P"] + [f"a{number}: here {{...P}}" for number in range(8)])
    fragment = (
        " fragment P on Thing {" + " ".join(f"{name} p{name}: plain {{text}}" for name in ("seed", "rooted")) + "}"
    )
    written_out = documents.prepare("{thing {" + one + "}}" + fragment)
    assert written_out.weight > 9 * 8
    skipping = documents.prepare("{thing {" + one + " even @skip(if: true)}}" + fragment)
    assert skipping.weight > written_out.weight + 3 * 9 * 6
