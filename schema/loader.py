"""DataLoaders of one request: what many fields ask for at once becomes one call of a use case.

One set belongs to one caller, so keys never cross programs. What has no use case for many at once is
read one after the other, so that a request never holds more than a few connections.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from strawberry.dataloader import DataLoader

from resolvers.batch import Batch, BatchRow, BatchTotals, get_batch, get_batch_totals, list_batch_rows
from resolvers.batch_queue import find_queue_position
from resolvers.context import Context
from resolvers.export import Export, get_export
from resolvers.member import Member, list_answering_members, list_members_by_id
from resolvers.password import list_has_password
from resolvers.points_request import PointsRequest, list_requests_by_id
from resolvers.program import Program, get_program
from resolvers.program_plan import ProgramPlan, list_program_plans
from resolvers.referral import Referrals, list_referrals
from resolvers.review import HeldTransaction, list_held_by_id
from resolvers.segment import Membership, list_memberships
from resolvers.sight import Sight
from resolvers.sub_relation import SubRelation, list_sub_relations_by_id, page_sub_relations
from resolvers.tier_standing import (
    MemberTier,
    TierChange,
    TierWay,
    list_tier_changes,
    list_tier_progress,
    list_tiers,
)
from schema.batched import ByKey, OneByOne, by_key
from schema.ledger_loader import LedgerLoaders


@dataclass(frozen=True, slots=True)
class SubRelationPage:
    """Which sub-relations of a member are asked for."""

    size: int
    after_id: int | None = None


class Loaders(LedgerLoaders):
    """The loaders of one request of one caller."""

    member = ByKey[int, Member](list_members_by_id)
    answering = ByKey[int, Member](list_answering_members)
    tier = ByKey[int, MemberTier](list_tiers)
    tier_way = ByKey[int, TierWay](list_tier_progress)
    tier_history = ByKey[int, list[TierChange]](list_tier_changes)
    membership = ByKey[int, Membership](list_memberships)
    sub_relation = ByKey[int, SubRelation](list_sub_relations_by_id)
    held = ByKey[int, HeldTransaction](list_held_by_id)
    points_request = ByKey[int, PointsRequest](list_requests_by_id)
    has_password = ByKey[int, bool](list_has_password)
    referrals = ByKey[int, Referrals](list_referrals)
    program = OneByOne[int, Program](lambda ctx, _: get_program(ctx))
    plan = ByKey[int, ProgramPlan](list_program_plans)
    batch = OneByOne[int, Batch](get_batch)
    queue_position = OneByOne[int, int | None](find_queue_position)
    export = OneByOne[int, Export](get_export)
    batch_totals = OneByOne[int, BatchTotals](get_batch_totals)
    batch_rows = OneByOne[tuple[int, int, int], Sequence[BatchRow]](
        lambda ctx, key: list_batch_rows(ctx, key[0], after_line=key[1], limit=key[2])
    )

    def __init__(self, given: Context) -> None:
        super().__init__(replace(given, sight=Sight(given.services.db)))
        self._sub_relations: dict[SubRelationPage, DataLoader[int, list[SubRelation] | None]] = {}

    def sub_relations(self, page: SubRelationPage) -> DataLoader[int, list[SubRelation] | None]:
        """The loader of one page of sub-relations, for any number of members."""
        if page not in self._sub_relations:
            ctx = self.ctx
            self._sub_relations[page] = by_key(
                lambda keys: page_sub_relations(ctx, keys, first=page.size, after_id=page.after_id)
            )
        return self._sub_relations[page]
