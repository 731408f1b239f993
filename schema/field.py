"""Strawberry's decorators with the types of what they decorate, and never without a description."""

from collections.abc import Callable
from typing import TypeVar, cast

import strawberry

Resolver = TypeVar("Resolver", bound=Callable[..., object])


ALWAYS = "Null only with an error."


def field(description: str, *, always: bool = False) -> Callable[[Resolver], Resolver]:
    """A field that a method resolves. `always`: it may be null only so that its refusal leaves the others alone."""
    told = f"{description} {ALWAYS}" if always else description
    return cast(Callable[[Resolver], Resolver], strawberry.field(description=told))


def mutation(description: str) -> Callable[[Resolver], Resolver]:
    """A mutation that a method resolves."""
    return cast(Callable[[Resolver], Resolver], strawberry.mutation(description=description))


def subscription(description: str) -> Callable[[Resolver], Resolver]:
    """A subscription whose events a method yields."""
    return cast(Callable[[Resolver], Resolver], strawberry.subscription(description=description))
