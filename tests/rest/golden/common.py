"""The errors that every operation answers alike: made from its success, where no case of its own shows them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from domain.errors import (
    AwardFailed,
    BadRequest,
    BodyTooLarge,
    Forbidden,
    InsertFailed,
    NotJson,
    ServiceUnavailable,
    TesseraError,
    TooManyRequests,
    Unauthorized,
    UnexpectedFailure,
    UpdateFailed,
)
from rest_compat.refusal import errors_of
from tests.rest.golden.case import ROWS, Ask, Case, refusal
from tests.rest.world import World

BROKEN_SERVER = frozenset({UnexpectedFailure, ServiceUnavailable, UpdateFailed, InsertFailed, AwardFailed})
"""What only a fault of the server or its database provokes: test_broken_server, test_outage and test_app inject one."""

Spoil = Callable[[str, World, Ask], Awaitable[Ask]]


async def _too_large(operation: str, _world: World, ask: Ask) -> Ask:
    return replace(ask, body=b" " * (ROWS[operation].max_body_bytes + 1))


async def _of_another_type(_operation: str, _world: World, ask: Ask) -> Ask:
    return replace(ask, headers={**ask.headers, "Content-Type": "text/plain"})


async def _without_token(_operation: str, _world: World, ask: Ask) -> Ask:
    return replace(ask, token="")


async def _unreadable(operation: str, _world: World, ask: Ask) -> Ask:
    if ROWS[operation].body is not None:
        return replace(ask, body=b'{"')
    return replace(ask, query={**ask.query, "ProgramId": "mine"})


async def _of_another_program(operation: str, world: World, ask: Ask) -> Ask:
    other = {"ProgramId": world.credential.program_id + 1}
    if isinstance(ask.body, Mapping):
        return replace(ask, body={**ask.body, **other})
    return replace(ask, query={**ask.query, **other})


async def _over_the_limit(operation: str, world: World, ask: Ask) -> Ask:
    if ROWS[operation].is_public:
        guess = {**ask.body, "client_secret": "wrong"}
        return await _until_refused(world, operation, replace(ask, body=guess))
    await world.configure("version: 1\nprogram: {rate_limit_per_second: 1, rate_burst: 1}")
    # What a process knows of a program is a second old at most.
    world.clock[0] += timedelta(seconds=2)
    await _until_refused(world, "CheckAvailability", Ask(body={"RelationReference": "nobody"}))
    return ask


async def _until_refused(world: World, operation: str, ask: Ask) -> Ask:
    token = "" if ROWS[operation].is_public else world.token
    while (await world.call(operation, ask.body, token=token)).status != TooManyRequests.status:
        continue
    return ask


SPOILS: Mapping[type[TesseraError], Spoil] = {
    BodyTooLarge: _too_large,
    NotJson: _of_another_type,
    Unauthorized: _without_token,
    TooManyRequests: _over_the_limit,
    BadRequest: _unreadable,
    Forbidden: _of_another_program,
}


def with_common(cases: Iterable[Case]) -> list[Case]:
    """The cases, and the common errors of their operations that none of them shows; in the order of the files."""
    listed = list(cases)
    shown = {(case.operation, case.error) for case in listed}
    for good in [case for case in listed if case.is_plain_success]:
        missing = [error for error in errors_of(ROWS[good.operation]) if (good.operation, error) not in shown]
        listed += [_spoilt(good, error) for error in missing if error in SPOILS]
    return sorted(listed, key=lambda case: (ROWS[case.operation].number, case.name))


def _spoilt(good: Case, error: type[TesseraError]) -> Case:
    async def setup(world: World) -> Ask:
        return await SPOILS[error](good.operation, world, await good.setup(world))

    return refusal(good.operation, error, setup)
