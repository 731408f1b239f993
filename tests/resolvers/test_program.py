"""Environments: sandbox first, live in production only, each its own partition under one public number."""

from dataclasses import replace

import pytest

from domain.errors import InvalidRequest, MemberNotFound
from domain.rules.model import DEFAULT_SEGMENTS
from resolvers.member import EnrollMember, enroll_member, get_member
from resolvers.program import get_configuration, go_live, list_environment_programs
from resolvers.token import IssueToken, authenticate, issue_token
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop


async def test_a_sandbox_deployment_has_no_live_environment(shop: Shop) -> None:
    with pytest.raises(InvalidRequest):
        await go_live(shop.contexts[0])
    assert len(await list_environment_programs(shop.services)) == 2


async def test_live_is_a_partition_of_its_own_with_the_same_number(shop: Shop) -> None:
    production = replace(shop.services, environment="production")
    sandbox = replace(shop.contexts[0], services=production)
    await enroll_member(sandbox, EnrollMember(values={"relation_reference": "ANN"}))
    issued = await go_live(sandbox)
    assert (issued.program_id, issued.environment) == (shop.credentials[0].program_id, "live")
    token = await issue_token(
        production,
        IssueToken(grant_type="client_credentials", client_id=issued.client_id, client_secret=issued.client_secret),
    )
    principal = await authenticate(production, token.token)
    live = replace(sandbox, principal=principal)
    with pytest.raises(MemberNotFound):
        await get_member(live, "ANN")
    assert (await get_configuration(live)).document == (await get_configuration(sandbox)).document
    with pytest.raises(InvalidRequest):
        await go_live(sandbox)
    assert await verify_ledger(production) == []


async def test_a_new_program_has_segments_that_cost_a_purchase_nothing(shop: Shop) -> None:
    ctx = shop.contexts[0]
    state = await ctx.read(ctx.program)
    assert state.configuration.segments == DEFAULT_SEGMENTS
    assert (state.asks_for_purchases, state.segments_ask_for_purchases) == (False, True)
