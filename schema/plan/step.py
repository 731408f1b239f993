"""How a field of an object is answered: an attribute, a method, or whatever Strawberry makes of it."""

from collections.abc import Callable
from types import CoroutineType
from typing import Any, TypeAlias

import strawberry
from graphql import is_non_null_type
from strawberry.execution.is_awaitable import optimized_is_awaitable as is_awaitable
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from schema.plan.argument import Arguments, Given, raw_arguments
from schema.plan.completion import Completion
from schema.plan.run import Path, Place, PlanInfo, Run

Step: TypeAlias = Callable[[Any, Run, Path | None], Any]
"""Answers one field of an object; a coroutine where it must be waited for. Raises GraphQLError for what is not null."""

Call: TypeAlias = Callable[[Any, PlanInfo, Given | None], Any]


def is_attribute(place: Place, schema: strawberry.Schema) -> bool:
    """Whether a field is an attribute of the object, and nothing else."""
    return _is_usual(place, schema) and place.field is not None and place.field.is_basic_field


def _is_usual(place: Place, schema: strawberry.Schema) -> bool:
    """Whether a field does what fields of Strawberry do: what extensions and handlers add is left to Strawberry."""
    field = place.field
    return (
        field is not None
        and type(field).get_result is StrawberryField.get_result
        and type(field.base_resolver) in (StrawberryResolver, type(None))
        and not field.extensions
        and not field.is_subscription
        and not schema.schema_converter.exception_handlers
    )


def make_step(place: Place, schema: strawberry.Schema, completion: Completion) -> Step:
    """The step of a field."""
    ending = _Ending(place, completion)
    field = place.field
    if field is None or not _is_usual(place, schema):
        return _left_to_strawberry(place, ending)
    if field.is_basic_field:
        return _attribute(place, field, ending)
    arguments = Arguments(place, schema) if place.definition.args else None
    call = _caller(field)
    return (_awaited if field.is_async else _called)(place, call, arguments, ending)


class _Ending:
    """What comes after the value of a field is there."""

    __slots__ = ("_careful", "_non_null", "_quick", "place")

    def __init__(self, place: Place, completion: Completion) -> None:
        self.place = place
        self._quick, self._careful = completion
        self._non_null = is_non_null_type(place.definition.type)

    def fail(self, error: Exception, run: Run, path: Path) -> None:
        """Note an error of the field, or raise it where the field must not be null."""
        run.fail(error, self.place, path, non_null=self._non_null)

    def complete(self, value: Any, run: Run, path: Path, info: PlanInfo | None = None) -> Any:
        """The completed value, or a coroutine that gives it."""
        if self._quick is not None:
            try:
                return self._quick(value)
            except Exception:  # noqa: BLE001, S110 - the careful way finds out what it was
                pass
        info = info or PlanInfo(run, self.place, path)
        try:
            if is_awaitable(value):
                return self.wait(value, info, path)
            completed = self._careful(value, info, path)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the error of this field
            return self.fail(error, run, path)
        return self._guard(completed, run, path) if completed.__class__ is CoroutineType else completed

    async def wait(self, pending: Any, info: PlanInfo, path: Path) -> Any:
        """The completed value of what is still to come."""
        try:
            return await self.finish(await pending, info, path)
        except Exception as error:  # noqa: BLE001 - as above
            return self.fail(error, info.run, path)

    async def finish(self, value: Any, info: PlanInfo, path: Path) -> Any:
        """The completed value of what has come. Raises what went wrong with it."""
        if self._quick is not None:
            try:
                return self._quick(value)
            except Exception:  # noqa: BLE001, S110 - as above
                pass
        completed = self._careful(value, info, path)
        return await completed if completed.__class__ is CoroutineType else completed

    async def _guard(self, pending: Any, run: Run, path: Path) -> Any:
        try:
            return await pending
        except Exception as error:  # noqa: BLE001 - as above
            return self.fail(error, run, path)


def _attribute(place: Place, field: StrawberryField, ending: _Ending) -> Step:
    key, type_name, name, read = place.key, place.parent.name, field.python_name, field.default_resolver

    def step(source: Any, run: Run, above: Path | None) -> Any:
        path = (above, key, type_name)
        try:
            value = read(source, name)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the error of this field
            return ending.fail(error, run, path)
        return ending.complete(value, run, path)

    return step


def _called(place: Place, call: Call, arguments: Arguments | None, ending: _Ending) -> Step:
    key, type_name = place.key, place.parent.name

    def step(source: Any, run: Run, above: Path | None) -> Any:
        path = (above, key, type_name)
        info = PlanInfo(run, place, path)
        try:
            value = call(source, info, None if arguments is None else arguments.read(run))
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the error of this field
            return ending.fail(error, run, path)
        return ending.complete(value, run, path, info)

    return step


def _awaited(place: Place, call: Call, arguments: Arguments | None, ending: _Ending) -> Step:
    key, type_name = place.key, place.parent.name

    async def answer(source: Any, info: PlanInfo, path: Path, given: Given | None) -> Any:
        try:
            value = call(source, info, given)
            if is_awaitable(value):
                value = await value
            return await ending.finish(value, info, path)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the error of this field
            return ending.fail(error, info.run, path)

    def step(source: Any, run: Run, above: Path | None) -> Any:
        path = (above, key, type_name)
        info = PlanInfo(run, place, path)
        try:
            given = None if arguments is None else arguments.read(run)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the error of this field
            return ending.fail(error, run, path)
        return answer(source, info, path, given)

    return step


def _left_to_strawberry(place: Place, ending: _Ending) -> Step:
    key, type_name, definition = place.key, place.parent.name, place.definition

    def step(source: Any, run: Run, above: Path | None) -> Any:
        path = (above, key, type_name)
        info = PlanInfo(run, place, path)
        try:
            given = raw_arguments(definition, place.nodes[0], run)
            value = (definition.resolve or run.executor.field_resolver)(source, info._raw_info, **given)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the error of this field
            return ending.fail(error, run, path)
        return ending.complete(value, run, path, info)

    return step


def _caller(field: StrawberryField) -> Call:
    """Calls the method of a field with the reserved arguments that it has."""
    resolver = field.base_resolver
    assert resolver is not None  # noqa: S101 - a field without one is an attribute
    method: Any = resolver.wrapped_func
    sources = [one.name for one in (resolver.parent_parameter, resolver.root_parameter) if one is not None]
    info_name = resolver.info_parameter.name if resolver.info_parameter else None
    takes_self = resolver.self_parameter is not None

    def call(source: Any, info: PlanInfo, given: Given | None) -> Any:
        named = {} if given is None else dict(given(info))
        for one in sources:
            named[one] = source
        if info_name is not None:
            named[info_name] = info
        return method(source, **named) if takes_self else method(**named)

    return call
