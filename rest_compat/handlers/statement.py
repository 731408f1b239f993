"""Handlers of the statements group."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from domain.clock import last_moment
from domain.errors import NoTransactions
from resolvers.statement import (
    LedgerEntry,
    StatementQuery,
    get_categorized_statement,
    get_expiry_schedule,
    get_statement_summary,
    list_statement,
)
from rest_compat.call import program_zone
from rest_compat.envelope import Answer, local_time, render, upper_guid
from rest_compat.operation import Call
from rest_compat.requests.shared import MAX_TXN_TYPE

CREDIT, DEBIT = 1, 2

_TYPE = re.compile(r"[0-9]{1,5}")


async def summary(call: Call) -> Answer:
    """The published buckets."""
    values = call.values
    found = await get_statement_summary(call.ctx, values["RelationReference"], values["TransactionCurrency"])
    return Answer(
        return_object={
            "PointBalance": found.point_balance,
            "Bonus": found.bonus,
            "Spend": found.spend,
            "Redeem": found.redeem,
            "Partner": found.partner,
            "Purchased": found.purchased,
            "OtherAccrued": found.other_accrued,
            "ExpiredPoints": found.expired_points,
        }
    )


async def by_date(call: Call) -> Answer:
    """The postings of a range of dates, newest first."""
    values = call.values
    types = _types(values["LoyaltyTxnType"], values["AdditionalLoyaltyTxnTypes"])
    page = await list_statement(
        call.ctx,
        StatementQuery(
            relation_reference=values["RelationReference"],
            date_from=values["DateFrom"],
            date_to=values["DateTo"],
            types=types,
            skip=values["MinimumRange"],
            limit=values["MaximumRange"],
            currency=values["TransactionCurrency"],
        ),
    )
    zone = await program_zone(call)
    return Answer(return_object=[_entry(entry, zone) for entry in page.entries], count=page.count)


async def categorized(call: Call) -> Answer:
    """Opening balance, a row a category, closing balance."""
    values = call.values
    rows = await get_categorized_statement(
        call.ctx,
        StatementQuery(
            relation_reference=values["RelationReference"],
            date_from=values["DateFrom"],
            date_to=values["DateTo"],
            currency=values["TransactionCurrency"],
        ),
    )
    listed = [
        {
            "Category": row.category,
            "LoyaltyTxnType": row.loyalty_txn_type,
            "Points": row.points,
            "Transactions": row.transactions,
        }
        for row in rows
    ]
    return Answer(return_object=listed, count=len(listed))


async def expiry_schedule(call: Call) -> Answer:
    """What expires in a calendar year."""
    values = call.values
    schedule = await get_expiry_schedule(
        call.ctx, values["RelationReference"], values["Year"], values["TransactionCurrency"]
    )
    zone = await program_zone(call)
    periods = [
        {
            "ScheduleDate": local_time(period.schedule_date, zone),
            "AccrualPoints": period.accrual,
            "RedeemPoints": period.redeemed,
            "BlockedPoints": period.blocked,
            "TotalExpiredPoints": period.expired,
            "TotalAvailablePoints": period.available,
        }
        for period in schedule.periods
    ]
    return Answer(return_object={"Period": schedule.period, "ExpiryPeriod": periods})


def _types(first: str | None, more: str | None) -> Sequence[int] | None:
    """The types to narrow to. Raises NoTransactions for what is no type, and for more without a first."""
    if first is None and more is None:
        return None
    listed = [part.strip() for part in (first or "", *(more.split(",") if more else ()))]
    if not all(_TYPE.fullmatch(part) for part in listed) or max(map(int, listed)) > MAX_TXN_TYPE:
        raise NoTransactions
    return [int(part) for part in listed]


def _entry(entry: LedgerEntry, zone: ZoneInfo) -> Mapping[str, Any]:
    return {
        "Id": entry.stored.id,
        "Points": abs(entry.points),
        "Narration": entry.narration,
        "TransactionDate": local_time(entry.stored.transaction_date, zone),
        "ProcessingDate": local_time(entry.stored.processed_at, zone),
        "ExpiryDate": local_time(last_moment(entry.stored.expires_at), zone) if entry.stored.expires_at else None,
        "RelationReference": entry.stored.relation_reference,
        "ExternalReference": upper_guid(entry.stored.external_reference),
        "AdditionalDetail": render(entry.detail).decode() if entry.detail else "",
        "LoyaltyTxnType": entry.stored.loyalty_txn_type,
        "TransactionType": DEBIT if entry.points < 0 else CREDIT,
        "MerchantName": entry.stored.merchant,
        "IsActive": entry.is_active,
    }
