"""`LedgerEntry.explanation`: every award says why, with types; other postings have none."""

from typing import Any

from resolvers.configuration import apply_configuration
from tests.graphql.world import Caller, World
from tests.statements import noted

RULES = """
version: 1
program: {time_zone: Asia/Kolkata, points_decimals: 2, accrual_cap_per_month: 60}
expiry: {policy: months, months: 12, period_end: quarter}
transaction_attributes: [{key: channel, name: Channel, type: string}]
member_attributes: [{key: nickname, name: Nickname, type: string, pi: true}]
rule_groups:
  - name: Base
    caps: {transaction: 50, month: 40}
    rules:
      - {name: A third, award: {type: per_unit, of: transaction.amount, points: 1, per: 3}, cap: 20}
      - name: Named
        when: {attribute: member.nickname, op: is_set, value: true}
        award: {type: flat, points: 5, expires: {months: 3}, release_after_days: 14}
      - {name: Double, when: {attribute: transaction.channel, op: eq, value: web}, award: {type: multiplier, factor: 2}}
tiers:
  assessment: automatic
  levels: [{name: Silver, from: 0, multiplier: 1.5}, {name: Gold, from: 20, upgrade_bonus: 50}]
"""

EXPLAINED = """query($r: String!) {member(reference: $r) {ledger {edges {node {kind sequence explanation {
    configurationVersion group exact rounding points spoilage message loss tier tierLevels
    rules {rule sequence inputs {attribute value} gave cap kept share factor expiresMonths expiresOn releaseAfterDays}
    factors {kind name factor} caps {window isProgram limit used left cut}
    lots {points expiresAt availableAt}}}}}}}"""

SECOND: dict[str, Any] = {
    "configurationVersion": 3,
    "group": "Base",
    "exact": "15",
    "rounding": "half_up",
    "points": "15",
    "spoilage": "0",
    "message": None,
    "loss": None,
    "tier": None,
    "tierLevels": [],
    "rules": [
        {
            "rule": "A third", "sequence": 0, "inputs": [{"attribute": "transaction.amount", "value": "10"}],
            "gave": "10/3", "cap": None, "kept": "10/3", "share": "20/3", "factor": None,
            "expiresMonths": None, "expiresOn": None, "releaseAfterDays": None,
        },
        {
            "rule": "Named", "sequence": 1, "inputs": [{"attribute": "member.nickname", "value": "***"}],
            "gave": "5", "cap": None, "kept": "5", "share": "25/3", "factor": None,
            "expiresMonths": 3, "expiresOn": None, "releaseAfterDays": 14,
        },
        {
            "rule": "Double", "sequence": 2, "inputs": [{"attribute": "transaction.channel", "value": "web"}],
            "gave": None, "cap": None, "kept": None, "share": None, "factor": "2",
            "expiresMonths": None, "expiresOn": None, "releaseAfterDays": None,
        },
    ],
    "factors": [{"kind": "RULE", "name": "Double", "factor": "2"}],
    "caps": [{"window": "MONTH", "isProgram": False, "limit": 40, "used": "25", "left": "15", "cut": "5/3"}],
    "lots": [
        {"points": "6.67", "expiresAt": "2027-04-01T00:00:00+05:30", "availableAt": None},
        {"points": "8.33", "expiresAt": "2026-07-01T00:00:00+05:30", "availableAt": "2026-02-17T00:00:00+05:30"},
    ],
}  # fmt: skip


async def _explained(caller: Caller, reference: str) -> list[tuple[str, Any]]:
    """Kind and explanation of every posting, in the order of posting."""
    edges = (await caller.ask(EXPLAINED, r=reference)).data["member"]["ledger"]["edges"]
    nodes = sorted((one["node"] for one in edges), key=lambda one: int(one["sequence"]))
    return [(one["kind"], one["explanation"]) for one in nodes]


async def test_an_award_tells_rules_inputs_factors_caps_rounding_and_lots(world: World, server: Caller) -> None:
    await apply_configuration(world.context(1), RULES.encode(), prune=True)
    reference = await world.member(server, attributes=[{"key": "nickname", "value": "Annie"}])
    # The first makes the member Silver, and Gold with its bonus; the second meets the month's cap.
    await world.earn(server, reference, 31)
    (_, first), (kind, bonus) = await _explained(server, reference)
    assert (first["exact"], first["points"], first["spoilage"]) == ("25", "25", "0")
    assert first["rules"][0] | {"inputs": []} == {
        "rule": "A third", "sequence": 0, "inputs": [], "gave": "62/3", "cap": 20, "kept": "20", "share": "20",
        "factor": None, "expiresMonths": None, "expiresOn": None, "releaseAfterDays": None,
    }  # fmt: skip
    assert (kind, bonus["tier"], bonus["tierLevels"], bonus["group"]) == ("BONUS", "Gold", ["Silver", "Gold"], None)
    assert bonus["configurationVersion"] == 3

    given = world.purchase(reference, 10, attributes=[{"key": "channel", "value": "web"}])
    document = "mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points}}"
    assert (await server.ask(document, i=given)).data == {"transactionSubmit": {"points": "15"}}
    *_, (_, second) = await _explained(server, reference)
    assert second == SECOND


async def test_a_refund_tells_its_group_and_what_it_could_not_take_back(world: World, server: Caller) -> None:
    await apply_configuration(world.context(1), b"version: 1\nprogram: {refund_policy: floor}\n")
    reference = await world.member(server)
    bought = world.purchase(reference, 40)
    document = "mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points}}"
    assert (await server.ask(document, i=bought)).data
    assert (await world.redeem(server, reference, 15)).data
    assert (await server.ask(document, i=bought | {"transactionType": "CR"})).data
    told = {kind: told for kind, told in await _explained(server, reference)}
    assert told["REDEMPTION"] is None
    assert (told["REFUND"]["group"], told["REFUND"]["loss"], told["REFUND"]["lots"]) == ("Base", "15", [])


async def test_explanations_cost_the_same_for_any_page(world: World, server: Caller) -> None:
    costs = []
    reference = await world.member(server)
    for count in (1, 3):
        for _ in range(count):
            await world.earn(server, reference, 10)
        assert await _explained(server, reference)
        with noted() as statements:
            await _explained(server, reference)
        costs.append(len(statements))
    assert costs[0] == costs[1]


async def test_a_member_reads_the_explanations_of_its_own_postings(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    own = await world.caller(member=reference)
    ((_, told),) = await _explained(own, reference)
    assert (told["group"], [one["points"] for one in told["lots"]]) == ("Base", ["10"])
