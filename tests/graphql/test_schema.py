"""The schema as text: what is committed is what is served, and everything is described."""

from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    validate_schema,
)

import schema as package
from schema.connection import MAX_PAGE
from schema.field import ALWAYS
from schema.sdl import export_sdl

BUILT = build_schema(export_sdl())
OWN = {
    name: one
    for name, one in BUILT.type_map.items()
    if not name.startswith("__") and name not in {"String", "Int", "Boolean", "ID", "Float"}
}


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    committed = Path(package.__file__).parent / "schema.graphql"
    assert committed.read_text() == export_sdl(), "run `make snapshots`"
    assert validate_schema(BUILT) == []


def test_nullable_fields_of_programs_and_accounts_say_when_they_are_null() -> None:
    promised = {
        f"{name}.{field}"
        for name in ("Program", "BalanceChange", "Query", "Member")
        for field, item in BUILT.type_map[name].fields.items()  # type: ignore[attr-defined]
        if not isinstance(item.type, GraphQLNonNull) and item.description.endswith(ALWAYS)
    }
    assert promised >= {"Program.timeZone", "Member.balance", "Member.ledger", "Query.program", "BalanceChange.balance"}
    unsaid = [
        field
        for field, item in BUILT.type_map["Program"].fields.items()  # type: ignore[attr-defined]
        if not isinstance(item.type, GraphQLNonNull) and "null" not in item.description.lower()
    ]
    assert unsaid == []
    for name, one in OWN.items():
        if isinstance(one, GraphQLObjectType):
            for field, item in one.fields.items():
                is_promised = (item.description or "").endswith(ALWAYS)
                assert not (is_promised and isinstance(item.type, GraphQLNonNull)), f"{name}.{field}"


def test_everything_is_described() -> None:
    missing = []
    for name, one in OWN.items():
        if not one.description:
            missing.append(name)
        if isinstance(one, GraphQLEnumType):
            missing += [f"{name}.{value}" for value, item in one.values.items() if not item.description]
        if isinstance(one, GraphQLInputObjectType):
            missing += [f"{name}.{field}" for field, item in one.fields.items() if not item.description]
        if isinstance(one, GraphQLObjectType | GraphQLInterfaceType):
            for field, item in one.fields.items():
                missing += [] if item.description else [f"{name}.{field}"]
                missing += [
                    f"{name}.{field}({argument})"
                    for argument, given in item.args.items()
                    if not given.description and argument != "input"
                ]
    assert missing == []


def test_what_points_and_money_are_is_never_a_float() -> None:
    floats = {
        f"{one.name}.{name}"
        for one in OWN.values()
        for name, field in getattr(one, "fields", {}).items()
        if str(field.type).strip("[]!") == "Float"
    }
    # How far a file is, and how fast it gets on.
    assert floats == {"Batch.progress", "Batch.rowsPerSecond"}


def test_every_mutation_takes_one_input_and_may_fail_alone() -> None:
    assert BUILT.mutation_type is not None
    for name, field in BUILT.mutation_type.fields.items():
        assert list(field.args) == ["input"], name
        assert str(field.args["input"].type).endswith("Input!"), name
        assert str(field.type).endswith("Payload"), name


def test_connections_are_those_of_relay() -> None:
    for name, one in OWN.items():
        if name.endswith("Connection") and isinstance(one, GraphQLObjectType):
            assert str(one.fields["pageInfo"].type) == "PageInfo!"
            item = name.removesuffix("Connection").removesuffix("Uncounted")
            assert str(one.fields["edges"].type) == f"[{item}Edge!]!"
    assert str(MAX_PAGE) in export_sdl()


def test_only_what_is_counted_offers_a_count() -> None:
    counted = {name for name, one in OWN.items() if "totalCount" in getattr(one, "fields", {})}
    offering = {
        f"{name}.{field}"
        for name, one in OWN.items()
        for field, definition in getattr(one, "fields", {}).items()
        if str(definition.type).strip("[]!") in counted
    }
    assert offering == {"Query.members", "Query.orders", "Member.ledger", "Member.orders"}
