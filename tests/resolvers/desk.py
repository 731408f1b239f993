"""What the tests of movements share: two members, what they have, and what must not change."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from domain.access import MEMBER_PERMISSIONS, ROLES, PrincipalKind
from domain.errors import TesseraError
from domain.models import METADATA
from resolvers.bonus import PostBonus, post_bonus
from resolvers.context import Context
from resolvers.hold import CreateHold
from resolvers.ledger import list_balances
from resolvers.member import EnrollMember, UpdateMember, enroll_member, get_member, update_member
from resolvers.statement import Balance, LedgerEntry, StatementQuery, list_statement
from resolvers.verification import verify_ledger

if TYPE_CHECKING:
    from tests.resolvers.conftest import Shop

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)

HOLD_ORDER = CreateHold(relation_reference="ANN", points=Decimal(30), merchant_name="Shop", amount=Decimal("9.90"))


async def enroll(ctx: Context, reference: str, points: int = 0, **bonus: Any) -> None:
    """A new active member, with so many points."""
    await enroll_member(ctx, EnrollMember(values={"relation_reference": reference, "status": 1}))
    if points:
        await give(ctx, reference, points, **bonus)


async def give(ctx: Context, reference: str, points: int, expires: date | None = None) -> None:
    """Give points to a member, of one lot."""
    await post_bonus(
        ctx, PostBonus(relation_reference=reference, points=Decimal(points), awarded_at=FEBRUARY, expires=expires)
    )


async def set_status(ctx: Context, reference: str, status: int) -> None:
    """Change what a member may do."""
    await update_member(ctx, UpdateMember(relation_reference=reference, values={"status": str(status)}))


async def balance(ctx: Context, reference: str) -> Balance:
    """The figures of a member now."""
    member = await get_member(ctx, reference)
    return (await list_balances(ctx, [member.id]))[member.id]


async def figures(ctx: Context, reference: str) -> tuple[int, int]:
    """What a member may spend, and what is held."""
    found = await balance(ctx, reference)
    return int(found.available), int(found.held)


async def entries(ctx: Context, reference: str) -> list[LedgerEntry]:
    """A member's postings, newest first."""
    return list((await list_statement(ctx, StatementQuery(relation_reference=reference))).entries)


def member_of(ctx: Context, reference: str) -> Context:
    """The same caller, with a token that is bound to one member."""
    principal = replace(
        ctx.principal, kind=PrincipalKind.MEMBER, member_reference=reference, permissions=MEMBER_PERMISSIONS
    )
    return replace(ctx, principal=principal)


def administrator(ctx: Context, name: str, role: str = "program-admin") -> Context:
    """An administrator of the same program."""
    principal = replace(ctx.principal, kind=PrincipalKind.ADMINISTRATOR, actor=f"admin:{name}", permissions=ROLES[role])
    return replace(ctx, principal=principal)


async def contents(shop: "Shop") -> Mapping[str, Any]:
    """Every row of every table."""

    def body(tx: Connection) -> dict[str, Any]:
        return {
            table.name: [tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key))]
            for table in METADATA.sorted_tables
        }

    return await shop.services.db.read(body)


@asynccontextmanager
async def nothing_written(shop: "Shop") -> AsyncIterator[None]:
    """Asserts that no row of any table changes meanwhile."""
    before = await contents(shop)
    yield
    assert await contents(shop) == before


async def verified(shop: "Shop") -> None:
    """Fail where the books do not hold."""
    assert await verify_ledger(shop.services) == []


async def outcome(work: Awaitable[Any]) -> str:
    """The code that a use case answers with."""
    try:
        await work
    except TesseraError as error:
        return error.code
    return "000"
