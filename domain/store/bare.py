"""Statements that are handed to asyncpg itself: of a short read SQLAlchemy's way costs more than the driver's."""

from collections.abc import Sequence
from typing import Any, cast

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.util import await_only

BARE = "tessera_bare"
"""The execution option of connections whose transactions are begun and ended by the driver alone."""


def driver_of(connection: Connection) -> asyncpg.Connection:
    """The connection of the driver; to be used by who runs `connection`, within its greenlet."""
    return cast(asyncpg.Connection, connection.connection.driver_connection)


def fetch(tx: Connection, statement: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """The rows of a statement for PostgreSQL with the driver's places for its values."""
    if tx.get_execution_options().get(BARE):
        return cast(Sequence[Sequence[Any]], await_only(driver_of(tx).fetch(statement, *values)))
    return tx.exec_driver_sql(statement, tuple(values)).all()
