"""A database of a version before is brought to the newest schema with all that stands in it, and beside servers of its
own version.

`version_0019.json` is what the code whose newest migration was 0019 had written: purchases, redemptions, a reversal, a
refund, a hold, a transfer, an adjustment, a merge, a file and what expired.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, create_engine, insert, inspect, text

from domain.access import system_principal
from domain.crypto import KeyRing
from domain.migrations import drift, is_current, upgrade
from domain.models import METADATA
from domain.store.database import open_database
from domain.store.program import ProgramCache
from domain.store.schema_version import packaged_revisions
from resolvers.context import Context, Services
from resolvers.hold_end import SettleHold, settle_hold
from resolvers.member import get_member
from resolvers.redemption import RedeemPoints, redeem_points
from resolvers.verification import verify_ledger
from tests.database import Dialect, postgres_database, sqlite_url

BEFORE = "0019"
WRITTEN = Path(__file__).with_name("version_0019.json")
SECRET = "a secret of 32 characters at least"
NOW = datetime(2026, 4, 6, 9, tzinfo=UTC)

_READ: Mapping[str, Callable[[str], Any]] = {
    "instant": datetime.fromisoformat,
    "decimal": Decimal,
    "uuid": UUID,
    "bytes": base64.b64decode,
}


def _value(given: dict[str, Any]) -> Any:
    """A value that JSON has no form for stands under the name of what it is."""
    kind = next(iter(given)) if len(given) == 1 else ""
    return _READ[kind](given[kind]) if kind in _READ else given


def _fill(tx: Connection) -> None:
    """Write the rows of the version before, column by column as it knew them."""
    written = json.loads(WRITTEN.read_text(), object_hook=_value)
    for table in METADATA.sorted_tables:
        if table.name in written:
            columns, rows = written[table.name]["columns"], written[table.name]["rows"]
            tx.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT setval('tessera_id', 1000)"))


@contextmanager
def _empty(dialect: Dialect, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if dialect == "sqlite":
        yield sqlite_url(folder / "tessera.db")
    else:
        with postgres_database(request.getfixturevalue("postgres")) as url:
            yield url


@pytest.fixture
def old_url(dialect: Dialect, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the version before."""
    with _empty(dialect, request, tmp_path) as url:
        upgrade(url, BEFORE)
        yield url


async def test_what_the_version_before_wrote_holds_and_goes_on(old_url: str, tmp_path: Path) -> None:
    old = open_database(old_url, data_dir=tmp_path)
    await old.write(_fill)
    await old.close()
    upgrade(old_url)
    assert is_current(old_url)
    assert drift(old_url) == []
    db = open_database(old_url, data_dir=tmp_path, pool_size=2)
    services = Services(db=db, clock=lambda: NOW, keys=KeyRing(SECRET), programs=ProgramCache(), environment="sandbox")
    ctx = Context(services=services, principal=system_principal(1, 1, "sandbox", "now"), source="test", request_id="-")
    try:
        assert await verify_ledger(services) == []
        assert (await get_member(ctx, "ann")).full_name == "Ann"
        assert (await get_member(ctx, "cid")).relation_reference == "bob", "who was merged is found"
        await settle_hold(ctx, SettleHold(hold_id=1))
        await redeem_points(ctx, RedeemPoints(relation_reference="ann", points=Decimal("0.5"), merchant_name="Shop"))
        assert await verify_ledger(services) == []
    finally:
        await db.close()


def test_migrations_add_before_they_take_away(tmp_path: Path) -> None:
    """What a server of the version before reads and writes is there after the next migration, too."""
    url = sqlite_url(tmp_path / "tessera.db")
    upgrade(url, BEFORE)
    before = _columns(tmp_path / "tessera.db")
    for revision in packaged_revisions()[packaged_revisions().index(BEFORE) + 1 :]:
        upgrade(url, revision)
        after = _columns(tmp_path / "tessera.db")
        for table, columns in before.items():
            kept = {name: after.get(table, {}).get(name) for name in columns}
            assert kept == columns, f"{revision} takes away from {table}"
            added = {name: one for name, one in after[table].items() if name not in columns}
            assert all(is_left_out for _, is_left_out in added.values()), f"{revision} asks for more in {table}"
        before = after


def _columns(file: Path) -> dict[str, dict[str, tuple[str, bool]]]:
    """The columns of each table: the type, and whether whoever inserts may leave it out."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        found = inspect(engine)
        return {
            table: {
                one["name"]: (str(one["type"]), one["nullable"] or one["default"] is not None)
                for one in found.get_columns(table)
            }
            for table in found.get_table_names()
        }
    finally:
        engine.dispose()
