"""Caps and aggregates of a member are kept in pages, one for each year, in place of a row for each figure.

Revision ID: 0018
Revises: 0017
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

from domain.models.types import ExactDecimal

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_KEY = ("program_id", "member_id")


def upgrade() -> None:
    """Make the table of pages, and take over what there is. (No release wrote the tables that go.)"""
    op.create_table(
        "tally",
        sa.Column("program_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("caps", sa.Text(), nullable=False),
        sa.Column("aggregates", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            [*_KEY], ["member.program_id", "member.id"], name=op.f("fk_tally_program_id_member_id")
        ),
        sa.PrimaryKeyConstraint(*_KEY, "year", name=op.f("pk_tally")),
    )
    _take_over(op.get_bind())
    op.drop_table("aggregate_bucket")
    op.drop_table("cap_counter")


def downgrade() -> None:
    """Make the tables of before, empty: what caps had counted is lost."""
    for name, key, columns in _before():
        op.create_table(
            name,
            sa.Column("program_id", sa.BigInteger(), nullable=False),
            sa.Column("member_id", sa.BigInteger(), nullable=False),
            *columns,
            sa.ForeignKeyConstraint(
                [*_KEY], ["member.program_id", "member.id"], name=op.f(f"fk_{name}_program_id_member_id")
            ),
            sa.PrimaryKeyConstraint(*_KEY, *key, name=op.f(f"pk_{name}")),
        )
    op.drop_table("tally")


def _take_over(bind: Connection) -> None:
    table = sa.table("tally", *(sa.column(name) for name in (*_KEY, "year", "caps", "aggregates")))
    for program_id, member_id in bind.execute(sa.text(_OWNERS)).all():
        given = {"program_id": program_id, "member_id": member_id}
        for year, rows in groupby(_figures(bind, given), itemgetter(0)):
            texts = {name: orjson.dumps(one).decode() for name, one in _page(rows).items()}
            bind.execute(sa.insert(table).values(**given, year=year, **texts))


def _figures(bind: Connection, given: dict[str, int]) -> Iterator[tuple[Any, ...]]:
    """Year, name of the document, path in it, and value; by year."""
    found: list[tuple[Any, ...]] = []
    for one in bind.execute(_CAPS, given).all():
        found.append((one.start.year, "caps", (one.scope, one.window, one.start.isoformat()), one.points))
    for one in bind.execute(_PARTS, given).all():
        extremes = [] if one.low is None else [str(one.low), str(one.high)]
        part = [str(one.total), one[3], *extremes]
        found.append((one.start.year, "aggregates", (one.key, one.start.isoformat()), part))
    yield from sorted(found, key=itemgetter(0))


def _page(rows: Iterator[tuple[Any, ...]]) -> dict[str, Any]:
    page: dict[str, Any] = {"caps": {}, "aggregates": {}}
    for _, name, path, value in rows:
        place = page[name]
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = value
    return page


def _of_member(table: str, *columns: Any) -> sa.Select[Any]:
    own = [sa.column(name) == sa.bindparam(name, type_=sa.BigInteger) for name in _KEY]
    return sa.select(*columns).select_from(sa.table(table)).where(*own)


_START = sa.column("start", sa.Date)
_CAPS = _of_member("cap_counter", sa.column("scope"), sa.column("window"), _START, sa.column("points"))
_PARTS = _of_member(
    "aggregate_bucket",
    sa.column("key"),
    _START,
    sa.column("total", ExactDecimal()),
    sa.column("count"),
    *(sa.column(name, ExactDecimal()) for name in ("low", "high")),
)
_OWNERS = "SELECT program_id, member_id FROM cap_counter UNION SELECT program_id, member_id FROM aggregate_bucket"


def _before() -> list[tuple[str, tuple[str, ...], list[sa.Column[Any]]]]:
    return [
        (
            "cap_counter",
            ("scope", "window", "start"),
            [
                sa.Column("scope", sa.Text(), nullable=False),
                sa.Column("window", sa.Text(), nullable=False),
                sa.Column("start", sa.Date(), nullable=False),
                sa.Column("points", sa.BigInteger(), nullable=False),
            ],
        ),
        (
            "aggregate_bucket",
            ("key", "start"),
            [
                sa.Column("key", sa.Text(), nullable=False),
                sa.Column("start", sa.Date(), nullable=False),
                sa.Column("total", ExactDecimal(), nullable=False),
                sa.Column("count", sa.BigInteger(), nullable=False),
                sa.Column("low", ExactDecimal()),
                sa.Column("high", ExactDecimal()),
            ],
        ),
    ]
