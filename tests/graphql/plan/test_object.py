"""Objects that are not what their fields say, though they have all the attributes that are asked for."""

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import Undefined

from schema.build import TesseraSchema
from schema.document import Documents, ReadyDocument
from tests.graphql.plan.comparison import answer_of
from tests.graphql.plan.nasty import Context


@strawberry.interface
class Being:
    """What has a name."""

    name: str


@strawberry.type
class Man(Being):
    """A being."""

    age: int


@strawberry.type
class Robot(Being):
    """Another, with the same attributes."""

    age: int


@strawberry.type
class Thing:
    """What is of no interface."""

    name: str
    age: int


@strawberry.type
class Told:
    """What says itself what is of it."""

    name: str

    @classmethod
    def is_type_of(cls, source: Any, _info: Any) -> bool:
        """Whether it says so."""
        return getattr(source, "is_told", False) is True


class Fault(Exception):
    """An error with attributes."""

    name, age = "fault", 1


async def _awaited() -> Any:
    return SimpleNamespace(name="awaited", age=3)


class Later:
    """What is to be awaited, and has attributes."""

    name, age = "later", 2

    def __await__(self) -> Generator[Any, Any, Any]:
        return _awaited().__await__()


class Vague:
    """What has every attribute."""

    name, age = "vague", 4

    def __getattr__(self, name: str) -> Any:
        if name == "__await__":
            raise AttributeError(name)
        return None


@strawberry.type
class Holder:
    """Holds one object in all places."""

    man: Man | None
    men: list[Man | None]
    must_man: Man
    thing: Thing | None
    things: list[Thing | None]
    being: Being | None
    told: Told | None


OBJECTS: dict[str, Any] = {
    "right": lambda: Man(name="a", age=1),
    "another": lambda: Robot(name="b", age=2),
    "of no type": lambda: SimpleNamespace(name="c", age=3),
    "cast": lambda: strawberry.cast(Man, SimpleNamespace(name="d", age=4)),
    "cast to another": lambda: strawberry.cast(Robot, Man(name="e", age=5)),
    "cast in vain": lambda: strawberry.cast(Thing, Man(name="f", age=6)),
    "an error": Fault,
    "awaited": Later,
    "vague": Vague,
    "nothing": lambda: None,
    "undefined": lambda: Undefined,
    "a class": lambda: Man,
    "told": lambda: SimpleNamespace(name="g", age=7, is_told=True),
    "half": lambda: SimpleNamespace(name="h"),
}


@strawberry.type
class Query:
    """Where it begins."""

    @strawberry.field
    def holder(self, kind: str) -> Holder | None:
        """A holder of objects of a kind, some beside one that is right."""
        made = OBJECTS[kind]
        right = Man(name="z", age=9)
        return Holder(
            man=made(),
            men=[right, made(), right],
            must_man=made(),
            thing=made(),
            things=[Thing(name="y", age=8), made(), made()],
            being=made(),
            told=made(),
        )


schema = TesseraSchema(query=Query, types=[Man, Robot], extensions=[ReadyDocument])


@pytest.mark.parametrize(
    "asked",
    [
        "man {name age}",
        "man {__typename}",
        "men {name __typename age}",
        "men {name}",
        "mustMan {name}",
        "thing {name age}",
        "thing {__typename}",
        "things {name}",
        "being {name ... on Man {age}}",
        "told {name}",
    ],
)
async def test_both_executors_take_an_object_for_the_same(asked: str) -> None:
    compiled = Documents(schema, introspection=True)
    plain = Documents(schema, introspection=True, compiled=False)
    prepared = compiled.prepare(f"query($kind: String!) {{holder(kind: $kind) {{{asked}}}}}")
    # What was true of one object must not be taken for true of the next.
    for kind in (*OBJECTS, *reversed(OBJECTS)):
        expected = await answer_of(plain, prepared, {"kind": kind}, Context(prepared.document))
        found = await answer_of(compiled, prepared, {"kind": kind}, Context(prepared.document))
        assert found == expected, kind
