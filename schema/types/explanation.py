"""Why a posting has its points: rules, factors, caps, rounding, lots."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

import strawberry

from domain.rules.explanation import CapTold, FactorTold, RuleTold
from domain.rules.explanation import Explanation as Told
from resolvers.statement import EntryLot
from schema.context import Info, RequestContext
from schema.field import field
from schema.scalar import Points


@strawberry.enum(description="What multiplied the points of a group.")
class FactorKind(Enum):
    TIER = strawberry.enum_value("tier", description="The multiplier of the member's tier.")
    CAMPAIGN = strawberry.enum_value("campaign", description="A campaign with a multiplier.")
    RULE = strawberry.enum_value("rule", description="A multiplier among the group's own rules.")


@strawberry.enum(description="Over what a cap counts: days and months are those of the transaction's date.")
class CapWindow(Enum):
    TRANSACTION = strawberry.enum_value("transaction", description="One transaction; nothing is counted.")
    DAY = strawberry.enum_value("day", description="A day on the program's clocks.")
    MONTH = strawberry.enum_value("month", description="A month on the program's clocks.")
    LIFETIME = strawberry.enum_value("lifetime", description="All that the member is ever given.")


@strawberry.type(description="Something that a rule read, as it was when the points were given.")
class RuleInput:
    attribute: str = strawberry.field(description="Its path: `transaction.amount`, `member.gender`, `tier`.")
    value: str | None = strawberry.field(
        description="Its value as a text; `***` for personal information that was set, null where it was not set."
    )


@strawberry.type(description="A rule that matched. Exact figures are texts: a decimal, or a fraction like `10/3`.")
class ExplainedRule:
    rule: str = strawberry.field(description="The rule's name.")
    sequence: int = strawberry.field(description="Its place in its group, from 0.")
    inputs: list[RuleInput] = strawberry.field(description="What its condition and its award read.")
    gave: str | None = strawberry.field(description="What it gave, exactly; null for a multiplier.")
    cap: int | None = strawberry.field(description="The rule's own cap, if that cut what it gave.")
    kept: str | None = strawberry.field(description="What the rule's own cap left, exactly.")
    share: str | None = strawberry.field(
        description="Its part of `exact`, with all factors and less what caps cut; null for a multiplier without a "
        "lot of its own."
    )
    factor: Decimal | None = strawberry.field(description="The factor of a multiplier.")
    expires_months: int | None = strawberry.field(
        description="The rule's own validity in months; null: the program's, or `expiresOn`."
    )
    expires_on: date | None = strawberry.field(description="The rule's own last day of validity.")
    release_after_days: int | None = strawberry.field(description="Days until its points are released.")


@strawberry.type(description="What multiplied the points of a group.")
class ExplainedFactor:
    kind: FactorKind = strawberry.field(description="Whose factor it is.")
    name: str = strawberry.field(description="The name of the tier, campaign or rule.")
    factor: Decimal = strawberry.field(description="The factor.")


@strawberry.type(description="A cap that cut. The caps of a group cut in the order of the list.")
class ExplainedCap:
    window: CapWindow = strawberry.field(description="Over what it counts.")
    is_program: bool = strawberry.field(
        description="True for the program's cap over all groups, false for the group's."
    )
    limit: int = strawberry.field(description="The cap, in whole points.")
    used: Points | None = strawberry.field(
        description="What it had counted before, earlier groups of the same transaction included; null where nothing "
        "is counted."
    )
    left: Points = strawberry.field(description="What was left below it, and so what it let through.")
    cut: str = strawberry.field(description="What it took, exactly: a decimal or a fraction.")


@strawberry.type(description="Points with one expiry and one release.")
class PointsLot:
    points: Points = strawberry.field(description="The points that were put in it.")
    expires_at: datetime | None = strawberry.field(description="From when on they are gone, as it is now; null: never.")
    available_at: datetime | None = strawberry.field(
        description="From when on they can be spent, if that was not at once."
    )


@strawberry.type(
    description="Why a posting has its points. Of an earning everything is told but the last three; of a refund "
    "`group` and `loss`; of an upgrade bonus `tier` and `tierLevels`. What the rules kept, times all factors, less all "
    "cuts, is `exact`; that is `points` plus `spoilage`."
)
class Explanation:
    configuration_version: int = strawberry.field(description="The version of the configuration that decided.")
    group: str | None = strawberry.field(
        description="The rule group; `Campaign NAME` for the flat bonus of a campaign; null for other reasons."
    )
    rules: list[ExplainedRule] = strawberry.field(description="The rules that matched, in their sequence.")
    factors: list[ExplainedFactor] = strawberry.field(description="What multiplied their sum.")
    caps: list[ExplainedCap] = strawberry.field(description="The caps that cut what came of it.")
    exact: str | None = strawberry.field(description="The sum before rounding, exactly: a decimal or a fraction.")
    rounding: str | None = strawberry.field(description="How it was rounded: `half_up`.")
    points: Points | None = strawberry.field(description="What was posted.")
    spoilage: Decimal | None = strawberry.field(description="What rounding dropped; negative where it rounded up.")
    message: str | None = strawberry.field(description="The message of the campaign.")
    loss: Points | None = strawberry.field(
        description="What a refund could not take back under the policy `floor`, because it was spent."
    )
    tier: str | None = strawberry.field(description="The tier that was reached.")
    tier_levels: list[str] = strawberry.field(description="The levels that were reached with it for the first time.")
    known_lots: strawberry.Private[Sequence[EntryLot] | None]
    entry_id: strawberry.Private[int | None]

    @field("The lots that the posting made, less what repaid a negative balance; none for a refund.")
    async def lots(self, info: Info) -> list[PointsLot]:
        lots = self.known_lots
        if lots is None and self.entry_id is not None:
            lots = await info.context.loaders.entry_lots.load(self.entry_id)
        return [_lot(one, info.context) for one in lots or ()]


def to_explanation(told: Told, *, entry_id: int | None = None, lots: Sequence[EntryLot] | None = None) -> Explanation:
    """An explanation as callers see it, with the lots of a stored entry or with given ones."""
    return Explanation(
        configuration_version=told.config_version,
        group=told.group,
        rules=[_rule(one) for one in told.rules],
        factors=[_factor(one) for one in told.factors],
        caps=[_cap(one) for one in told.caps],
        exact=told.exact,
        rounding=told.rounding,
        points=_points(told.points),
        spoilage=told.spoilage,
        message=told.message,
        loss=_points(told.loss),
        tier=told.tier,
        tier_levels=list(told.tier_levels),
        known_lots=lots,
        entry_id=entry_id,
    )


def _rule(one: RuleTold) -> ExplainedRule:
    return ExplainedRule(
        rule=one.rule,
        sequence=one.sequence,
        inputs=[RuleInput(attribute=path, value=value) for path, value in one.inputs.items()],
        gave=one.gave,
        cap=one.cap,
        kept=one.kept,
        share=one.share,
        factor=one.factor,
        expires_months=one.expires_months,
        expires_on=one.expires_on,
        release_after_days=one.release_after_days,
    )


def _factor(one: FactorTold) -> ExplainedFactor:
    return ExplainedFactor(kind=FactorKind(one.of), name=one.name, factor=one.factor)


def _cap(one: CapTold) -> ExplainedCap:
    return ExplainedCap(
        window=CapWindow(one.window),
        is_program=one.is_program,
        limit=one.limit,
        used=_points(one.used),
        left=Points(one.left),
        cut=one.cut,
    )


def _lot(one: EntryLot, context: RequestContext) -> PointsLot:
    return PointsLot(
        points=Points(one.points),
        expires_at=context.local_or_none(one.expires_at),
        available_at=context.local_or_none(one.available_at),
    )


def _points(value: Decimal | None) -> Points | None:
    return None if value is None else Points(value)
