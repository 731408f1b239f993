"""A configuration that waits for those who post comes before those who come later."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from resolvers.context import Context
from resolvers.program import apply_configuration
from resolvers.transaction import submit_transaction
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll
from tests.resolvers.held import buy

_GATE = "SELECT pg_advisory_xact_lock(1)"
_WAITING = """SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE NOT granted AND datname = current_database()"""
_NEXT = b"version: 1\nrule_groups: [{name: More, rules: [{name: Flat, award: {type: flat, points: 5}}]}]"


async def waiting(watcher: asyncpg.Connection, count: int) -> None:
    """Come back when so many wait for a lock."""
    for _ in range(3000):
        if await watcher.fetchval(_WAITING) == count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never as many as {count} waited")


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="session")
async def test_who_posts_after_a_configuration_was_sent_waits_for_it(shop: Shop, database_url: str) -> None:
    ctx = shop.contexts[0]
    await enroll(ctx, "EVE")
    watcher = await asyncpg.connect(
        make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    )

    def long_one(tx: Connection) -> int:
        version = ctx.program_in_force(tx).config_version
        tx.exec_driver_sql(_GATE)
        return version

    await watcher.execute("SELECT pg_advisory_lock(1)")
    posting = asyncio.create_task(ctx.write(long_one))
    await waiting(watcher, 1)
    applying = asyncio.create_task(apply_configuration(ctx, _NEXT))
    await waiting(watcher, 2)
    later = [asyncio.create_task(ctx.write(lambda tx: ctx.program_in_force(tx).config_version))]
    later.append(asyncio.create_task(_points(ctx)))
    # As many as came: none has joined the one that posts.
    await waiting(watcher, 4)
    await watcher.execute("SELECT pg_advisory_unlock(1)")
    before, applied = await posting, await applying
    assert applied.version == before + 1
    assert await asyncio.gather(*later) == [applied.version, 1 + 5]
    await watcher.close()


async def _points(ctx: Context) -> int:
    command = replace(buy("T1", "1"), member_relation_reference="EVE")
    return int((await submit_transaction(ctx, command)).points)
