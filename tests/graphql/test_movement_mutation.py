"""Mutations of holds, transfers, adjustments and bonuses: what they give, and who may."""

from typing import Any

from tests.graphql.world import Answer, Caller, World

HOLD = """id purpose status points settledPoints amount merchant externalReference createdAt expiresAt processedAt
    member {relationReference} entry {kind points expiresAt}"""
CREATE = f"""mutation($i: HoldCreateInput!) {{holdCreate(input: $i) {{replayed hold {{{HOLD}}}
    member {{balance {{available held total}}}}}}}}"""
SETTLE = f"""mutation($i: HoldSettleInput!) {{holdSettle(input: $i) {{replayed hold {{{HOLD}}}
    redemption {{externalReference points entry {{related {{kind}}}}}}
    member {{balance {{available held redeemed}}}}}}}}"""
CANCEL = f"""mutation($i: HoldCancelInput!) {{holdCancel(input: $i) {{replayed hold {{{HOLD}}}
    member {{balance {{available held}}}}}}}}"""
TRANSFER = """mutation($i: PointsTransferInput!) {pointsTransfer(input: $i) {
    replayed externalReference points processedAt member {balance {available}}
    entry {kind bucket points narration note related {points member {relationReference}}}}}"""
ADJUST = """mutation($i: PointsAdjustInput!) {pointsAdjust(input: $i) {replayed points member {balance {total other}}
    entry {id kind bucket note} request {id status points reason requestedBy expiresAt entry {id}
        member {relationReference}}}}"""
APPROVE = """mutation($i: PointsAdjustApproveInput!) {pointsAdjustApprove(input: $i) {replayed
    request {status decidedBy decidedAt entry {points note}}}}"""
REJECT = "mutation($i: PointsAdjustRejectInput!) {pointsAdjustReject(input: $i) {request {status entry {id}}}}"
BONUS = """mutation($i: BonusPostInput!) {bonusPost(input: $i) {replayed externalReference points
    entry {kind bucket narration expiresAt transactionDate} member {balance {partner purchased bonus total}}}}"""

NOT_FOUND = ("NOT_FOUND", "REDEMPTION_NOT_FOUND", "123", None)
NOT_PENDING = ("CONFLICT", "REQUEST_NOT_PENDING", "127", None)
FORBIDDEN = ("FORBIDDEN", "FORBIDDEN", "403", None)


async def create(caller: Caller, reference: str | None, points: object, **fields: Any) -> Answer:
    return await caller.ask(CREATE, i={"relationReference": reference, "points": points} | fields)


async def test_a_hold_is_made_once_for_its_key_and_settled_in_part(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    given = {"merchantName": "Corner Shop", "amount": "9.90", "validityDays": 2, "idempotencyKey": "h-1"}
    payload = (await create(server, reference, "12.5", **given)).data["holdCreate"]
    hold = payload["hold"]
    assert (hold["purpose"], hold["status"], hold["points"], hold["merchant"]) == (
        "HOLD",
        "PENDING",
        "12.5",
        "Corner Shop",
    )
    assert hold["expiresAt"] == hold["entry"]["expiresAt"] == "2026-02-05T11:46:03.703000+05:30"
    assert (hold["processedAt"], hold["settledPoints"], hold["entry"]["kind"]) == (None, None, "HOLD")
    assert payload["member"]["balance"] == {"available": "87.5", "held": "12.5", "total": "87.5"}
    async with world.nothing_written():
        assert (await create(server, reference, "12.50", **given)).data["holdCreate"] == payload | {"replayed": True}
    settled = (await server.ask(SETTLE, i={"holdId": hold["id"], "points": 10})).data["holdSettle"]
    assert settled["redemption"] == {
        "externalReference": hold["externalReference"],
        "points": "10",
        "entry": {"related": {"kind": "HOLD"}},
    }
    assert settled["member"]["balance"] == {"available": "90", "held": "0", "redeemed": "10"}
    await world.refused(server, SETTLE, {"holdId": hold["id"]}, *NOT_PENDING)
    await world.refused(server, CANCEL, {"holdId": hold["id"]}, *NOT_PENDING)


async def test_an_app_pays_with_rewards_and_cancels(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    app = await world.caller(member=reference)
    pay = {"purpose": "PAY_WITH_REWARDS"}
    async with world.nothing_written():
        answer = await create(app, None, 30, **pay)
        assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", "idempotencyKey")
    hold = (await create(app, None, 30, idempotencyKey="p-1", **pay)).data["holdCreate"]["hold"]
    async with world.nothing_written():
        answer = await create(app, None, 30, idempotencyKey="p-2", **pay)
        assert answer.refusal == ("CONFLICT", "PENDING_REQUEST_EXISTS", "126", None)
    await world.refused(app, SETTLE, {"holdId": hold["id"]}, *FORBIDDEN)
    cancelled = (await app.ask(CANCEL, i={"holdId": hold["id"], "idempotencyKey": "c"})).data["holdCancel"]
    assert (cancelled["hold"]["status"], cancelled["member"]["balance"]) == (
        "CANCELLED",
        {"available": "100", "held": "0"},
    )
    async with world.nothing_written():
        again = await app.ask(CANCEL, i={"holdId": hold["id"], "idempotencyKey": "c"})
        assert again.data["holdCancel"] == cancelled | {"replayed": True}


async def test_holds_are_found_and_listed(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    ids = [(await create(server, reference, 10)).data["holdCreate"]["hold"]["id"] for _ in range(3)]
    await server.ask(CANCEL, i={"holdId": ids[0]})
    query = """query($r: String, $s: HoldStatus, $a: String) {member(reference: $r) {
        holds(first: 2, status: $s, after: $a) {edges {node {id status}} pageInfo {hasNextPage endCursor}}}}"""
    page = (await server.ask(query, r=reference)).data["member"]["holds"]
    assert [edge["node"]["id"] for edge in page["edges"]] == [ids[2], ids[1]]
    rest = (await server.ask(query, r=reference, a=page["pageInfo"]["endCursor"])).data["member"]["holds"]
    assert [edge["node"] for edge in rest["edges"]] == [{"id": ids[0], "status": "CANCELLED"}]
    assert (page["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    pending = (await server.ask(query, r=reference, s="PENDING")).data["member"]["holds"]["edges"]
    assert len(pending) == 2
    one = "query($id: ID!) {hold(id: $id) {status} node(id: $id) {... on Hold {status}}}"
    assert (await server.ask(one, id=ids[0])).data == {
        "hold": {"status": "CANCELLED"},
        "node": {"status": "CANCELLED"},
    }
    for foreign in (await world.caller(world.theirs), await world.caller(member=await world.member(server))):
        assert (await foreign.ask(one, id=ids[0])).data == {"hold": None, "node": None}
    await world.refused(await world.caller(world.theirs), CANCEL, {"holdId": ids[1]}, *NOT_FOUND)


async def test_a_key_is_that_of_its_mutation(world: World, server: Caller) -> None:
    ann, ben = await world.member(server, 100), await world.member(server)
    app = await world.caller(member=ann)
    given = {"points": 10, "idempotencyKey": "order-1"}
    for _ in range(2):
        assert (await world.redeem(app, None, **given)).data
        assert (await app.ask(CREATE, i=given)).data
        sent = (await app.ask(TRANSFER, i=given | {"toRelationReference": ben})).data["pointsTransfer"]
    assert (sent["member"], sent["replayed"]) == ({"balance": {"available": "70"}}, True)
    other = given | {"points": 11}
    conflict = ("CONFLICT", "KEY_REUSED", "409")
    assert (await world.redeem(app, None, **other)).refusal[:3] == conflict
    assert (await app.ask(CREATE, i=other)).refusal[:3] == conflict
    assert (await app.ask(TRANSFER, i=other | {"toRelationReference": ben})).refusal[:3] == conflict


async def test_points_are_transferred_with_their_narration(world: World, server: Caller) -> None:
    ann, ben = await world.member(server, 100), await world.member(server)
    app, other = await world.caller(member=ann), await world.caller(member=ben)
    given = {"toRelationReference": ben, "points": "12.5", "narration": "For you", "idempotencyKey": "t-1"}
    payload = (await app.ask(TRANSFER, i=given)).data["pointsTransfer"]
    assert (payload["points"], payload["member"], payload["replayed"]) == (
        "12.5",
        {"balance": {"available": "87.5"}},
        False,
    )
    entry = payload["entry"]
    assert (entry["kind"], entry["bucket"], entry["points"]) == ("TRANSFER", "REDEEM", "-12.5")
    assert (entry["narration"], entry["note"], entry["related"]) == ("For you", "For you", None)
    async with world.nothing_written():
        assert (await app.ask(TRANSFER, i=given)).data["pointsTransfer"] == payload | {"replayed": True}
    ledger = "query($r: String) {member(reference: $r) {ledger {edges {node {points narration related {points}}}}}}"
    seen: list[dict[str, dict[str, Any]]] = [{"node": {"points": "12.5", "narration": "For you", "related": None}}]
    assert (await other.ask(ledger)).data["member"]["ledger"]["edges"] == seen
    seen[0]["node"]["related"] = {"points": "-12.5"}
    assert (await server.ask(ledger, r=ben)).data["member"]["ledger"]["edges"] == seen
    for change, *expected in (
        ({"toRelationReference": ann}, "BAD_USER_INPUT", "INVALID_REQUEST", "998", "toRelationReference"),
        ({"toRelationReference": "nobody"}, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", "toRelationReference"),
        ({"points": 0}, "BAD_USER_INPUT", "POINTS_NOT_POSITIVE", "120", "points"),
        ({"points": 1000}, "BAD_USER_INPUT", "INSUFFICIENT_POINTS", "121", None),
        ({"fromRelationReference": ben}, *FORBIDDEN),
    ):
        sender = {} if "fromRelationReference" in change else {"fromRelationReference": ann}
        caller = app if "fromRelationReference" in change else server
        refused = {key: value for key, value in given.items() if key != "idempotencyKey"} | sender | change
        refused |= {"idempotencyKey": "t-2"} if caller is app else {}
        await world.refused(caller, TRANSFER, refused, *expected)


async def test_an_adjustment_is_posted_with_its_reason(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    administrator = await world.administrator(program=1)
    given = {"relationReference": reference, "points": "2.5", "reason": "Goodwill", "idempotencyKey": "a-1"}
    payload = (await administrator.ask(ADJUST, i=given)).data["pointsAdjust"]
    assert payload["member"] == {"balance": {"total": "12.5", "other": "2.5"}}
    assert {**payload["entry"], "id": None} == {
        "id": None,
        "kind": "ADJUSTMENT",
        "bucket": "OTHER",
        "note": "Goodwill",
    }
    assert payload["request"] is None
    down = (await server.ask(ADJUST, i=given | {"points": -12, "idempotencyKey": "a-2"})).data["pointsAdjust"]
    assert (down["points"], down["entry"]["bucket"], down["member"]["balance"]["total"]) == ("-12", "REDEEM", "0.5")
    app, executive = await world.caller(member=reference), await world.administrator("customer-executive", 1)
    for caller in (app, executive):
        await world.refused(caller, ADJUST, given, *FORBIDDEN)


async def test_a_second_administrator_decides(world: World, server: Caller) -> None:
    document = "version: 1\nprogram: {adjustment_approval_from: 50}"
    apply = "mutation($i: ConfigurationApplyInput!) {configurationApply(input: $i) {changed}}"
    assert (await server.ask(apply, i={"document": document})).data == {"configurationApply": {"changed": True}}
    reference = await world.member(server)
    one, two = await world.administrator(program=1), await world.administrator("program-manager", program=1)
    given = {"relationReference": reference, "points": 50, "reason": "Goodwill", "expires": "2027-01-01"}
    asked = (await one.ask(ADJUST, i=given)).data["pointsAdjust"]
    request = asked["request"]
    assert (asked["entry"], asked["member"]["balance"]["total"], request["status"]) == (None, "0", "PENDING")
    assert (request["reason"], request["expiresAt"]) == ("Goodwill", "2027-01-02T00:00:00+05:30")
    assert request["member"] == {"relationReference": reference}
    for document in (APPROVE, REJECT):
        await world.refused(one, document, {"requestId": request["id"]}, *FORBIDDEN)
        await world.refused(server, document, {"requestId": request["id"]}, *FORBIDDEN)
        await world.refused(two, document, {"requestId": "UG9pbnRzUmVxdWVzdDoxOjk5OQ"}, *NOT_FOUND)
        await world.refused(two, document, {"requestId": "SG9sZDoxOjE"}, *NOT_FOUND)
    done = (await two.ask(APPROVE, i={"requestId": request["id"]})).data["pointsAdjustApprove"]["request"]
    assert (done["status"], done["entry"]) == ("APPROVED", {"points": "50", "note": "Goodwill"})
    for document in (APPROVE, REJECT):
        await world.refused(two, document, {"requestId": request["id"]}, *NOT_PENDING)
    other = (await one.ask(ADJUST, i=given | {"points": -50})).errors
    assert other[0]["extensions"]["v1Code"] == "998"
    again = (await one.ask(ADJUST, i=given | {"points": 60})).data["pointsAdjust"]["request"]
    rejected = (await two.ask(REJECT, i={"requestId": again["id"]})).data["pointsAdjustReject"]["request"]
    assert rejected == {"status": "REJECTED", "entry": None}
    query = """query($s: PointsRequestStatus, $a: String) {pointsRequests(first: 1, status: $s, after: $a) {
        edges {node {id status}} pageInfo {hasNextPage endCursor}}}"""
    page = (await two.ask(query)).data["pointsRequests"]
    assert page["edges"] == [{"node": {"id": again["id"], "status": "REJECTED"}}]
    rest = (await two.ask(query, a=page["pageInfo"]["endCursor"])).data["pointsRequests"]
    assert rest["edges"] == [{"node": {"id": request["id"], "status": "APPROVED"}}]
    approved = (await two.ask(query, s="APPROVED")).data["pointsRequests"]
    assert approved["edges"] == rest["edges"]
    node = "query($id: ID!) {node(id: $id) {id}}"
    assert (await two.ask(node, id=request["id"])).data == {"node": {"id": request["id"]}}
    assert (await (await world.caller(world.theirs)).ask(node, id=request["id"])).data == {"node": None}


async def test_a_bonus_is_given_with_its_type_and_date(world: World, server: Caller) -> None:
    reference = await world.member(server)
    given = {
        "relationReference": reference,
        "points": "7.5",
        "type": "PARTNER",
        "awardedAt": "2026-01-15T10:00:00Z",
        "expires": "2026-12-31",
        "narration": "From our partner",
        "idempotencyKey": "b-1",
    }
    payload = (await server.ask(BONUS, i=given)).data["bonusPost"]
    assert payload["entry"] == {
        "kind": "BONUS",
        "bucket": "PARTNER",
        "narration": "From our partner",
        "expiresAt": "2027-01-01T00:00:00+05:30",
        "transactionDate": "2026-01-15T15:30:00+05:30",
    }
    assert payload["member"]["balance"] == {"partner": "7.5", "purchased": "0", "bonus": "0", "total": "7.5"}
    async with world.nothing_written():
        assert (await server.ask(BONUS, i=given)).data["bonusPost"] == payload | {"replayed": True}
    app = await world.caller(member=reference)
    await world.refused(app, BONUS, given, *FORBIDDEN)
    bad = given | {"points": "0.001", "idempotencyKey": "b-2"}
    await world.refused(server, BONUS, bad, "BAD_USER_INPUT", "INVALID_REQUEST", "998", "points")
