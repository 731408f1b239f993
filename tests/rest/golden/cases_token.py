"""Token."""

from typing import Any

from domain.errors import InvalidRequest, Unauthorized
from tests.rest.golden.case import Ask, Case, Setup, changed, refusal, success
from tests.rest.world import World


async def _good(world: World) -> Ask:
    return Ask(body=world.credentials())


def _with(**more: Any) -> Setup:
    return changed(_good, more)


async def _bound(world: World) -> Ask:
    await world.member()
    return Ask(body={**world.credentials(), "scope": '["LOGIN","M-1"]'})


CASES: tuple[Case, ...] = (
    success("Token", _good),
    success("Token", _bound, "bound-to-a-member"),
    refusal("Token", Unauthorized, _with(client_secret="wrong")),
    refusal("Token", InvalidRequest, _with(grant_type="password")),
    refusal("Token", InvalidRequest, _with(scope="everything"), "scope"),
)
