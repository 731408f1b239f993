"""Mutations that change nothing: a transaction, or a past period, tried out under the rules in force or a draft.

They are mutations because mutations of one request run one after the other, so that none of them crowds out others.
"""

from datetime import date, datetime
from decimal import Decimal

import strawberry
from strawberry.scalars import JSON

from resolvers.back_test import BackTest, BackTestReport, Difference, back_test
from resolvers.simulation import CapState as CapRow
from resolvers.simulation import SampleMember, SimulatedPosting, SimulateTransaction, Simulation, simulate_transaction
from schema.context import Info
from schema.field import mutation
from schema.scalar import Points
from schema.types.attribute import AttributeInput, attribute_values
from schema.types.entry import Bucket, EntryKind
from schema.types.explanation import CapWindow, Explanation, to_explanation
from schema.types.refusal import Refusal, to_refusal
from schema.types.transaction import TransactionFields, to_command

_DRAFT = (
    "A configuration that is not in force, as the text of a file or as JSON; what it leaves out is as it is in force. "
    "Null: the configuration in force."
)


@strawberry.input(description="A transaction to try out: as one to submit, but nothing is stored of it.")
class SampleTransactionInput(TransactionFields):
    transaction_id: str | None = strawberry.field(
        default=None, description="The submitter's own id; null: one that is not taken. A refund needs it."
    )


@strawberry.input(description="A member who does not exist, and who bought nothing before.")
class SampleMemberInput:
    attributes: list[AttributeInput] | None = strawberry.field(
        default=None, description="Attributes by their keys, fixed ones too: `gender`, `dob`, `status` from 1 to 6."
    )
    enrolled_at: datetime | None = strawberry.field(default=None, description="When they were enrolled; null: now.")
    tier: str | None = strawberry.field(default=None, description="The tier that they have; null: none.")


@strawberry.input(description="A transaction to try out.")
class PointsSimulateInput:
    transaction: SampleTransactionInput = strawberry.field(description="The transaction.")
    draft: JSON | None = strawberry.field(default=None, description=_DRAFT)
    member: SampleMemberInput | None = strawberry.field(
        default=None, description="Who makes it, where the transaction names nobody; null: anybody."
    )


MAX_REPLAYED = 20_000
"""As many transactions as are replayed well within the time that a request has."""


@strawberry.input(description="A past period to replay under a draft of the configuration.")
class RulesBackTestInput:
    draft: JSON = strawberry.field(
        description="A configuration that is not in force, as the text of a file or as JSON; what it leaves out is as "
        "it is in force."
    )
    first_day: date = strawberry.field(description="The first day, by the date of transactions.")
    last_day: date = strawberry.field(description="The last day, included.")


@strawberry.type(description="A posting that would be made.")
class SimulatedEntry:
    kind: EntryKind = strawberry.field(description="What the posting would be.")
    bucket: Bucket = strawberry.field(description="The figure of the balance that it would move.")
    points: Points = strawberry.field(description="Signed: what the member would get is positive.")
    explanation: Explanation | None = strawberry.field(description="Why, as of a posting that was made.")


@strawberry.type(description="How far a cap that counts over transactions is used.")
class CapState:
    group: str | None = strawberry.field(description="The group whose cap it is; null: the program's, over all groups.")
    window: CapWindow = strawberry.field(description="Over what it counts.")
    start: date = strawberry.field(description="The first day of the window that the transaction lies in.")
    limit: int = strawberry.field(description="The cap, in whole points.")
    used: Points = strawberry.field(description="What it had counted before the transaction.")
    added: Points = strawberry.field(description="What the transaction would add.")
    left: Points = strawberry.field(description="What would be left below it.")


@strawberry.type(description="What would become of a transaction.")
class PointsSimulatePayload:
    points: Points = strawberry.field(description="What all rules together would give: what submitting it answers.")
    refusal: Refusal | None = strawberry.field(description="Why it would be refused; null if it would be posted.")
    is_parked: bool = strawberry.field(description="True for a refund that would wait for its purchase.")
    is_draft: bool = strawberry.field(description="Whether a draft decided.")
    configuration_version: int = strawberry.field(description="The version in force, over which a draft is laid.")
    entries: list[SimulatedEntry] = strawberry.field(
        description="The postings, one for each rule group that gives something; then what refunds that wait for the "
        "purchase would take back, and the bonuses for tiers that it leads to. Neither is part of `points`."
    )
    fruitless: list[Explanation] = strawberry.field(
        description="Groups whose rules match and that give nothing all the same, because of caps or rounding."
    )
    caps: list[CapState] = strawberry.field(description="Every cap that counts over transactions.")
    ignored_keys: list[str] = strawberry.field(description="Attributes that nobody defined and that were left out.")


@strawberry.type(description="What was given, and what the draft would give, refunds taken off.")
class BackTestDifference:
    actual: Points = strawberry.field(description="What was given.")
    draft: Points = strawberry.field(description="What the draft would give.")
    points: Points = strawberry.field(description="The difference: more by the draft is positive.")
    money: Decimal = strawberry.field(
        description="What the difference is worth by the program's `redemption_rate`, to hundredths; the points of "
        "the draft by the draft's own."
    )


@strawberry.type(description="The difference in one rule group.")
class BackTestGroup:
    group: str = strawberry.field(description="The name of the group; `Campaign NAME` for flat bonuses of campaigns.")
    difference: BackTestDifference = strawberry.field(description="The difference.")


@strawberry.type(description="The difference for one member.")
class BackTestMember:
    relation_reference: str = strawberry.field(description="The program's own reference of the member.")
    difference: BackTestDifference = strawberry.field(description="The difference.")


@strawberry.type(description="What a draft would have changed in a past period.")
class RulesBackTestPayload:
    configuration_version: int = strawberry.field(description="The version in force, over which the draft is laid.")
    transactions: int = strawberry.field(description="The purchases and refunds of the period that were replayed.")
    warmed_up: int = strawberry.field(
        description="Those before the period that were replayed to know what caps and aggregates had counted."
    )
    refused: int = strawberry.field(
        description="Purchases of the period that the draft would refuse: their product code is not on its list, or "
        "their award is out of bounds. They count as earning nothing."
    )
    total: BackTestDifference = strawberry.field(description="All rule groups together.")
    groups: list[BackTestGroup] = strawberry.field(description="By rule group, the largest difference first.")
    members_gained: int = strawberry.field(description="Members who would have got more.")
    members_lost: int = strawberry.field(description="Members who would have got less.")
    members_unchanged: int = strawberry.field(description="Members of the period who would have got the same.")
    largest: list[BackTestMember] = strawberry.field(description="The ten members with the largest differences.")


@strawberry.type
class SimulationMutation:
    @mutation("Try out one transaction under the rules in force or a draft. The rules run, and nothing is written.")
    async def points_simulate(self, info: Info, input: PointsSimulateInput) -> PointsSimulatePayload | None:
        member = input.member
        command = SimulateTransaction(
            transaction=to_command(input.transaction, input.transaction.transaction_id or ""),
            draft=input.draft,
            member=None
            if member is None
            else SampleMember(
                attributes=attribute_values(member.attributes), enrolled_at=member.enrolled_at, tier=member.tier
            ),
        )
        return _payload(await simulate_transaction(info.context.ctx, command))

    @mutation(
        f"Replay the transactions of a past period under a draft, and write nothing. At most {MAX_REPLAYED} at once, "
        "those included that have to be replayed before it; `tessera rules back-test` takes any number."
    )
    async def rules_back_test(self, info: Info, input: RulesBackTestInput) -> RulesBackTestPayload | None:
        command = BackTest(draft=input.draft, first_day=input.first_day, last_day=input.last_day)
        return _report(await back_test(info.context.ctx, command, limit=MAX_REPLAYED))


def _payload(found: Simulation) -> PointsSimulatePayload:
    return PointsSimulatePayload(
        points=Points(found.points),
        refusal=None if found.refusal is None else to_refusal(found.refusal),
        is_parked=found.is_parked,
        is_draft=found.is_draft,
        configuration_version=found.config_version,
        entries=[_entry(one) for one in found.postings],
        fruitless=[to_explanation(one, lots=()) for one in found.fruitless],
        caps=[_cap(one) for one in found.caps],
        ignored_keys=list(found.ignored_keys),
    )


def _entry(one: SimulatedPosting) -> SimulatedEntry:
    told = one.explanation
    return SimulatedEntry(
        kind=EntryKind(one.kind),
        bucket=Bucket(one.bucket),
        points=Points(one.points),
        explanation=None if told is None else to_explanation(told, lots=one.lots),
    )


def _cap(one: CapRow) -> CapState:
    return CapState(
        group=one.group,
        window=CapWindow(one.window),
        start=one.start,
        limit=one.limit,
        used=Points(one.used),
        added=Points(one.added),
        left=Points(one.left),
    )


def _report(found: BackTestReport) -> RulesBackTestPayload:
    return RulesBackTestPayload(
        configuration_version=found.config_version,
        transactions=found.transactions,
        warmed_up=found.warmed_up,
        refused=found.refused,
        total=_difference(found.total),
        groups=[BackTestGroup(group=name, difference=_difference(one)) for name, one in found.groups.items()],
        members_gained=found.members_gained,
        members_lost=found.members_lost,
        members_unchanged=found.members_unchanged,
        largest=[
            BackTestMember(relation_reference=name, difference=_difference(one)) for name, one in found.largest.items()
        ],
    )


def _difference(one: Difference) -> BackTestDifference:
    return BackTestDifference(
        actual=Points(one.actual), draft=Points(one.draft), points=Points(one.points), money=one.money
    )
