"""Statements: sums by bucket, postings by date, rows by category."""

import strawberry

from resolvers.statement import CategoryRow, StatementPage
from resolvers.statement import StatementSummary as SummaryRow
from schema.context import RequestContext
from schema.scalar import Points
from schema.types.entry import LedgerEntry, to_entry


@strawberry.type(description="The published buckets of a statement.")
class StatementSummary:
    point_balance: Points = strawberry.field(description="All that was earned, less `redeem` and `expiredPoints`.")
    bonus: Points = strawberry.field(description="Earned as a bonus.")
    spend: Points = strawberry.field(description="Earned by spending.")
    redeem: Points = strawberry.field(description="Redeemed and not reversed.")
    partner: Points = strawberry.field(description="Earned with partners.")
    purchased: Points = strawberry.field(description="Bought.")
    other_accrued: Points = strawberry.field(description="Earned in other ways.")
    expired_points: Points = strawberry.field(description="Expired.")


@strawberry.type(description="Postings of a range of transaction dates.")
class Statement:
    entries: list[LedgerEntry] = strawberry.field(description="The postings, newest first.")
    count: int = strawberry.field(description="How many postings the whole range has.")


@strawberry.type(description="A row of the categorised statement; the rows add up.")
class StatementCategory:
    category: str = strawberry.field(description="The category, or `OpeningBalance` or `ClosingBalance`.")
    loyalty_txn_type: int | None = strawberry.field(description="The published number; null on the two balances.")
    points: Points = strawberry.field(description="Signed: what the member got is positive.")
    transactions: int = strawberry.field(description="How many postings count in it.")


def to_summary(row: SummaryRow) -> StatementSummary:
    """A summary as callers see it."""
    return StatementSummary(
        point_balance=Points(row.point_balance),
        bonus=Points(row.bonus),
        spend=Points(row.spend),
        redeem=Points(row.redeem),
        partner=Points(row.partner),
        purchased=Points(row.purchased),
        other_accrued=Points(row.other_accrued),
        expired_points=Points(row.expired_points),
    )


def to_statement(page: StatementPage, context: RequestContext) -> Statement:
    """A page of a statement as callers see it."""
    return Statement(entries=[to_entry(row, context) for row in page.entries], count=page.count)


def to_category(row: CategoryRow) -> StatementCategory:
    """A row of the categorised statement as callers see it."""
    return StatementCategory(
        category=row.category,
        loyalty_txn_type=row.loyalty_txn_type,
        points=Points(row.points),
        transactions=row.transactions,
    )
