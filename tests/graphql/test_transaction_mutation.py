"""Mutations that submit transactions: what they give, and each refusal with nothing written."""

from tests.graphql.world import Caller, World

STATUS = """mutation($i: MemberStatusChangeInput!) {memberStatusChange(input: $i) {replayed member {status}}}"""

SUBMIT = """mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {
    transactionId points isParked takenBack replayed ignoredKeys externalReferences
    entries {kind bucket points category expiresAt} member {relationReference balance {available bonus}}}}"""

SUBMIT_MANY = """mutation($i: [TransactionSubmitInput!]!) {transactionsSubmit(input: {transactions: $i}) {
    results {outcome {transactionId points} error {code reason v1Code httpStatus message field}}}}"""

MISSING = "no-such-member"


async def test_a_transaction_earns_by_every_rule_group(world: World, server: Caller) -> None:
    reference = await world.member(server)
    given = world.purchase(reference, "29.34", subProductCode="BOOKS", attributes=[{"key": "channel", "value": "web"}])
    payload = (await server.ask(SUBMIT, i=given)).data["transactionSubmit"]
    assert len(payload.pop("externalReferences")) == 2
    assert payload == {
        "transactionId": given["transactionId"],
        "points": "19.67",
        "isParked": False,
        "takenBack": "0",
        "replayed": False,
        "ignoredKeys": [],
        "entries": [
            {
                "kind": "EARN",
                "bucket": bucket,
                "points": points,
                "category": category,
                "expiresAt": "2027-04-01T00:00:00+05:30",
            }
            for bucket, points, category in (("SPEND", "14.67", "Spend"), ("BONUS", "5", "Bonus"))
        ],
        "member": {"relationReference": reference, "balance": {"available": "19.67", "bonus": "5"}},
    }


async def test_a_refund_says_that_it_waits_for_its_purchase(world: World, server: Caller) -> None:
    given = world.purchase(await world.member(server), 20)
    refund = {**given, "transactionType": "CR", "idempotencyKey": "c-1"}
    parked = (await server.ask(SUBMIT, i=refund)).data["transactionSubmit"]
    assert (parked["points"], parked["isParked"]) == ("0", True)
    assert (await server.ask(SUBMIT, i=refund)).data["transactionSubmit"] == {**parked, "replayed": True}
    arrived = (await server.ask(SUBMIT, i=given)).data["transactionSubmit"]
    assert (arrived["points"], arrived["takenBack"], len(arrived["externalReferences"])) == ("10", "-10", 2)
    assert [(one["kind"], one["points"]) for one in arrived["entries"]] == [("EARN", "10"), ("REFUND", "-10")]


async def test_a_transaction_with_a_key_is_posted_once(world: World, server: Caller) -> None:
    reference = await world.member(server)
    given = world.purchase(reference, 20, idempotencyKey="t-1")
    first = (await server.ask(SUBMIT, i=given)).data["transactionSubmit"]
    async with world.nothing_written():
        assert (await server.ask(SUBMIT, i=given)).data["transactionSubmit"] == {**first, "replayed": True}
    await world.refused(server, SUBMIT, given | {"amount": "21"}, "CONFLICT", "KEY_REUSED", "409", None)


async def test_a_transaction_is_refused(world: World, server: Caller) -> None:
    reference = await world.member(server)
    blocked = await world.member(server)
    assert (await server.ask(STATUS, i={"relationReference": blocked, "status": "MEMBERSHIP_BLOCKED"})).data
    given = world.purchase(reference)
    assert (await server.ask(SUBMIT, i=given)).data
    fresh = {"transactionId": "T-fresh"}
    bad = "BAD_USER_INPUT"
    for change, *expected in (
        ({}, "CONFLICT", "DUPLICATE_RECORD", "1201", "transactionId"),
        (fresh | {"memberRelationReference": MISSING}, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None),
        (fresh | {"memberRelationReference": blocked}, bad, "MEMBERSHIP_BLOCKED", "115", None),
        (fresh | {"productCode": "WINE"}, bad, "INVALID_PRODUCT_CODE", "105", "productCode"),
        (fresh | {"amount": "-1"}, bad, "INVALID_REQUEST", "998", "amount"),
        (fresh | {"transactionId": "x" * 101}, bad, "INVALID_REQUEST", "998", "transactionId"),
        (fresh | {"transactionDate": "1850-01-01T00:00:00Z"}, bad, "BAD_REQUEST", "999", "transactionDate"),
        (fresh | {"transactionDate": "2026-02-03T11:16:03"}, bad, "BAD_REQUEST", "999", "transactionDate"),
        (fresh | {"amount": "1e3"}, bad, "BAD_REQUEST", "999", "amount"),
        (fresh | {"amount": True}, bad, "BAD_REQUEST", "999", "amount"),
        (
            fresh | {"attributes": [{"key": "channel", "value": "mail"}]},
            bad,
            "INVALID_ATTRIBUTE",
            "106",
            "channel",
        ),
    ):
        await world.refused(server, SUBMIT, given | change, *expected)


async def test_of_many_transactions_the_refused_ones_leave_the_others_alone(world: World, server: Caller) -> None:
    reference = await world.member(server)
    good, unknown, late = world.purchase(reference), world.purchase(MISSING), world.purchase(reference, 40)
    results = (await server.ask(SUBMIT_MANY, i=[good, unknown, late])).data["transactionsSubmit"]["results"]
    assert results == [
        {"outcome": {"transactionId": good["transactionId"], "points": "10"}, "error": None},
        {
            "outcome": None,
            "error": {
                "code": "NOT_FOUND",
                "reason": "MEMBER_NOT_FOUND",
                "v1Code": "103",
                "httpStatus": 404,
                "message": "Member does not exist",
                "field": None,
            },
        },
        {"outcome": {"transactionId": late["transactionId"], "points": "20"}, "error": None},
    ]
    many = [world.purchase(reference) for _ in range(501)]
    for too_many in ([], many):
        await world.refused(server, SUBMIT_MANY, too_many, "BAD_USER_INPUT", "BAD_REQUEST", "999", "transactions")
