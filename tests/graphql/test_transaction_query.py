"""Purchases behind postings, and postings of purchases."""

from typing import Any

from tests.graphql.world import Caller, World
from tests.statements import noted

TRANSACTION = """id transactionId transactionType status points amount attribute(key: "channel") {value}
    entries {category points transaction {id}} member {relationReference}"""
LEDGER = """query($r: String) {member(reference: $r) {
    ledger {edges {node {category points transaction {transactionId attributes {key value} entries {id}}}}}
    transactions {edges {node {id entries {points}}}}}}"""
SUBMIT = "mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points}}"


async def _bought(world: World, caller: Caller, reference: str, transaction_id: str, **fields: Any) -> None:
    channel = [{"key": "channel", "value": "web"}]
    await world.earn(caller, reference, 10, transactionId=transaction_id, attributes=channel, **fields)


async def test_a_posting_leads_to_its_purchase_and_back(world: World, server: Caller) -> None:
    reference = await world.member(server)
    await _bought(world, server, reference, "T-web")
    await world.redeem(server, reference, 3)
    app = await world.caller(member=reference)
    for caller, given in ((server, reference), (app, None)):
        found = (await caller.ask(LEDGER, r=given)).data["member"]
        nodes = [edge["node"] for edge in found["ledger"]["edges"]]
        by_category = {one["category"]: one for one in nodes}
        assert by_category["Redeem"]["transaction"] is None
        for category, points in (("Spend", "10"), ("Bonus", "5")):
            one = by_category[category]
            assert one["points"] == points
            assert one["transaction"]["transactionId"] == "T-web"
            assert one["transaction"]["attributes"] == [{"key": "channel", "value": "web"}]
            assert len(one["transaction"]["entries"]) == 2
        (edge,) = found["transactions"]["edges"]
        assert edge["node"]["entries"] == [{"points": "10"}, {"points": "5"}]


async def test_a_transaction_is_found_by_either_id(world: World, server: Caller) -> None:
    reference = await world.member(server)
    await _bought(world, server, reference, "T-1")
    by_name = "query($t: String, $k: TransactionType! = DR) {transaction(transactionId: $t, transactionType: $k) {%s}}"
    found = (await server.ask(by_name % TRANSACTION, t="T-1")).data["transaction"]
    assert found | {"id": None} == {
        "id": None,
        "transactionId": "T-1",
        "transactionType": "DR",
        "status": "POSTED",
        "points": "15",
        "amount": "20",
        "attribute": {"value": "web"},
        "entries": [
            {"category": "Spend", "points": "10", "transaction": {"id": found["id"]}},
            {"category": "Bonus", "points": "5", "transaction": {"id": found["id"]}},
        ],
        "member": {"relationReference": reference},
    }
    by_id = f"query($id: ID!) {{transaction(id: $id) {{{TRANSACTION}}} node(id: $id) {{__typename id}}}}"
    again = (await server.ask(by_id, id=found["id"])).data
    assert again == {"transaction": found, "node": {"__typename": "Transaction", "id": found["id"]}}
    first = "query($id: ID!) {transaction(id: $id) {entries(first: 1) {points}}}"
    assert (await server.ask(first, id=found["id"])).data == {"transaction": {"entries": [{"points": "10"}]}}
    for nothing in ({"t": "t-1"}, {"t": "T-1", "k": "CR"}):
        assert (await server.ask(by_name % TRANSACTION, **nothing)).data == {"transaction": None}


async def test_a_refund_has_what_it_took_back(world: World, server: Caller) -> None:
    reference = await world.member(server)
    await _bought(world, server, reference, "T-2")
    refund = world.purchase(reference, 20, transactionId="T-2", transactionType="CR")
    assert (await server.ask(SUBMIT, i=refund)).data["transactionSubmit"]["points"] == "-15"
    query = """{bought: transaction(transactionId: "T-2") {entries {points}}
        returned: transaction(transactionId: "T-2", transactionType: CR) {entries {points kind related {points}}}}"""
    found = (await server.ask(query)).data
    assert found["bought"]["entries"] == [{"points": "10"}, {"points": "5"}]
    taken = [{"points": f"-{one}", "kind": "REFUND", "related": {"points": one}} for one in ("10", "5")]
    assert sorted(found["returned"]["entries"], key=str) == sorted(taken, key=str)


async def test_what_names_no_transaction_is_bad_input(world: World, server: Caller) -> None:
    for given in ("transaction", 'transaction(id: "x", transactionId: "T")'):
        answer = await server.ask(f"{{{given} {{id}}}}")
        assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", "id"), given


async def test_purchases_of_postings_are_read_together(world: World, server: Caller) -> None:
    costs = set()
    for _ in range(3):
        reference = await world.member(server)
        for number in range(4):
            await _bought(
                world, server, reference, world.unique("T"), transactionDate=f"2026-01-0{number + 1}T10:00:00Z"
            )
        query = """{members(first: 4) {edges {node {
            ledger(first: 9) {edges {node {transaction {id entries(first: 5) {id}}}}}
            transactions(first: 9) {edges {node {entries(first: 5) {transaction {id}}}}}}}}}"""
        with noted() as statements:
            assert (await server.ask(query)).data
        costs.add(len(statements))
    assert len(costs) == 1


async def test_postings_of_transactions_count_in_the_cost(world: World, server: Caller) -> None:
    query = "{members(first: 2) {edges {node {transactions(first: 3) {edges {node {entries(first: 4) {id}}}}}}}}"
    # Two members, each with a list of three transactions, each of those with four postings.
    assert (await server.ask(query)).body["extensions"] == {"cost": 2 * (1 + 3 * (1 + 4))}
