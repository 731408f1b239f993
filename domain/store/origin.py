"""The origins that programs allow, as their configurations in force name them."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select

from domain.models import program
from domain.models import program_origin as table


def replace_origins(tx: Connection, program_id: int, origins: Collection[str]) -> None:
    """What a configuration that comes into force allows. The program's row is locked by the caller."""
    tx.execute(delete(table).where(table.c.program_id == program_id))
    if origins:
        tx.execute(insert(table), [{"program_id": program_id, "origin": one} for one in sorted(set(origins))])


def is_allowed_somewhere(tx: Connection, origin: str, environments: Collection[str]) -> bool:
    """Whether any program of these environments allows an origin."""
    query = (
        select(table.c.program_id)
        .join(program, program.c.id == table.c.program_id)
        .where(table.c.origin == origin, program.c.environment.in_(environments))
    )
    return tx.execute(query.limit(1)).first() is not None
