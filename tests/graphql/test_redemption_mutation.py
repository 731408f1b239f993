"""Mutations that redeem and give back: what they give, and each refusal with nothing written."""

from datetime import timedelta
from uuid import uuid4

from tests.graphql.world import CONFIGURATION, Caller, World

REVERSE = """mutation($i: RedemptionReverseInput!) {redemptionReverse(input: $i) {replayed
    reversal {externalReference reverses points lots {points expiresAt expiredPoints} entry {kind reverses {id}}}
    member {balance {available redeemed}}}}"""

MISSING = "no-such-member"


async def test_redeeming_debits_once_for_each_key(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    first = await world.redeem(server, reference, "12.5", idempotencyKey="r-1", merchantName="Corner Shop")
    payload = first.data["pointsRedeem"]
    assert payload["replayed"] is False
    assert payload["redemption"]["points"] == "12.5"
    assert payload["redemption"]["merchant"] == "Corner Shop"
    assert payload["member"] == {"balance": {"available": "87.5"}}
    async with world.nothing_written():
        again = await world.redeem(server, reference, "12.50", idempotencyKey="r-1", merchantName="Corner Shop")
        assert again.data["pointsRedeem"] == payload | {"replayed": True}
        other = await world.redeem(server, reference, 13, idempotencyKey="r-1", merchantName="Corner Shop")
        assert other.refusal == ("CONFLICT", "KEY_REUSED", "409", None)


async def test_each_of_two_redemptions_in_one_request_sees_its_own_balance(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    part = """pointsRedeem(input: {relationReference: "%s", points: %d}) {
        member {balance {available} ledger(first: 1) {edges {node {points}} totalCount}}}"""
    answer = await server.ask(f"mutation {{a: {part % (reference, 10)} b: {part % (reference, 20)}}}")
    members = [answer.data[name]["member"] for name in ("a", "b")]
    assert [one["balance"]["available"] for one in members] == ["90", "70"]
    assert [one["ledger"]["edges"][0]["node"]["points"] for one in members] == ["-10", "-20"]
    assert [one["ledger"]["totalCount"] for one in members] == [2, 3]


async def test_redeeming_is_refused(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    inactive = await world.member(server, status="INACTIVE")
    bad = "BAD_USER_INPUT"
    for given, *expected in (
        ((MISSING, 1, {}), "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None),
        ((None, 1, {}), bad, "BAD_REQUEST", "999", "relationReference"),
        ((reference, "100.01", {}), bad, "INSUFFICIENT_POINTS", "121", None),
        ((reference, 0, {}), bad, "POINTS_NOT_POSITIVE", "120", "points"),
        ((reference, "-5", {}), bad, "POINTS_NOT_POSITIVE", "120", "points"),
        ((reference, "0.5", {}), bad, "BELOW_MINIMUM", "125", None),
        ((reference, "10.001", {}), bad, "INVALID_REQUEST", "998", "points"),
        ((reference, 10, {"loyaltyTxnType": 99}), bad, "INVALID_REQUEST", "998", "loyaltyTxnType"),
        ((reference, 10, {"merchantName": "x" * 201}), bad, "BAD_REQUEST", "999", "merchantName"),
        ((inactive, 10, {}), bad, "MEMBER_NOT_ACTIVE", "107", None),
        ((reference, 10, {"idempotencyKey": ""}), bad, "INVALID_REQUEST", "998", "idempotencyKey"),
        ((reference, "many", {}), bad, "BAD_REQUEST", "999", "points"),
        ((reference, None, {}), bad, "BAD_REQUEST", "999", "points"),
        ((reference, 10, {"externalReference": "no-uuid"}), bad, "BAD_REQUEST", "999", "externalReference"),
        ((reference, 10, {"loyaltyTxnType": 2**31}), bad, "BAD_REQUEST", "999", "loyaltyTxnType"),
    ):
        member, points, fields = given
        async with world.nothing_written():
            answer = await world.redeem(server, member, points, **fields)
            assert answer.refusal == tuple(expected), (given, answer.body)


async def test_a_refusal_binds_its_key(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    first = await world.redeem(server, reference, 50, idempotencyKey="r-1")
    assert first.refusal == ("BAD_USER_INPUT", "INSUFFICIENT_POINTS", "121", None)
    await world.earn(server, reference, 100)
    async with world.nothing_written():
        assert (await world.redeem(server, reference, 50, idempotencyKey="r-1")).refusal == first.refusal
    assert (await world.redeem(server, reference, 50, idempotencyKey="r-2")).data


async def test_a_member_redeems_with_a_key_only(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    app = await world.caller(member=reference)
    async with world.nothing_written():
        answer = await world.redeem(app, None, 10)
        assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", "idempotencyKey")
        assert "idempotencyKey" in answer.errors[0]["message"]
    payload = (await world.redeem(app, None, 10, idempotencyKey="tap-1")).data["pointsRedeem"]
    assert payload["member"] == {"balance": {"available": "90"}}
    again = (await world.redeem(app, None, 10, idempotencyKey=" tap-1 ")).data["pointsRedeem"]
    assert again["replayed"] is True
    # The program's own callers have their own keys.
    till = (await world.redeem(server, reference, 10, idempotencyKey="tap-1")).data["pointsRedeem"]
    assert (till["replayed"], till["member"]) == (False, {"balance": {"available": "80"}})


async def test_reversing_gives_the_lots_back_once(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    redeemed = (await world.redeem(server, reference, 30, merchantName="Corner Shop")).data["pointsRedeem"]
    guid = redeemed["redemption"]["externalReference"]
    given = {
        "relationReference": reference,
        "externalReference": guid.upper(),
        "merchantName": "corner shop",
        "idempotencyKey": "v-1",
    }
    payload = (await server.ask(REVERSE, i=given)).data["redemptionReverse"]
    reversal = payload["reversal"]
    assert reversal["reverses"] == guid
    assert reversal["points"] == "30"
    assert reversal["lots"] == [{"points": "30", "expiresAt": "2027-04-01T00:00:00+05:30", "expiredPoints": "0"}]
    assert reversal["entry"]["kind"] == "REVERSAL"
    assert reversal["entry"]["reverses"]["id"]
    assert payload["member"] == {"balance": {"available": "100", "redeemed": "0"}}
    async with world.nothing_written():
        again = (await server.ask(REVERSE, i=given)).data["redemptionReverse"]
        assert again["replayed"] is True
        assert again["reversal"] == reversal
    await world.refused(
        server,
        REVERSE,
        given | {"idempotencyKey": "v-2"},
        "CONFLICT",
        "ALREADY_REVERSED",
        "122",
        None,
    )


async def test_without_a_default_merchant_points_are_redeemed_at_the_program(world: World, server: Caller) -> None:
    document = CONFIGURATION.replace("default_merchant: House, ", "")
    apply = "mutation($i: ConfigurationApplyInput!) {configurationApply(input: $i) {changed}}"
    assert (await server.ask(apply, i={"document": document, "prune": True})).data["configurationApply"]["changed"]
    reference = await world.member(server, 100)
    assert (await world.redeem(server, reference, 5)).data["pointsRedeem"]["redemption"]["merchant"] == "Ours"
    hold = "mutation($i: HoldCreateInput!) {holdCreate(input: $i) {hold {merchant}}}"
    held = await server.ask(hold, i={"relationReference": reference, "points": 5})
    assert held.data["holdCreate"]["hold"]["merchant"] == "Ours"


async def test_without_a_merchant_the_default_one_is_taken_and_none_is_checked(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    redeemed = (await world.redeem(server, reference, 10)).data["pointsRedeem"]["redemption"]
    assert redeemed["merchant"] == "House"
    elsewhere = (await world.redeem(server, reference, 10, merchantName="Corner Shop")).data["pointsRedeem"]
    given = {"relationReference": reference, "externalReference": elsewhere["redemption"]["externalReference"]}
    assert (await server.ask(REVERSE, i=given)).data["redemptionReverse"]["reversal"]["points"] == "10"


async def test_reversing_is_refused(world: World, server: Caller) -> None:
    reference, other = await world.member(server, 100), await world.member(server, 100)
    redeemed = (await world.redeem(server, reference, 30)).data["pointsRedeem"]["redemption"]
    given = {"relationReference": reference, "externalReference": redeemed["externalReference"]}
    for change, *expected in (
        ({"relationReference": MISSING}, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None),
        ({"externalReference": str(uuid4())}, "NOT_FOUND", "REDEMPTION_NOT_FOUND", "123", None),
        ({"relationReference": other}, "BAD_USER_INPUT", "REFERENCE_OF_ANOTHER", "124", None),
        ({"merchantName": "Elsewhere"}, "BAD_USER_INPUT", "REFERENCE_OF_ANOTHER", "124", None),
        ({"externalReference": "no-uuid"}, "BAD_USER_INPUT", "BAD_REQUEST", "999", "externalReference"),
    ):
        await world.refused(server, REVERSE, given | change, *expected)
    app = await world.caller(member=reference)
    await world.refused(app, REVERSE, given | {"idempotencyKey": "v"}, "FORBIDDEN", "FORBIDDEN", "403", None)


async def test_what_was_reversed_says_so(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    guid = (await world.redeem(server, reference, 30)).data["pointsRedeem"]["redemption"]["externalReference"]
    world.clock[0] += timedelta(minutes=1)
    assert (await server.ask(REVERSE, i={"relationReference": reference, "externalReference": guid})).data
    query = """query($g: UUID!, $r: String!) {redemption(externalReference: $g) {reversedAt points entry {isActive}}
        member(reference: $r) {ledger {edges {node {kind isActive}}}}}"""
    data = (await server.ask(query, g=guid, r=reference)).data
    assert data["redemption"] == {
        "reversedAt": "2026-02-03T11:47:03.703000+05:30",
        "points": "30",
        "entry": {"isActive": False},
    }
    assert [edge["node"] for edge in data["member"]["ledger"]["edges"]] == [
        {"kind": "REVERSAL", "isActive": True},
        {"kind": "REDEMPTION", "isActive": False},
        {"kind": "EARN", "isActive": True},
    ]
