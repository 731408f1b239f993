"""The population that benchmarks measure on is one that the product could have written."""

import asyncio
from decimal import Decimal
from pathlib import Path

from bench.load import load
from bench.population import LOT_POINTS, Past
from domain.access import Permission, Principal, PrincipalKind, system_principal
from domain.clock import system_clock
from domain.crypto import KeyRing
from domain.store.database import open_database
from domain.store.program import ProgramCache
from resolvers.context import Context, Services
from resolvers.program import create_program
from resolvers.redemption import RedeemPoints, check_availability, redeem_points
from resolvers.verification import verify_ledger

SECRET = "a secret of thirty-two characters"
PASTS = [Past("M-1"), Past("M-2", open_lots=2, spent_lots=40), Past("M-3", open_lots=300, lot_points=7)]


async def test_a_loaded_population_verifies_and_redeems(database_url: str, tmp_path: Path) -> None:
    services = Services(
        db=open_database(database_url, data_dir=tmp_path),
        clock=system_clock,
        keys=KeyRing(SECRET),
        programs=ProgramCache(),
        environment="sandbox",
    )
    root = Principal(kind=PrincipalKind.SYSTEM, actor="test", permissions=frozenset(Permission))
    await create_program(Context(services=services, principal=root, source="test", request_id="-"), "Bench")
    await asyncio.to_thread(load, database_url, SECRET, PASTS)
    assert await verify_ledger(services) == []

    caller = system_principal(1, 1, "sandbox", "test")
    context = Context(services=services, principal=caller, source="test", request_id="-")
    for member, points in (("M-1", 6 * LOT_POINTS), ("M-2", 2 * LOT_POINTS), ("M-3", 300 * 7)):
        assert await check_availability(context, member) == points
    await redeem_points(
        context, RedeemPoints(relation_reference="M-2", points=Decimal(LOT_POINTS + 1), merchant_name="Shop")
    )
    assert await check_availability(context, "M-2") == LOT_POINTS - 1
    assert await verify_ledger(services) == []
    await services.db.close()
