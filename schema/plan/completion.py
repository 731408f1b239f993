"""What becomes of the value of a field: leaves, lists, objects, as the type of the field has them.

There are two ways. The quick one is for what is all there and all right, which is nearly everything; it knows no
paths, and raises where it does not know. The careful one does it as graphql-core does, with every error in its place.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from types import CoroutineType
from typing import Any, NamedTuple, TypeAlias

from graphql import GraphQLError, GraphQLLeafType, GraphQLObjectType, Undefined
from graphql.execution.executor import Executor, collect_iterator_awaitables, invalid_return_type_error
from graphql.pyutils import gather_with_cancel
from graphql.pyutils.is_iterable import is_iterable
from strawberry.execution.is_awaitable import optimized_is_awaitable as is_awaitable
from strawberry.schema.schema_converter import GraphQLCoreConverter

from schema.plan.leaf import Careful, Quick, quick_leaf
from schema.plan.run import Path, PlanInfo, Run

Complete: TypeAlias = Callable[[Any, PlanInfo, Path], Any]
"""Completes a value; what it gives is a coroutine if something has to be waited for. Raises what went wrong."""

Select: TypeAlias = Callable[[Any, Run, Path | None], Any]
"""Answers the selection of an object, in the same way."""


class Completion(NamedTuple):
    """Both ways of one type."""

    quick: Quick | None
    careful: Complete


@lru_cache(maxsize=512)
def complete_leaf(leaf: GraphQLLeafType, *, nullable: bool) -> Completion:
    """The completion of a scalar or an enum; the same for all fields, which are many."""

    def careful(value: Any, _info: PlanInfo, _path: Path) -> Any:
        return None if _is_null(value) else Executor.complete_leaf_value(leaf, value)

    completion = Completion(quick_leaf(leaf, nullable=nullable), careful)
    return completion if nullable else complete_non_null(completion)


def complete_non_null(inner: Completion) -> Completion:
    """The completion of what must not be null. The inner one is of what is not nullable."""
    careful_inner = inner.careful

    def careful(value: Any, info: PlanInfo, path: Path) -> Any:
        completed = careful_inner(value, info, path)
        if completed is None:
            place = info.place
            raise TypeError(f"Cannot return null for non-nullable field {place.parent}.{place.name}.")
        return completed

    return Completion(inner.quick, careful)


def complete_object(kind: GraphQLObjectType, quick: Quick | None, select: Select, *, nullable: bool) -> Completion:
    """The completion of an object whose type is known beforehand."""
    return Completion(_or_null(quick) if nullable and quick else quick, careful_object(kind, select))


def _or_null(quick: Quick) -> Quick:
    return lambda value: None if value is None else quick(value)


def careful_object(kind: GraphQLObjectType, select: Select) -> Complete:
    """The careful way of an object of a type."""
    is_type_of: Any = kind.is_type_of
    definition = (kind.extensions or {}).get(GraphQLCoreConverter.DEFINITION_BACKREF)
    # Strawberry's own looks at the value alone.
    looks_at_info = definition is None or definition.is_type_of is not None

    def careful(value: Any, info: PlanInfo, path: Path) -> Any:
        if _is_null(value):
            return None
        if is_type_of is not None:
            answer: Any = is_type_of(value, info._raw_info if looks_at_info else None)
            if is_awaitable(answer):
                return checked(answer, value, info, path)
            if not answer:
                raise invalid_return_type_error(kind, value, info.place.details)
        return select(value, info.run, path)

    async def checked(answer: Any, value: Any, info: PlanInfo, path: Path) -> Any:
        if not await answer:
            raise invalid_return_type_error(kind, value, info.place.details)
        selected = select(value, info.run, path)
        return await selected if selected.__class__ is CoroutineType else selected

    return careful


def complete_abstract(kind: Any, choose: Callable[[str, Any, PlanInfo], Complete]) -> Completion:
    """The completion of an interface or a union: of the type that the value turns out to be of."""

    def careful(value: Any, info: PlanInfo, path: Path) -> Any:
        if _is_null(value):
            return None
        resolve_type = kind.resolve_type or info.run.executor.type_resolver
        name: Any = resolve_type(value, info._raw_info, kind)
        if is_awaitable(name):
            return chosen(name, value, info, path)
        return choose(name, value, info)(value, info, path)

    async def chosen(name: Any, value: Any, info: PlanInfo, path: Path) -> Any:
        completed = choose(await name, value, info)(value, info, path)
        return await completed if completed.__class__ is CoroutineType else completed

    return Completion(None, careful)


def complete_list(item: Completion, *, nullable: bool, non_null_items: bool) -> Completion:
    """The completion of a list."""
    items = _Items(item, non_null=non_null_items)

    def careful(value: Any, info: PlanInfo, path: Path) -> Any:
        if _is_null(value):
            return None
        if hasattr(value, "__aiter__"):
            return items.complete_async(value, info, path)
        if not is_iterable(value):
            place = info.place
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{place.parent}.{place.name}'.")
        return items.complete(value, info, path)

    return Completion(_quick_list(item.quick, nullable=nullable) if item.quick else None, careful)


def _quick_list(item: Quick, *, nullable: bool) -> Quick:
    def quick(value: Any) -> Any:
        if value.__class__ is list or value.__class__ is tuple:
            return [item(one) for one in value]
        if value is None and nullable:
            return None
        raise Careful

    return quick


class _Items:
    """Completes the items of lists, one by one: those that are all right the quick way."""

    __slots__ = ("_careful", "_non_null", "_quick")

    def __init__(self, item: Completion, *, non_null: bool) -> None:
        self._quick, self._careful, self._non_null = item.quick, item.careful, non_null

    def complete(self, value: Any, info: PlanInfo, path: Path) -> Any:
        results: list[Any] = []
        iterator = iter(value)
        waiting: list[int] = []
        try:
            for index, item in enumerate(iterator):
                completed = self._item(item, index, info, path)
                results.append(completed)
                if completed.__class__ is CoroutineType:
                    waiting.append(index)
        except Exception:
            pending = [results[index] for index in waiting] + collect_iterator_awaitables(iterator, is_awaitable)
            if pending:
                info.run.settle(pending)
            raise
        return gathered(results, waiting) if waiting else results

    async def complete_async(self, value: Any, info: PlanInfo, path: Path) -> Any:
        iterator = value.__aiter__()
        results: list[Any] = []
        waiting: list[int] = []
        try:
            async for item in iterator:
                completed = self._item(item, len(results), info, path)
                results.append(completed)
                if completed.__class__ is CoroutineType:
                    waiting.append(len(results) - 1)
        except Exception:
            if hasattr(iterator, "aclose"):
                with suppress(Exception):
                    await iterator.aclose()
            if waiting:
                info.run.settle([results[index] for index in waiting])
            raise
        return await gathered(results, waiting) if waiting else results

    def _item(self, item: Any, index: int, info: PlanInfo, path: Path) -> Any:
        """A completed item, or a coroutine that gives it. Raises GraphQLError for one that must not be null."""
        if self._quick is not None:
            with suppress(Exception):
                return self._quick(item)
        below = (path, index, None)
        try:
            if is_awaitable(item):
                return self._awaited(item, info, below, is_completed=False)
            completed = self._careful(item, info, below)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the error of this item
            return info.run.fail(error, info.place, below, non_null=self._non_null)
        if completed.__class__ is CoroutineType:
            return self._awaited(completed, info, below, is_completed=True)
        return completed

    async def _awaited(self, pending: Any, info: PlanInfo, path: Path, *, is_completed: bool) -> Any:
        try:
            value = await pending
            completed = value if is_completed else self._careful(value, info, path)
            return await completed if completed.__class__ is CoroutineType else completed
        except Exception as error:  # noqa: BLE001 - as above
            return info.run.fail(error, info.place, path, non_null=self._non_null)


async def gathered(results: Any, waiting: Sequence[Any]) -> Any:
    """The results, those that are waited for in their places. Where one fails, the others are cancelled."""
    if len(waiting) == 1:
        results[waiting[0]] = await results[waiting[0]]
    else:
        for place, result in zip(waiting, await gather_with_cancel(*[results[one] for one in waiting]), strict=True):
            results[place] = result
    return results


def _is_null(value: Any) -> bool:
    """Whether there is no value. Raises a value that is an error."""
    if isinstance(value, Exception):
        raise value
    return value is None or value is Undefined
