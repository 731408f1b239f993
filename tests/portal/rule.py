"""What tests of rules share: a rule that is built by the form, and one of everything that the language has."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from resolvers.configuration import get_configuration
from resolvers.member import EnrollMember, enroll_member
from resolvers.submission_order import SubmitTransaction
from resolvers.transaction import submit_transaction
from tests.portal.form import form_of
from tests.portal.world import Browser, Shown, World

NEW_RULE = {
    "name": "Weekends",
    "group": "Base",
    "when-0-kind": "all",
    "when-0.0-kind": "row",
    "when-0.0-attribute": "date.weekday",
    "when-0.0-op": "in",
    "when-0.0-value": "6, 7",
    "when-0.1-kind": "any",
    "when-0.1.0-kind": "row",
    "when-0.1.0-attribute": "transaction.quantity",
    "when-0.1.0-op": "gte",
    "when-0.1.0-value": "5",
    "when-0.1.1-kind": "row",
    "when-0.1.1-attribute": "member.shirt_size",
    "when-0.1.1-op": "is_set",
    "when-0.1.1-value": "true",
    "type": "flat",
    "points": "10",
    "cap": "50",
    "valid_from": "2026-01-01",
}
NEW_WHEN = {
    "all": [
        {"attribute": "date.weekday", "op": "in", "value": [6, 7]},
        {
            "any": [
                {"attribute": "transaction.quantity", "op": "gte", "value": 5},
                {"attribute": "member.shirt_size", "op": "is_set", "value": True},
            ]
        },
    ]
}


ODD_RULES = b"""
version: 1
aggregates: [{key: visits, function: count, period: ytd}, {key: spent, of: amount, function: sum, period: mtd}]
transaction_attributes: [{key: channel, name: Channel, type: selection, values: [web, "shop, big"]}]
member_attributes:
  - {key: vip, name: VIP, type: boolean}
  - {key: since, name: Since, type: date}
tiers: {assessment: manual, levels: [{name: Gold, multiplier: 2}, {name: Platinum}]}
rule_groups:
  - name: Odd
    category: bonus
    stop_at_first: true
    caps: {transaction: 100, day: 200}
    rules:
      - name: Everything
        enabled: false
        valid_from: 2026-01-01T08:30+01:00
        valid_to: "2026-12-31"
        cap: 7
        award: {type: per_unit, of: aggregate.spent, points: "0.25", per: "2.5", expires: {months: 3}, release_after_days: 4}
        when:
          any:
            - {not: {attribute: member.vip, op: eq, value: true}}
            - not: {all: [{attribute: tier, op: in, value: [Gold, Platinum]}, {attribute: tier, op: ne, value: Gold}]}
            - not: {any: [{attribute: segments, op: contains, value: At risk}, {attribute: date.hour, op: lt, value: 12}]}
            - all:
                - {attribute: transaction.channel, op: in, value: ["shop, big", web]}
                - {attribute: transaction.channel, op: starts_with, value: we}
                - {attribute: transaction.amount, op: between, value: ["0.5", 100]}
                - {attribute: transaction.amount, op: gt, attribute_value: aggregate.spent}
                - {attribute: member.dob, op: birthday, value: month}
                - {attribute: member.since, op: gte, value: 2020-01-31}
                - {attribute: member.since, op: between, value: [2020-01-31, 2021-01-31T12:00]}
                - {attribute: member.shirt_size, op: is_set, value: false}
                - {attribute: member.shirt_size, op: not_in, value: ["a, b", '"c"', "007"]}
                - {attribute: aggregate.visits, op: multiple_of, value: 5}
      - {name: A <b>bold</b> & "quoted" one/two, award: {type: percent, of: transaction.amount, percent: "1.5"}}
      - {name: Twice, award: {type: multiplier, factor: "1.5", expires: {date: 2027-01-31}}}
      - {name: Tenth, award: {type: every_nth, count: visits, n: 10, points: 50}, when: {attribute: tier, op: eq, value: Gold}}
"""  # noqa: E501


async def document_of(world: World, at: int = 0) -> dict[str, Any]:
    """The configuration of a program, of program 1 if none is said."""
    return dict((await get_configuration(world.contexts[at])).document)


async def rules_of(world: World) -> list[dict[str, Any]]:
    """The rules of its first group."""
    return list((await document_of(world))["rule_groups"][0]["rules"])


async def reviewed(ada: Browser, **changed: str) -> Shown:
    """The review of the new rule, with some of its fields changed."""
    form = form_of((await ada.get("rules/edit?group=Base")).source, "rules/edit")
    return await ada.post("rules/edit", {**form.fields, **NEW_RULE, **changed, "do": "review"})


async def buy(world: World, reference: str, *amounts: tuple[str, str]) -> None:
    """Enrol a member, and have it buy: day and amount of each."""
    ctx = world.contexts[0]
    await enroll_member(ctx, EnrollMember(values={"relation_reference": reference}))
    for number, (day, amount) in enumerate(amounts):
        command = SubmitTransaction(
            transaction_id=f"{reference}-{number}",
            transaction_type="DR",
            amount=Decimal(amount),
            transaction_date=datetime.fromisoformat(day),
            member_relation_reference=reference,
            attributes={"quantity": 5},
        )
        await submit_transaction(ctx, command)
