"""The receipts of the table of reversals after expiry, row by row, as GraphQL answers with them."""

from datetime import datetime

import pytest

from domain.ledger.reversal_table import AWARDED_AT, REDEEMED, REDEEMED_AT, SCENARIOS, SENT_AT, Scenario, play
from resolvers.program import apply_configuration
from tests.graphql.world import Caller, World

BONUS = "mutation($i: BonusPostInput!) {bonusPost(input: $i) {replayed}}"
SEND = "mutation($i: PointsTransferInput!) {pointsTransfer(input: $i) {replayed}}"
REVERSE = """mutation($i: RedemptionReverseInput!) {redemptionReverse(input: $i) {
    reversal {lots {points expiresAt expiredPoints}} member {balance {total}}}}"""


async def at(world: World, now: datetime) -> Caller:
    """The program's server at this time, which is past the life of its earlier token."""
    world.clock[0] = now
    return await world.caller()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: f"{one.policy}, {one.past}")
async def test_each_receipt_is_that_of_the_table(world: World, scenario: Scenario) -> None:
    document = f"version: 1\nprogram: {{time_zone: UTC, reversal_of_expired: {scenario.policy}}}"
    await apply_configuration(world.context(1), document.encode())
    server = await at(world, AWARDED_AT)
    mine, other = await world.member(server), await world.member(server)
    for one in scenario.given:
        bonus = {
            "relationReference": other if one.sent else mine,
            "points": one.points,
            "awardedAt": AWARDED_AT.isoformat(),
            "expires": one.last_day.isoformat(),
        }
        assert (await server.ask(BONUS, i=bonus)).data
    server = await at(world, SENT_AT)
    for one in scenario.given:
        if one.sent:
            order = {"fromRelationReference": other, "toRelationReference": mine, "points": one.points}
            assert (await server.ask(SEND, i=order)).data
    server = await at(world, REDEEMED_AT)
    redemption = (await world.redeem(server, mine, REDEEMED)).data["pointsRedeem"]["redemption"]
    server = await at(world, scenario.reversed_at)
    given = {"relationReference": mine, "externalReference": redemption["externalReference"]}
    payload = (await server.ask(REVERSE, i=given)).data["redemptionReverse"]
    expected = play(scenario)
    receipts = [
        (int(one["points"]), datetime.fromisoformat(one["expiresAt"]), int(one["expiredPoints"]))
        for one in payload["reversal"]["lots"]
    ]
    assert receipts == expected.receipts
    assert payload["member"] == {"balance": {"total": str(expected.balance)}}
