"""Each query: what it gives, who may ask, and what it answers to nonsense."""

from datetime import timedelta
from uuid import uuid4

import pytest

from domain.errors import CATALOGUE
from tests.graphql.queries import QUERIES
from tests.graphql.world import Caller, World

HOME_SCREEN = """query HomeScreen($reference: String) {member(reference: $reference) {
    fullName status tier {name multiplier qualifiedUntil} tierProgress {next missingPoints fraction}
    balance {available nextExpiryAt nextExpiringPoints}
    ledger(first: 10) {edges {node {transactionDate narration points}} pageInfo {hasNextPage}}}}"""


async def test_the_home_screen_of_an_app_is_one_query(world: World, server: Caller) -> None:
    reference = await world.member(server, 100, fullName="Ada")
    world.clock[0] += timedelta(minutes=20)
    await world.redeem(server, reference, "12.5")
    expected = {
        "fullName": "Ada",
        "status": "ACTIVE",
        "tier": None,
        "tierProgress": None,
        "balance": {
            "available": "87.5",
            "nextExpiryAt": "2027-04-01T00:00:00+05:30",
            "nextExpiringPoints": "87.5",
        },
        "ledger": {
            "edges": [
                {
                    "node": {
                        "transactionDate": "2026-02-03T12:06:03.703000+05:30",
                        "narration": "Redeemed: gift card",
                        "points": "-12.5",
                    }
                },
                {
                    "node": {
                        "transactionDate": "2026-02-03T11:16:03.703000+05:30",
                        "narration": "Base: Half a point for a unit",
                        "points": "100",
                    }
                },
            ],
            "pageInfo": {"hasNextPage": False},
        },
    }
    answer = await server.ask(HOME_SCREEN, reference=reference)
    assert answer.data == {"member": expected}
    assert answer.body["extensions"] == {"cost": 14}
    app = await world.caller(member=reference)
    assert (await app.ask(HOME_SCREEN)).data == {"member": expected}


async def test_postings_of_late_purchases_are_put_in_order_by_their_sequence(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    await world.earn(server, reference, 10, transactionDate="2026-01-03T10:00:00+05:30")
    query = """query($r: String!) {member(reference: $r) {
        ledger {edges {node {sequence points balanceAfter}}} statement {entries {sequence}}}}"""
    found = (await server.ask(query, r=reference)).data["member"]
    by_date = [edge["node"] for edge in found["ledger"]["edges"]]
    assert by_date == [
        {"sequence": 1, "points": "100", "balanceAfter": "100"},
        {"sequence": 2, "points": "10", "balanceAfter": "110"},
    ]
    assert found["statement"]["entries"] == [{"sequence": 1}, {"sequence": 2}]


async def test_a_member_is_found_by_reference_and_by_id(world: World, server: Caller) -> None:
    reference = await world.member(server)
    by_reference = (await server.ask("query($r: String!) {member(reference: $r) {id}}", r=reference)).data["member"]
    by_id = await server.ask("query($i: ID!) {member(id: $i) {relationReference}}", i=by_reference["id"])
    assert by_id.data == {"member": {"relationReference": reference}}
    gone = ("NOT_FOUND", "MEMBER_NOT_FOUND", "103", None)
    assert (await server.ask('{member(reference: "nobody") {id}}')).refusal == gone
    assert (await server.ask('{member(id: "TWVtYmVyOjE6OTk") {id}}')).refusal == gone
    for arguments, field in (
        ("", "relationReference"),
        ('(id: "%%%")', "id"),
        ('(id: "TWVtYmVyOjE6MQ", reference: "M")', "id"),
    ):
        answer = await server.ask(f"{{member{arguments} {{id}}}}")
        assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", field)


async def test_an_app_reads_the_terms_that_it_has_to_obey(world: World, server: Caller) -> None:
    app = await world.caller(member=await world.member(server))
    terms = "pointsDecimals redemptionMinimum redemptionTypes {type name isDefault} timeZone currency requireKey"
    expected = {
        "pointsDecimals": 2,
        "redemptionMinimum": "1",
        "redemptionTypes": [
            {"type": 4, "name": "points transfer", "isDefault": False},
            {"type": 5, "name": "hotel", "isDefault": False},
            {"type": 6, "name": "air", "isDefault": False},
            {"type": 19, "name": "charity", "isDefault": False},
            {"type": 30, "name": "gift card", "isDefault": True},
        ],
        "timeZone": "Asia/Kolkata",
        "currency": None,
        "requireKey": False,
    }
    for caller in (app, server, await world.administrator(program=1)):
        assert (await caller.ask(f"{{program {{{terms}}}}}")).data == {"program": expected}
    administrator = await world.administrator()
    found = (await administrator.ask(f"{{programs {{name {terms}}}}}")).data["programs"]
    assert found == [{"name": name, **expected} for name in ("Ours", "Theirs")]
    change = "mutation {programSettingsSave(input: {item: {redemption_minimum: 5, require_key: true}}) {changed}}"
    assert (await server.ask(change)).data
    assert (await app.ask("{program {redemptionMinimum requireKey}}")).data == {
        "program": {"redemptionMinimum": "5", "requireKey": True}
    }


async def test_me_is_the_member_of_the_token(world: World, server: Caller) -> None:
    reference = await world.member(server)
    app = await world.caller(member=reference)
    assert (await app.ask("{me {relationReference}}")).data == {"me": {"relationReference": reference}}
    assert (await server.ask("{me {relationReference}}")).data == {"me": None}


async def test_an_object_is_found_again_by_its_id(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    guid = (await world.redeem(server, reference, 10)).data["pointsRedeem"]["redemption"]["externalReference"]
    batch = await world.batch()
    ids = await server.ask(
        """query($r: String!, $g: UUID!) {program {id} member(reference: $r) {id ledger {edges {node {id}}}}
        redemption(externalReference: $g) {id} batches {edges {node {id}}}}""",
        r=reference,
        g=guid,
    )
    known = {
        "Program": ids.data["program"]["id"],
        "Member": ids.data["member"]["id"],
        "LedgerEntry": ids.data["member"]["ledger"]["edges"][0]["node"]["id"],
        "Redemption": ids.data["redemption"]["id"],
        "Batch": ids.data["batches"]["edges"][0]["node"]["id"],
    }
    assert batch
    for name, one in known.items():
        answer = await server.ask("query($i: ID!) {node(id: $i) {__typename id}}", i=one)
        assert answer.data == {"node": {"__typename": name, "id": one}}
    answer = await server.ask("query($i: [ID!]!) {nodes(ids: $i) {__typename id}}", i=list(known.values()))
    assert answer.data["nodes"] == [{"__typename": name, "id": one} for name, one in known.items()]
    entry = known["LedgerEntry"]
    answer = await server.ask("query($i: ID!) {ledgerEntry(id: $i) {kind member {relationReference}}}", i=entry)
    assert answer.data["ledgerEntry"] == {"kind": "REDEMPTION", "member": {"relationReference": reference}}
    for wrong in (known["Member"], "TGVkZ2VyRW50cnk6MTo5OTk"):
        assert (await server.ask("query($i: ID!) {ledgerEntry(id: $i) {id}}", i=wrong)).data == {"ledgerEntry": None}


async def test_what_is_no_id_is_bad_input(server: Caller) -> None:
    for given in ("", "x", "%%%", "TWVtYmVyOjE6MQ==", "Tm9ib2R5OjE6MQ", "TWVtYmVyOng6MQ", "é", "A" * 300):
        for query in ("node", "nodes", "member", "ledgerEntry", "batch"):
            argument, field = ("ids: [$i]", "ids") if query == "nodes" else ("id: $i", "id")
            answer = await server.ask(f"query($i: ID!) {{{query}({argument}) {{id}}}}", i=given)
            assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", field), (query, given)


async def test_too_many_ids_are_refused(server: Caller) -> None:
    answer = await server.ask("query($i: [ID!]!) {nodes(ids: $i) {id}}", i=["TWVtYmVyOjE6MQ"] * 101)
    assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", "ids")


async def test_a_lost_reference_is_found_by_its_key(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    own = str(uuid4())
    first = (await world.redeem(server, reference, 10, idempotencyKey="tap-1")).data["pointsRedeem"]["redemption"]
    second = (await world.redeem(server, reference, 20, externalReference=own)).data["pointsRedeem"]["redemption"]
    assert second["externalReference"] == own
    query = "query($k: String!) {redemptionByReference(clientReference: $k) {id externalReference points merchant}}"
    for key, expected in (("tap-1", first), (own, second), (own.upper(), second), ("tap-2", None)):
        assert (await server.ask(query, k=key)).data == {"redemptionByReference": expected}
    app = await world.caller(member=reference)
    third = (await world.redeem(app, None, 5, idempotencyKey="tap-1")).data["pointsRedeem"]["redemption"]
    assert (await app.ask(query, k=" tap-1 ")).data == {"redemptionByReference": third}
    assert (await server.ask(query, k="tap-1")).data == {"redemptionByReference": first}
    named = query.replace("($k: String!)", "($k: String!, $r: String)").replace(
        "Reference: $k", "Reference: $k, relationReference: $r"
    )
    assert (await server.ask(named, k="tap-1", r=reference)).data == {"redemptionByReference": third}
    answer = await server.ask(query, k="caf\u00e9")
    assert answer.refusal == ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "idempotencyKey")
    unknown = await server.ask("query($g: UUID!) {redemption(externalReference: $g) {id}}", g=str(uuid4()))
    assert unknown.data == {"redemption": None}


async def test_a_program_sees_itself_and_an_administrator_all(world: World, server: Caller) -> None:
    query = "{program {programId environment name configurationVersion} programs {name}}"
    ours = {"programId": 1, "environment": "SANDBOX", "name": "Ours", "configurationVersion": 2}
    assert (await server.ask(query)).data == {"program": ours, "programs": [{"name": "Ours"}]}
    administrator = await world.administrator(program=2)
    answer = await administrator.ask("{program {name} programs {name}}")
    assert answer.data == {"program": {"name": "Theirs"}, "programs": [{"name": "Ours"}, {"name": "Theirs"}]}
    nowhere = await world.administrator()
    assert (await nowhere.ask("{program {name}}")).refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)
    lost = await world.administrator(program=99)
    assert (await lost.ask("{program {name}}")).refusal == ("NOT_FOUND", "PROGRAM_NOT_FOUND", "1303", None)
    answer = await server.send({"query": "{program {name}}"}, **{"x-program-id": "one"})
    assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", None)


async def test_the_configuration_in_force(server: Caller) -> None:
    configuration = (await server.ask("{configuration {version document}}")).data["configuration"]
    assert configuration["version"] == 2
    assert [one["name"] for one in configuration["document"]["rule_groups"]] == ["Base", "Web bonus"]


async def test_the_catalogue_of_errors_needs_no_token(world: World) -> None:
    answer = await Caller(world.client).ask("{errors {reason code v1Code httpStatus message description}}")
    listed = answer.data["errors"]
    assert [one["reason"] for one in listed] == list(CATALOGUE)
    assert {
        "reason": "INSUFFICIENT_POINTS",
        "code": "BAD_USER_INPUT",
        "v1Code": "121",
        "httpStatus": 422,
        "message": "Insufficient point balance",
        "description": "The available balance is smaller than what was asked for.",
    } in listed


@pytest.mark.parametrize("token", ["", "nonsense", "tadm_nonsense"])
async def test_every_query_needs_a_token(world: World, token: str) -> None:
    stranger = Caller(world.client, token)
    for name, document in QUERIES.items():
        answer = await stranger.ask(f"{{{document}}}")
        assert answer.status == 200
        assert answer.refusal == ("UNAUTHENTICATED", "UNAUTHORIZED", "401", None), name
        assert answer.body["data"] == {name: None}
    assert (await stranger.ask("{__typename}")).data == {"__typename": "Query"}


async def test_there_is_a_test_for_every_query(server: Caller) -> None:
    answer = await server.ask("{__schema {queryType {fields {name}}}}")
    names = {one["name"] for one in answer.data["__schema"]["queryType"]["fields"]}
    assert names == {*QUERIES, "errors"}


async def test_a_member_may_not_ask_for_what_is_the_programs(world: World, server: Caller) -> None:
    app = await world.caller(member=await world.member(server))
    for name in (
        "members",
        "membersBySubRelation",
        "credentials",
        "campaigns",
        "configuration",
        "configurationVersions",
        "attributeExport",
        "batch",
        "batches",
        "pointsRequests",
        "transactionBatch",
        "heldTransactions",
    ):
        answer = await app.ask(f"{{{QUERIES[name]}}}")
        assert answer.refusal == ("FORBIDDEN", "FORBIDDEN", "403", None), name
    assert (await server.ask("{credentials {clientId}}")).refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)


async def test_an_administrator_reads_what_the_role_allows(world: World) -> None:
    executive = await world.administrator("customer-executive", program=1)
    assert (await executive.ask("{members {totalCount}}")).data == {"members": {"totalCount": 0}}
    assert (await executive.ask("{credentials {clientId}}")).refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)
