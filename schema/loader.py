"""DataLoaders of one request: what many fields ask for at once becomes one call of a use case.

One set belongs to one caller, so keys never cross programs. What has no use case for many at once is
read one after the other, so that a request never holds more than a few connections.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from strawberry.dataloader import DataLoader

from resolvers.batch import Batch, BatchRow, BatchTotals, get_batch, get_batch_totals, list_batch_rows
from resolvers.context import Context
from resolvers.member import Member, list_members_by_id
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
from schema.batched import by_key, one_by_one
from schema.ledger_loader import LedgerLoaders


@dataclass(frozen=True, slots=True)
class SubRelationPage:
    """Which sub-relations of a member are asked for."""

    size: int
    after_id: int | None = None


class Loaders(LedgerLoaders):
    """The loaders of one request of one caller."""

    def __init__(self, given: Context) -> None:
        ctx = replace(given, sight=Sight(given.services.db))
        super().__init__(ctx)
        self.member: DataLoader[int, Member | None] = by_key(lambda keys: list_members_by_id(ctx, keys))
        self.tier: DataLoader[int, MemberTier | None] = by_key(lambda keys: list_tiers(ctx, keys))
        self.tier_way: DataLoader[int, TierWay | None] = by_key(lambda keys: list_tier_progress(ctx, keys))
        self.tier_history: DataLoader[int, list[TierChange] | None] = by_key(lambda keys: list_tier_changes(ctx, keys))
        self.membership: DataLoader[int, Membership | None] = by_key(lambda keys: list_memberships(ctx, keys))
        self.sub_relation: DataLoader[int, SubRelation | None] = by_key(
            lambda keys: list_sub_relations_by_id(ctx, keys)
        )
        self.held: DataLoader[int, HeldTransaction | None] = by_key(lambda keys: list_held_by_id(ctx, keys))
        self.points_request: DataLoader[int, PointsRequest | None] = by_key(lambda keys: list_requests_by_id(ctx, keys))
        self.referrals: DataLoader[int, Referrals | None] = by_key(lambda keys: list_referrals(ctx, keys))
        self.program: DataLoader[int, Program] = one_by_one(lambda _: get_program(ctx))
        self.plan: DataLoader[int, ProgramPlan | None] = by_key(lambda keys: list_program_plans(ctx, keys))
        self.batch: DataLoader[int, Batch] = one_by_one(lambda key: get_batch(ctx, key))
        self.batch_totals: DataLoader[int, BatchTotals] = one_by_one(lambda key: get_batch_totals(ctx, key))
        self.batch_rows: DataLoader[tuple[int, int, int], Sequence[BatchRow]] = one_by_one(
            lambda key: list_batch_rows(ctx, key[0], after_line=key[1], limit=key[2])
        )
        self._sub_relations: dict[SubRelationPage, DataLoader[int, list[SubRelation] | None]] = {}

    def sub_relations(self, page: SubRelationPage) -> DataLoader[int, list[SubRelation] | None]:
        """The loader of one page of sub-relations, for any number of members."""
        if page not in self._sub_relations:
            self._sub_relations[page] = by_key(
                lambda keys: page_sub_relations(self.ctx, keys, first=page.size, after_id=page.after_id)
            )
        return self._sub_relations[page]
