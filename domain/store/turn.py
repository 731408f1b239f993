"""The lock of a program, in turn: who wants it alone comes before those who ask to share it later.

PostgreSQL lets who shares the lock of a row join others while somebody waits to have it alone, and under load there is
always one more: a configuration would wait until traffic ends. Advisory locks are queued, so they go before the row's
own lock, which alone decides.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, bindparam, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from domain.models import program

_CLASS = 7413
"""What these are among all advisory locks."""


class _SharedInTurn(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


@compiles(_SharedInTurn)
def _at_once(_element: _SharedInTurn, _compiler: SQLCompiler, **_: Any) -> str:
    # There is one writer.
    return "1 = 1"


@compiles(_SharedInTurn, "postgresql")
def _queued(element: _SharedInTurn, compiler: SQLCompiler, **kw: Any) -> str:
    [program_id] = element.clauses
    place = compiler.process(program_id, **kw)
    return f"pg_advisory_xact_lock_shared({_CLASS}, ({place} % 2147483648)::int) IS NOT NULL"


VERSION = select(program.c.config_version).where(program.c.id == bindparam("program_id"))
"""The version of the configuration that is in force."""

VERSION_IN_FORCE = VERSION.where(_SharedInTurn(bindparam("program_id", type_=BigInteger))).with_for_update(read=True)
"""The same, and no other comes into force before the database transaction ends."""

_ALONE = text(f"SELECT pg_advisory_xact_lock({_CLASS}, (CAST(:program_id AS bigint) % 2147483648)::int)")


def wait_alone(tx: Connection, program_id: int) -> None:
    """Wait until nobody shares the lock any more; to be followed by that of the row."""
    if tx.dialect.name == "postgresql":
        tx.execute(_ALONE, {"program_id": program_id})
