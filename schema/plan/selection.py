"""Selections, compiled: for each object type, the steps of the fields that are asked for."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from types import CoroutineType
from typing import Any, NamedTuple, TypeAlias

import strawberry
from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.executor import to_nodes
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE
from strawberry.types.field import StrawberryField

from schema.plan.completion import (
    Complete,
    Completion,
    Select,
    careful_object,
    complete_abstract,
    complete_leaf,
    complete_list,
    complete_non_null,
    complete_object,
    gathered,
)
from schema.plan.leaf import Careful, Quick, is_inert
from schema.plan.run import Path, Place, PlanInfo, Run
from schema.plan.step import Step, is_attribute, make_step

Steps: TypeAlias = Sequence[tuple[str, Step]]
"""The steps of an object, by the names in its answer."""

Places: TypeAlias = Mapping[str, Place | None]
"""The fields that are asked for, by the names in the answer; None for the name of the type."""

_TYPENAME = "__typename"


class Selection(NamedTuple):
    """The answer of an object, both ways; the quick one only where all that is asked for are attributes."""

    quick: Quick | None
    select: Select


class Compiler:
    """Compiles an operation as its directives have it with these variables."""

    def __init__(
        self,
        schema: strawberry.Schema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self._schema, self._core = schema, schema._schema
        self._operation, self._variables = operation, variables
        self._fragments = {name: FragmentDetails(node) for name, node in fragments.items()}

    def root(self) -> Steps:
        """The steps of the operation itself."""
        kind = self._core.get_root_type(self._operation.operation)
        assert kind is not None  # noqa: S101 - the document is valid
        found = collect_fields(self._core, self._fragments, self._variables, kind, self._operation)
        return self._steps(kind, _places(kind, found.grouped_field_set), {})

    def _below(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Selection:
        places = self._collect(kind, details)
        known: dict[str, Completion] = {}
        quick = self._quick(kind, places, known)
        if quick is None:
            return Selection(None, select_of(self._steps(kind, places, known)))
        # Most objects are never answered the careful way.
        return Selection(quick, _later(lambda: select_of(self._steps(kind, self._collect(kind, details), {}))))

    def _collect(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Places:
        found = collect_subfields(self._core, self._fragments, self._variables, self._operation, kind, details)
        return _places(kind, found.grouped_field_set)

    def _steps(self, kind: GraphQLObjectType, places: Places, known: Mapping[str, Completion]) -> Steps:
        steps: list[tuple[str, Step]] = []
        for key, place in places.items():
            if place is None:
                steps.append((key, _constant(kind.name)))
            else:
                completion = known.get(key) or self._completion(place.definition.type, place)
                steps.append((key, make_step(place, self._schema, completion)))
        return steps

    def _quick(self, kind: GraphQLObjectType, places: Places, known: dict[str, Completion]) -> Quick | None:
        """The quick way of an object, if there is one. The completions that it looks at become known."""
        definition = (kind.extensions or {}).get(GraphQLCoreConverter.DEFINITION_BACKREF)
        # Where the program itself says what is of a type, it is asked.
        is_told = definition is None or definition.is_type_of is not None
        if not places or is_told or self._schema.config.default_resolver is not getattr:
            return None
        if not all(place is None or is_attribute(place, self._schema) for place in places.values()):
            return None
        attributes: dict[str, tuple[str, Quick]] = {}
        for key, place in places.items():
            if place is None:
                attributes[key] = "__class__", _always(kind.name)
                continue
            known[key] = completion = self._completion(place.definition.type, place)
            if completion.quick is None or place.field is None:
                return None
            attributes[key] = place.field.python_name, completion.quick
        return _quick_object(kind.is_type_of, attributes)

    def _completion(self, kind: GraphQLOutputType, place: Place, *, nullable: bool = True) -> Completion:
        if is_non_null_type(kind):
            inner = self._completion(kind.of_type, place, nullable=False)
            return inner if is_leaf_type(kind.of_type) else complete_non_null(inner)
        if is_leaf_type(kind):
            return complete_leaf(kind, nullable=nullable)
        if is_list_type(kind):
            item = self._completion(kind.of_type, place)
            return complete_list(item, nullable=nullable, non_null_items=is_non_null_type(kind.of_type))
        if is_abstract_type(kind):
            return complete_abstract(kind, self._choice(kind, place))
        assert isinstance(kind, GraphQLObjectType)  # noqa: S101 - there are no other types of output
        selection = self._below(kind, place.details)
        return complete_object(kind, selection.quick, selection.select, nullable=nullable)

    def _choice(self, kind: Any, place: Place) -> Callable[[str, Any, PlanInfo], Complete]:
        """Finds the completion for the name of a type, which is compiled when it is met for the first time."""
        known: dict[str, Complete] = {}

        def choose(name: str, value: Any, info: PlanInfo) -> Complete:
            found = known.get(name) if isinstance(name, str) else None
            if found is None:
                chosen = info.run.executor.ensure_valid_runtime_type(name, kind, place.details, info._raw_info, value)
                found = known[name] = careful_object(chosen, self._below(chosen, place.details).select)
            return found

        return choose


def _places(kind: GraphQLObjectType, fields: GroupedFieldSet) -> Places:
    return {
        key: None if details[0].node.name.value == _TYPENAME else _place(kind, key, details)
        for key, details in fields.items()
    }


def _place(kind: GraphQLObjectType, key: str, details: FieldDetailsList) -> Place:
    definition = kind.fields[details[0].node.name.value]
    field = (definition.extensions or {}).get(GraphQLCoreConverter.DEFINITION_BACKREF)
    known = field if isinstance(field, StrawberryField) else None
    return Place(key, kind, definition, details, to_nodes(details), known)


def _constant(value: str) -> Step:
    return lambda _source, _run, _path: value


def _later(make: Callable[[], Select]) -> Select:
    """Makes a selection when it is first used."""
    made: list[Select] = []

    def select(source: Any, run: Run, path: Path | None) -> Any:
        if not made:
            made.append(make())
        return made[0](source, run, path)

    return select


def select_of(steps: Steps) -> Select:
    """Starts all fields, then waits for those that are not done."""

    def select(source: Any, run: Run, path: Path | None) -> Any:
        results: dict[str, Any] = {}
        waiting: list[str] = []
        try:
            for key, step in steps:
                value = results[key] = step(source, run, path)
                if value.__class__ is CoroutineType:
                    waiting.append(key)
        except Exception:
            if waiting:
                run.settle([results[key] for key in waiting])
            raise
        return gathered(results, waiting) if waiting else results

    return select


def serially(steps: Steps) -> Select:
    """Ends each field before it starts the next."""

    async def select(source: Any, run: Run, path: Path | None) -> dict[str, Any]:
        results = {}
        for key, step in steps:
            value = step(source, run, path)
            results[key] = await value if value.__class__ is CoroutineType else value
        return results

    return select


def _always(value: str) -> Quick:
    return lambda _: value


def _quick_object(is_type_of: Callable[..., Any] | None, attributes: Mapping[str, tuple[str, Quick]]) -> Quick:
    """The quick way of an object: a class says once and for all whether its objects are of the type."""
    keys, completions = list(attributes), [completion for _, completion in attributes.values()]
    read: Callable[[Any], Any] = attrgetter(*(name for name, _ in attributes.values()))
    fitting: set[type] = set()

    def admit(source: Any) -> None:
        if not is_inert(source.__class__) or not (is_type_of is None or is_type_of(source, None)):
            raise Careful
        fitting.add(source.__class__)

    def several(source: Any) -> dict[str, Any]:
        if source.__class__ not in fitting:
            admit(source)
        return {key: complete(value) for key, complete, value in zip(keys, completions, read(source), strict=False)}

    def one(source: Any) -> dict[str, Any]:
        if source.__class__ not in fitting:
            admit(source)
        return {keys[0]: completions[0](read(source))}

    quick = one if len(keys) == 1 else several

    def checked(source: Any) -> dict[str, Any]:
        # A cast says of one object what the class says of the others.
        if getattr(source, TYPE_CAST_ATTRIBUTE, None) is not None:
            raise Careful
        return quick(source)

    return quick if is_type_of is None else checked
