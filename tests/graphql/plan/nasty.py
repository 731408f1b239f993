"""The schema over objects of all kinds: methods that take a while, that give what they should not, that fail."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from schema.build import TesseraSchema
from schema.document import ReadyDocument
from schema.scalar import SCALARS, Points
from tests.graphql.plan.odd import (
    ERRORS,
    Animal,
    Cat,
    Color,
    Dog,
    Even,
    Info,
    Loud,
    Named,
    Plain,
    animal,
    at,
    items,
    pick,
    pick_or_raise,
    plain,
    slowly,
)


@strawberry.input
class Where:
    """An input with everything."""

    color: Color = Color.GREEN
    least: Points | None = None
    names: list[str | None] = strawberry.field(default_factory=lambda: ["x"])
    inner: "Where | None" = strawberry.UNSET
    maybe: strawberry.Maybe[int | None]


@strawberry.input(one_of=True)
class Either:
    """One of two."""

    number: strawberry.Maybe[int]
    text: strawberry.Maybe[str]


@strawberry.type
class Thing:
    """An object with methods of all kinds."""

    seed: int

    @strawberry.field
    def here(self) -> "Thing | None":
        """A thing that is there at once."""
        return pick_or_raise(self.seed, "here", Thing(seed=self.seed * 3 + 1))

    @strawberry.field
    async def there(self) -> "Thing | None":
        """A thing that takes a while."""
        return await slowly(self.seed, "there", pick_or_raise(self.seed, "there", Thing(seed=self.seed * 3 + 2)))

    @strawberry.field
    async def must(self) -> "Thing":
        """A thing that must be there."""
        return await slowly(self.seed, "must", pick_or_raise(self.seed, "must", Thing(seed=self.seed * 3 + 3)))

    @strawberry.field
    def must_now(self) -> "Thing":
        """A thing that must be there at once."""
        return pick_or_raise(self.seed, "must_now", Thing(seed=self.seed * 3 + 4))

    @strawberry.field
    def later(self) -> "Thing":
        """A method that gives what is to be awaited."""
        return slowly(self.seed, "later", pick(self.seed, "later", Thing(seed=self.seed * 3 + 5)))  # type: ignore[return-value]

    @strawberry.field
    async def things(self) -> list["Thing"]:
        """Some things, all of which must be there."""
        things = [Thing(seed=self.seed * 5 + one) for one in range(at(self.seed, "things").randint(0, 3))]
        return pick_or_raise(self.seed, "things", things, [*things, None], iter(things), [*things, ERRORS[0]])

    @strawberry.field
    def maybe_things(self) -> list["Thing | None"] | None:
        """Some things, some of which take a while."""
        things = [Thing(seed=self.seed * 5 + one) for one in range(3)]
        slow = [slowly(self.seed, f"item {one.seed}", pick(one.seed, "item", one)) for one in things]
        return pick_or_raise(self.seed, "maybe_things", [*slow, None, *things], odds=0)  # type: ignore[return-value]

    @strawberry.field
    def must_things(self) -> list["Thing"] | None:
        """Things that take a while, all of which must be there."""
        things = [Thing(seed=self.seed * 5 + one) for one in range(2)]
        return [slowly(self.seed, f"item {one.seed}", pick(one.seed, "must item", one)) for one in things]  # type: ignore[misc]

    @strawberry.field
    async def stream(self) -> list["Thing | None"] | None:
        """Things that come one by one."""
        things = [pick(self.seed + one, "streamed", Thing(seed=self.seed * 5 + one)) for one in range(3)]
        return items(things, fails=at(self.seed, "stream").random() < 0.1)  # type: ignore[return-value]

    @strawberry.field
    def matrix(self) -> list[list["Thing"]] | None:
        """Lists of lists."""
        row = [Thing(seed=self.seed * 5 + one) for one in range(2)]
        return pick_or_raise(self.seed, "matrix", [row, row[:1], []], [row, None], [[*row, None], row])

    @strawberry.field
    def plain(self) -> Plain | None:
        """A plain object."""
        return plain(self.seed)

    @strawberry.field
    async def plains(self) -> list[Plain]:
        """Plain objects."""
        return [plain(self.seed + one) for one in range(3)]

    @strawberry.field
    async def animal(self) -> Animal | None:
        """One of a union."""
        return pick_or_raise(self.seed, "animal", animal(self.seed), plain(1), "none at all")  # type: ignore[no-any-return]

    @strawberry.field
    def animals(self) -> list[Named]:
        """Some of an interface."""
        return [animal(self.seed + one) for one in range(3)]

    @strawberry.field(extensions=[Loud()])  # type: ignore[untyped-decorator]
    def loud(self, word: str = "hey") -> str:
        """A field with an extension."""
        return word

    @strawberry.field(permission_classes=[Even])  # type: ignore[untyped-decorator]
    def even(self) -> int | None:
        """A field that not everybody may see."""
        return self.seed

    @strawberry.field
    def told(self, info: Info, color: Color = Color.RED) -> JSON:
        """What the field is told of itself."""
        selected = [getattr(one, "name", None) for one in info.selected_fields]
        told = [info.field_name, info.python_name, selected, str(info.return_type), list(info.path), str(color)]
        return JSON([*told, info.schema is schema, info.input_extensions, info.operation.name is None, info.root_value])

    @strawberry.field
    def echo(  # noqa: PLR0917
        self,
        where: Where,
        words: list[str] | None = None,
        at: datetime | None = None,
        number: int = 5,
        either: Either | None = None,
        anything: JSON | None = None,
        id: strawberry.ID | None = None,
        maybe: strawberry.Maybe[str | None] = None,
    ) -> JSON:
        """The arguments as the method was given them; it changes what it can."""
        told = repr((where, words, at, number, either, anything, id, maybe))
        for changed in (where.names, words, anything):
            if isinstance(changed, list):
                changed.append("changed")
        return JSON(told)

    @staticmethod
    def _seed(root: "Thing") -> int:
        return root.seed

    rooted: int = strawberry.field(resolver=_seed)

    @strawberry.field
    def parented(self, parent: strawberry.Parent[Any], first: int | None = None) -> int:
        """A field that asks for its parent."""
        return int(parent.seed) + (first or 0)


@strawberry.type
class Query:
    """Where it begins."""

    @strawberry.field
    async def thing(self, seed: int = 1) -> Thing | None:
        """A thing."""
        return Thing(seed=seed)

    @strawberry.field
    def thing_now(self, seed: int) -> Thing | None:
        """A thing at once."""
        return Thing(seed=seed)

    @strawberry.field
    def must(self, seed: int) -> Thing:
        """A thing, or nothing at all."""
        return Thing(seed=seed)

    @strawberry.field
    async def named(self, seed: int) -> Named | None:
        """An animal."""
        return animal(seed)  # type: ignore[no-any-return]


@strawberry.input
class Act:
    """What is to be done."""

    seed: int


@strawberry.type
class Mutation:
    """What is done, one after the other."""

    @strawberry.mutation
    async def act(self, info: Info, input: Act) -> Thing | None:
        """Something that may fail."""
        info.context.log.append(f"begin {input.seed}")
        value = await slowly(input.seed, "act", pick_or_raise(input.seed, "act", Thing(seed=input.seed), odds=0.2))
        info.context.log.append(f"end {input.seed}")
        return value

    @strawberry.mutation
    def act_now(self, info: Info, input: Act) -> int | None:
        """Something that is done at once."""
        info.context.log.append(f"now {input.seed}")
        return pick_or_raise(input.seed, "now", input.seed % 100, odds=0.2)

    @strawberry.mutation
    async def must(self, info: Info, input: Act) -> int:
        """Something that must be done."""
        info.context.log.append(f"must {input.seed}")
        return await slowly(input.seed, "must", pick_or_raise(input.seed, "must", input.seed % 100, odds=0.2))


class Context:
    """What the resolvers share, and what they did."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.log: list[str] = []
        self.loader: DataLoader[int, Any] = DataLoader(load_fn=self._load)

    async def load(self, key: int) -> Any:
        """What belongs to a key. Who is cancelled must not take it from others, who wait for the same."""
        return await asyncio.shield(self.loader.load(key))

    async def _load(self, keys: list[int]) -> list[Any]:
        self.log.append(f"load {keys}")
        await asyncio.sleep(0)
        return [pick(key, "loaded", animal(key)) for key in keys]


def seeds(random: Random, kind: str, name: str) -> Any:
    """A JSON value for a scalar."""
    numbers = {"seed": random.randint(0, 10**6)}
    values: dict[str, Callable[[], Any]] = {
        "Int": lambda: numbers.get(name, random.randint(-3, 3)),
        "Float": random.random,
        "Boolean": lambda: random.random() < 0.5,
        "DateTime": lambda: "2026-02-03T11:16:03Z",
        "Points": lambda: random.choice(("12.5", 3)),
        "JSON": lambda: random.choice(([1, {"a": None}], "x", 5)),
    }
    return values.get(kind, lambda: f"word {random.randint(0, 9)}")()


schema = TesseraSchema(
    query=Query,
    mutation=Mutation,
    types=[Cat, Dog],
    extensions=[ReadyDocument],
    config=StrawberryConfig(scalar_map=SCALARS),
)
