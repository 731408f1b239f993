"""Sub-relations over GraphQL: what the mutations and look-ups give, and each refusal with nothing written."""

from typing import Any

from tests.graphql.world import Caller, World
from tests.statements import noted

LINK = """mutation($i: SubRelationLinkInput!) {subRelationLink(input: $i) {replayed member {relationReference}
    subRelation {id type cardNumber cardLastFour subRelationIdentifier lastSixDigits productCode expiryDate status
    createdAt}}}"""
UNLINK = """mutation($i: SubRelationUnlinkInput!) {subRelationUnlink(input: $i) {replayed
    member {subRelations {edges {cursor}}} subRelation {id cardLastFour}}}"""
SUBMIT = """mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points member {relationReference}}}"""
FIND = """query($c: String, $i: String, $first: Int, $after: String) {
    membersBySubRelation(cardNumber: $c, identifier: $i, first: $first, after: $after) {
    edges {node {relationReference subRelations {edges {node {subRelationIdentifier}}}}}
    pageInfo {hasNextPage endCursor}}}"""
OF_MEMBER = """query($r: String, $first: Int, $after: String) {member(reference: $r) {
    subRelations(first: $first, after: $after) {
    edges {node {subRelationIdentifier}} pageInfo {hasNextPage endCursor}}}}"""
VISA = "4111111111111111"


async def linked(caller: Caller, reference: str, identifier: str, **fields: Any) -> str:
    """The id of a new sub-relation."""
    given = {"relationReference": reference, "type": "EXTERNAL_ID", "subRelationIdentifier": identifier} | fields
    return str((await caller.ask(LINK, i=given)).data["subRelationLink"]["subRelation"]["id"])


async def test_a_card_is_linked_once_per_key(world: World, server: Caller) -> None:
    reference = await world.member(server)
    given = {
        "relationReference": reference,
        "type": "CARD",
        "cardNumber": "4111 1111 1111 1111",
        "subRelationIdentifier": "0",
        "lastSixDigits": "111111",
        "productCode": "GOLD",
        "expiryDate": "2030-01-31",
        "status": "OPEN",
        "idempotencyKey": "l-1",
    }
    payload = (await server.ask(LINK, i=given)).data["subRelationLink"]
    number = payload["subRelation"]["id"]
    assert payload == {
        "replayed": False,
        "member": {"relationReference": reference},
        "subRelation": {
            "id": number,
            "type": "CARD",
            "cardNumber": None,
            "cardLastFour": "1111",
            "subRelationIdentifier": None,
            "lastSixDigits": "111111",
            "productCode": "GOLD",
            "expiryDate": "2030-01-31",
            "status": "OPEN",
            "createdAt": "2026-02-03T11:46:03.703000+05:30",
        },
    }
    async with world.nothing_written():
        assert (await server.ask(LINK, i=given)).data["subRelationLink"] == {**payload, "replayed": True}


async def test_what_is_linked_is_changed_by_its_pair_and_taken_away(world: World, server: Caller) -> None:
    reference = await world.member(server)
    card = {"relationReference": reference, "type": "CARD", "cardNumber": VISA, "productCode": "GOLD"}
    first = (await server.ask(LINK, i=card)).data["subRelationLink"]["subRelation"]
    change = {"relationReference": reference, "type": "CARD", "cardNumber": VISA, "status": "LOST"}
    changed = (await server.ask(LINK, i=change)).data["subRelationLink"]["subRelation"]
    assert changed == {**first, "status": "LOST"}
    gone = (await server.ask(UNLINK, i={"subRelationId": first["id"]})).data["subRelationUnlink"]
    assert gone == {
        "replayed": False,
        "member": {"subRelations": {"edges": []}},
        "subRelation": {"id": first["id"], "cardLastFour": "1111"},
    }


async def test_a_link_is_refused(world: World, server: Caller) -> None:
    reference = await world.member(server)
    number = await linked(server, reference, "A-1", cardNumber=VISA)
    card = {"relationReference": reference, "type": "CARD", "cardNumber": VISA}
    bad = "BAD_USER_INPUT"
    for change, *expected in (
        ({"cardNumber": "0"}, bad, "BAD_REQUEST", "999", "cardNumber"),
        ({"cardNumber": None}, bad, "BAD_REQUEST", "999", "cardNumber"),
        ({"relationReference": ""}, bad, "BAD_REQUEST", "999", "relationReference"),
        ({"lastSixDigits": "1234567"}, bad, "INVALID_REQUEST", "998", "lastSixDigits"),
        ({"subRelationIdentifier": VISA}, bad, "INVALID_REQUEST", "998", "subRelationIdentifier"),
        ({"relationReference": "nobody"}, "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None),
        ({}, "CONFLICT", "SUB_RELATION_LINKED", "119", None),
    ):
        await world.refused(server, LINK, card | change, *expected)
    await world.refused(server, LINK, card | {"type": "WATCH"}, bad, "BAD_REQUEST", "999", "type")
    missing = ("NOT_FOUND", "SUB_RELATION_NOT_FOUND", "1330", None)
    assert (await server.ask(UNLINK, i={"subRelationId": number})).data
    await world.refused(server, UNLINK, {"subRelationId": number}, *missing)
    await world.refused(server, UNLINK, {"subRelationId": "TWVtYmVyOjE6MQ"}, *missing)
    await world.refused(server, UNLINK, {"subRelationId": "x"}, bad, "BAD_REQUEST", "999", "subRelationId")


async def test_a_transaction_is_given_to_whom_the_card_is_linked_to(world: World, server: Caller) -> None:
    first, second = await world.member(server), await world.member(server)
    await linked(server, first, "SHARED", cardNumber=VISA)
    await linked(server, second, "SHARED")

    def purchase(**named: str) -> dict[str, Any]:
        return world.purchase("", 20) | {"memberRelationReference": None} | named

    earned = (await server.ask(SUBMIT, i=purchase(cardNumber=VISA))).data["transactionSubmit"]
    assert earned == {"points": "10", "member": {"relationReference": first}}
    shared = purchase(subRelationIdentifier="SHARED")
    await world.refused(server, SUBMIT, shared, "CONFLICT", "SUB_RELATION_AMBIGUOUS", "118", None)
    await world.refused(server, SUBMIT, purchase(cardNumber="1"), "NOT_FOUND", "MEMBER_NOT_FOUND", "103", None)
    await world.refused(server, SUBMIT, purchase(), "BAD_USER_INPUT", "BAD_REQUEST", "999", "memberRelationReference")


async def test_a_look_up_pages_through_every_member_that_matches(world: World, server: Caller) -> None:
    references = [await world.member(server) for _ in range(3)]
    for reference in references:
        await linked(server, reference, "SHARED", cardNumber=VISA)
    page = (await server.ask(FIND, c=VISA, first=2)).data["membersBySubRelation"]
    assert [edge["node"]["relationReference"] for edge in page["edges"]] == references[:2]
    assert page["edges"][0]["node"]["subRelations"]["edges"] == [{"node": {"subRelationIdentifier": "SHARED"}}]
    assert page["pageInfo"]["hasNextPage"] is True
    rest = (await server.ask(FIND, i="SHARED", after=page["pageInfo"]["endCursor"])).data["membersBySubRelation"]
    assert [edge["node"]["relationReference"] for edge in rest["edges"]] == references[2:]
    assert (await server.ask(FIND, i="NOBODY")).data["membersBySubRelation"]["edges"] == []
    refused = ("BAD_USER_INPUT", "BAD_REQUEST", "999", "cardNumber")
    assert (await server.ask(FIND, c="0", i="0")).refusal == refused


async def test_the_sub_relations_of_a_member_come_in_pages(world: World, server: Caller) -> None:
    reference = await world.member(server)
    for number in range(3):
        await linked(server, reference, f"A-{number}")
    page = (await server.ask(OF_MEMBER, r=reference, first=2)).data["member"]["subRelations"]
    assert [edge["node"]["subRelationIdentifier"] for edge in page["edges"]] == ["A-0", "A-1"]
    after = page["pageInfo"]["endCursor"]
    rest = (await server.ask(OF_MEMBER, r=reference, after=after)).data["member"]["subRelations"]
    assert [edge["node"]["subRelationIdentifier"] for edge in rest["edges"]] == ["A-2"]
    assert rest["pageInfo"]["hasNextPage"] is False
    app = await world.caller(member=reference)
    assert len((await app.ask(OF_MEMBER)).data["member"]["subRelations"]["edges"]) == 3


async def test_the_sub_relations_of_many_members_are_one_statement(world: World, server: Caller) -> None:
    query = "query($n: Int!) {members(first: $n) {edges {node {subRelations {edges {node {id}}}}}}}"
    for number in range(6):
        await linked(server, await world.member(server), f"A-{number}")
    costs = []
    for size in (1, 6):
        with noted() as statements:
            assert (await server.ask(query, n=size)).data
        costs.append(sum("sub_relation" in statement for statement, _ in statements))
    assert costs == [1, 1]


async def test_a_manager_links_and_an_executive_only_reads(world: World, server: Caller) -> None:
    reference = await world.member(server)
    given = {"relationReference": reference, "type": "ACCOUNT", "subRelationIdentifier": "A-1"}
    executive = await world.administrator("customer-executive", program=1)
    await world.refused(executive, LINK, given, "FORBIDDEN", "FORBIDDEN", "403", None)
    manager = await world.administrator("program-manager", program=1)
    assert (await manager.ask(LINK, i=given)).data
    assert len((await executive.ask(OF_MEMBER, r=reference)).data["member"]["subRelations"]["edges"]) == 1
