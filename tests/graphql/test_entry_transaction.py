"""`LedgerEntry.transaction`: what was bought, beside the points that it gave."""

from tests.graphql.world import Caller, World
from tests.statements import noted

LEDGER = """query($r: String!) {member(reference: $r) {ledger {edges {node {kind points
    transaction {transactionId transactionType amount productCode member {relationReference}}}}}}}"""


async def test_a_posting_names_the_purchase_or_the_refund_that_it_is_of(world: World, server: Caller) -> None:
    ann = await world.member(server)
    given = (
        world.purchase(ann, "20.50", transactionId="buy"),
        world.purchase(ann, "4.50", transactionId="buy", transactionType="CR"),
    )
    for one in given:
        document = "mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points}}"
        assert (await server.ask(document, i=one)).data
    assert (await world.redeem(server, ann, 3)).data
    app = await world.caller(member=ann)
    for caller in (server, app):
        edges = (await caller.ask(LEDGER, r=ann)).data["member"]["ledger"]["edges"]
        told = {edge["node"]["kind"]: edge["node"]["transaction"] for edge in edges}
        of_ann = {"productCode": "SHOP", "member": {"relationReference": ann}}
        assert told == {
            "EARN": {"transactionId": "buy", "transactionType": "DR", "amount": "20.5", **of_ann},
            "REFUND": {"transactionId": "buy", "transactionType": "CR", "amount": "4.5", **of_ann},
            "REDEMPTION": None,
        }


async def test_the_purchases_of_a_page_cost_one_look(world: World, server: Caller) -> None:
    ann = await world.member(server, 1)
    costs = []
    for count in (1, 5):
        for _ in range(count):
            await world.earn(server, ann, 1)
        await server.ask(LEDGER, r=ann)
        with noted() as statements:
            assert (await server.ask(LEDGER, r=ann)).data
        costs.append(len(statements))
    assert costs[0] == costs[1]


async def test_a_member_does_not_see_the_purchase_of_whom_it_brought(world: World, server: Caller) -> None:
    rules = """
version: 1
referrals: {enabled: true, reward_on: first_transaction, referrer_points: 100, referee_points: 50}
"""
    apply = "mutation($i: ConfigurationApplyInput!) {configurationApply(input: $i) {changed}}"
    assert (await server.ask(apply, i={"document": rules})).data
    ann = await world.member(server)
    code = "mutation($r: String!) {memberReferralCodeIssue(input: {relationReference: $r}) {member {referralCode}}}"
    payload = (await server.ask(code, r=ann)).data["memberReferralCodeIssue"]
    ben = await world.member(server, 5, referralCode=payload["member"]["referralCode"])
    app = await world.caller(member=ann)
    edges = (await app.ask(LEDGER, r=ann)).data["member"]["ledger"]["edges"]
    assert [edge["node"] for edge in edges] == [{"kind": "BONUS", "points": "100", "transaction": None}]
    edges = (await server.ask(LEDGER, r=ben)).data["member"]["ledger"]["edges"]
    assert {edge["node"]["kind"] for edge in edges} == {"BONUS", "EARN"}
