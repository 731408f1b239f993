"""One run of a compiled operation: its variables, its errors, and what resolvers are told."""

from asyncio import Future, gather
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import strawberry
from graphql import FieldNode, GraphQLError, GraphQLField, GraphQLObjectType, GraphQLResolveInfo, located_error
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor import Executor
from graphql.execution.values import VariableValues
from graphql.pyutils import Path as CorePath
from strawberry.types.field import StrawberryField

Path: TypeAlias = tuple[Any, str | int, str | None]
"""The way to a value, from its end: the path above or None, the step, and the type whose field the step is."""


@dataclass(slots=True, eq=False)
class Place:
    """A field of the operation, with all the nodes that ask for it at this place."""

    key: str
    parent: GraphQLObjectType
    definition: GraphQLField
    details: FieldDetailsList
    nodes: list[FieldNode]
    field: StrawberryField | None

    @property
    def name(self) -> str:
        """The name of the field in the schema."""
        return self.nodes[0].name.value


class Run:
    """The state of one run. `given` are arguments that are the same for every object of this run."""

    __slots__ = ("_background", "_build", "_executor", "_nulled", "context", "errors", "given", "variables")

    def __init__(self, context: Any, variables: VariableValues, build: Callable[[], Executor[Any]]) -> None:
        self.context = context
        self.variables = variables
        self.errors: list[GraphQLError] = []
        self.given: dict[Any, Any] = {}
        self._nulled: set[Path | None] = set()
        self._build = build
        self._executor: Executor[Any] | None = None
        self._background: set[Future[Any]] = set()

    @property
    def executor(self) -> Executor[Any]:
        """graphql-core's own executor of the operation, made where something is asked that only it knows."""
        if self._executor is None:
            self._executor = self._build()
        return self._executor

    def fail(self, raised: Exception, place: Place, path: Path, *, non_null: bool) -> None:
        """Note what went wrong with a value, which is null then; or raise it where it must not be null."""
        error = located_error(raised, place.nodes, steps_of(path))
        if non_null:
            raise error
        self.note(error, path)

    def note(self, error: GraphQLError, path: Path | None) -> None:
        """Note an error; none below what is null already, for that is no part of the answer."""
        above: Path | None = path
        while above is not None:
            if above in self._nulled:
                return
            above = above[0]
        if None not in self._nulled:
            self._nulled.add(path)
            self.errors.append(error)

    def settle(self, pending: Sequence[Awaitable[Any]]) -> None:
        """Let go on what nobody waits for any more, so that it is not left half done."""
        future = gather(*pending, return_exceptions=True)
        self._background.add(future)
        future.add_done_callback(self._background.discard)


class PlanInfo(strawberry.Info[Any, Any]):
    """What a resolver is told. All but the context is made when it is asked for."""

    def __init__(self, run: Run, place: Place, path: Path) -> None:
        self.run, self.place, self._path = run, place, path

    @property
    def context(self) -> Any:
        """The context of the request."""
        return self.run.context

    @cached_property
    def _raw_info(self) -> GraphQLResolveInfo[Any]:  # type: ignore[override]
        place = self.place
        return self.run.executor.build_resolve_info(place.definition, place.nodes, place.parent, _core_path(self._path))

    @property
    def _field(self) -> StrawberryField:  # type: ignore[override]
        assert self.place.field is not None  # noqa: S101 - only such fields have resolvers
        return self.place.field


def steps_of(path: Path | None) -> list[str | int]:
    """The steps of a path from the root on."""
    steps: list[str | int] = []
    while path is not None:
        steps.append(path[1])
        path = path[0]
    return steps[::-1]


def _core_path(path: Path) -> CorePath:
    above, step, type_name = path
    return CorePath(None if above is None else _core_path(above), step, type_name)
