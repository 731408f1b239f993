"""What a golden case is, and short ways to say one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from domain.errors import KeyReused, TesseraError
from rest_compat.operation import Operation
from rest_compat.routes import OPERATIONS
from tests.rest.world import World

FOLDER = Path(__file__).parent
UNKNOWN_ID = 10**9
"""An id that no row has."""

ROWS: Mapping[str, Operation] = {row.name: row for row in OPERATIONS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A request to an operation. `token` None: the program's; empty: none. A `body` of bytes goes as it is."""

    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None


Setup = Callable[[World], Awaitable[Ask]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One golden file: `setup` brings a new program to where the request is asked. `error` None: it succeeds."""

    operation: str
    name: str
    setup: Setup
    error: type[TesseraError] | None = None

    @property
    def is_plain_success(self) -> bool:
        """Whether the common errors of the operation are made of it."""
        return self.error is None and self.name == ROWS[self.operation].ok_code

    @property
    def file(self) -> Path:
        """Where the case is written down."""
        return FOLDER / self.operation / f"{self.name}.json"

    @property
    def title(self) -> str:
        """The case in one word."""
        return f"{self.operation}/{self.name}"


def success(operation: str, setup: Setup, about: str = "") -> Case:
    """A request that succeeds; the one without `about` is what the common errors are made of."""
    return Case(operation=operation, name=_name(ROWS[operation].ok_code, about), setup=setup)


def refusal(operation: str, error: type[TesseraError], setup: Setup, about: str = "") -> Case:
    """A request that is refused."""
    return Case(operation=operation, name=_name(error.code, about), setup=setup, error=error)


def _name(code: str, about: str) -> str:
    return f"{code}-{about}" if about else code


def asking(body: Any = None, *, query: Mapping[str, Any] | None = None, **headers: str) -> Setup:
    """A request for which nothing has to be there."""

    async def setup(_world: World) -> Ask:
        return Ask(body=body, query=query or {}, headers=headers)

    return setup


def of_member(
    body: Mapping[str, Any] | None = None,
    *,
    named: str = "RelationReference",
    points: int = 0,
    status: int = 1,
    **attributes: Any,
) -> Setup:
    """A request about a new member, whom the field `named` of its body names."""

    async def setup(world: World) -> Ask:
        reference = await world.member(points, status, **attributes)
        return Ask(body={named: reference, **(body or {})})

    return setup


def changed(setup: Setup, body: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None) -> Setup:
    """The same request with some fields changed; those that are None are left out."""

    async def other(world: World) -> Ask:
        ask = await setup(world)
        return replace(
            ask,
            body=_merged(ask.body, body) if isinstance(ask.body, Mapping) else ask.body,
            query=_merged(ask.query, query),
        )

    return other


def _merged(fields: Mapping[str, Any], more: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in {**fields, **(more or {})}.items() if value is not None}


def after(setup: Setup, operation: str, times: int = 1) -> Setup:
    """The same request again, after it succeeded so many times."""

    async def again(world: World) -> Ask:
        ask = await setup(world)
        for _ in range(times):
            await _sent(world, operation, ask)
        return ask

    return again


def repeated(setup: Setup, operation: str) -> Setup:
    """The same request for the second time, under one key."""
    return after(_keyed(setup), operation)


def key_reused(setup: Setup, operation: str, body: Mapping[str, Any]) -> Case:
    """Another body under the key of the first request."""
    return refusal(operation, KeyReused, changed(repeated(setup, operation), body))


def _keyed(setup: Setup) -> Setup:
    async def keyed(world: World) -> Ask:
        return replace(await setup(world), headers={"Idempotency-Key": "order-1"})

    return keyed


async def _sent(world: World, operation: str, ask: Ask) -> None:
    answer = await world.call(operation, ask.body, query=ask.query, headers=ask.headers, token=ask.token)
    assert answer.outcome == (ROWS[operation].ok_status, ROWS[operation].ok_code), answer.body
