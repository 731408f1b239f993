"""The quick way of a leaf gives what graphql-core gives, or says that it does not know."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLLeafType, Undefined, is_leaf_type
from graphql.execution.executor import Executor

from schema.build import schema as served
from schema.plan.leaf import quick_leaf
from tests.graphql.plan.nasty import schema
from tests.graphql.plan.odd import Color


class Name(str):
    __slots__ = ()


class Other(Enum):
    RED = "r"


class Awaited:
    def __await__(self) -> Iterator[Any]:
        yield from ()


class Strange:
    def __getattr__(self, name: str) -> Any:
        return name

    def __str__(self) -> str:
        return "strange"


VALUES: tuple[Any, ...] = (
    *(
        "",
        "text",
        "12",
        "RED",
        "r",
        Name("RED"),
        b"bytes",
        True,
        False,
        0,
        -1,
        2**31 - 1,
        2**31,
        -(2**31),
        -(2**31) - 1,
    ),
    *(1.0, 1.5, 1e300, float("nan"), float("inf"), Decimal("1.50"), Decimal("NaN"), Color.RED, Other.RED, Color),
    *(datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), UUID(int=1), [], ["a"], {"a": 1}, (1,), object(), Strange()),
    *(None, Undefined, ValueError("broken"), KeyboardInterrupt(), Awaited(), iter("a"), (one for one in "a")),
)
LEAVES = {name: kind for one in (schema, served) for name, kind in one._schema.type_map.items() if is_leaf_type(kind)}


def _outcome(leaf: GraphQLLeafType, value: Any, *, nullable: bool) -> tuple[Any, ...]:
    """What graphql-core makes of a value that a field holds."""
    if isinstance(value, Exception) or hasattr(value, "__await__"):
        return ("refused",)
    if value is None or value is Undefined:
        return ("given", None, type(None)) if nullable else ("refused",)
    try:
        given = Executor.complete_leaf_value(leaf, value)
    except Exception:  # noqa: BLE001 - whatever it is
        return ("refused",)
    return "given", given, type(given)


@pytest.mark.parametrize("nullable", [True, False])
@pytest.mark.parametrize("name", sorted(LEAVES))
def test_the_quick_way_of_a_leaf_is_right_or_does_not_know(name: str, *, nullable: bool) -> None:
    leaf = LEAVES[name]
    quick = quick_leaf(leaf, nullable=nullable)
    assert quick is not None
    for value in VALUES:
        try:
            given = quick(value)
        except Exception:  # noqa: BLE001, S112 - it does not know
            continue
        assert ("given", given, type(given)) == _outcome(leaf, value, nullable=nullable), repr(value)


def test_what_is_usual_goes_the_quick_way() -> None:
    usual = {
        "String": "text",
        "ID": "text",
        "Int": 5,
        "Boolean": True,
        "Float": 1.5,
        "Color": Color.GREEN,
        "Points": Decimal("1.50"),
        "DateTime": datetime(2026, 1, 1, tzinfo=UTC),
        "JSON": {"a": [1]},
    }
    for name, value in usual.items():
        quick = quick_leaf(LEAVES[name], nullable=False)
        assert quick is not None
        assert quick(value) == Executor.complete_leaf_value(LEAVES[name], value)


def test_what_serialises_slowly_has_no_quick_way() -> None:
    leaf = LEAVES["JSON"]

    async def slowly(value: Any) -> Any:
        await asyncio.sleep(0)
        return value

    kept = leaf.coerce_output_value
    leaf.coerce_output_value = slowly  # type: ignore[method-assign]
    try:
        assert quick_leaf(leaf, nullable=True) is None
    finally:
        leaf.coerce_output_value = kept  # type: ignore[method-assign]
