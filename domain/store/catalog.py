"""SQL of the catalogue's stock and of who fulfils its orders."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from domain.models import catalog_stock, fulfilment_partner
from domain.store.upsert import upsert


def read_stock(tx: Connection, program_id: int, items: Sequence[str]) -> dict[str, int]:
    """What is left of these items; those that were never put in stock are left out."""
    rows = tx.execute(
        select(catalog_stock.c.item, catalog_stock.c.quantity).where(
            catalog_stock.c.program_id == program_id, catalog_stock.c.item.in_(items)
        )
    )
    return {row.item: row.quantity for row in rows}


def lock_stock(tx: Connection, program_id: int, item: str) -> int:
    """What is left of an item, locked until the database transaction ends. The caller has locked its accounts."""
    query = select(catalog_stock.c.quantity).where(_of(program_id, item)).with_for_update()
    return tx.scalar(query) or 0


def set_stock(tx: Connection, program_id: int, item: str, quantity: int) -> None:
    """Store what is there of an item."""
    values = {"program_id": program_id, "item": item, "quantity": quantity}
    upsert(tx, catalog_stock, values, ("quantity",))


def move_stock(tx: Connection, program_id: int, item: str, pieces: int) -> None:
    """Put pieces back or, where negative, take them. Raises IntegrityError where there are not as many."""
    moved = catalog_stock.c.quantity + pieces
    tx.execute(update(catalog_stock).where(_of(program_id, item)).values(quantity=moved))


def _of(program_id: int, item: str) -> Any:
    return (catalog_stock.c.program_id == program_id) & (catalog_stock.c.item == item)


def save_partner(tx: Connection, values: Mapping[str, Any]) -> None:
    """Keep a partner, or replace the one of its name."""
    upsert(tx, fulfilment_partner, values, ("url", "secret", "enabled"))


def find_partner(tx: Connection, program_id: int, name: str, *, lock: bool = False) -> Row[Any] | None:
    """The partner of this name, locked if asked for."""
    query = select(fulfilment_partner).where(_named(program_id, name))
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def list_partners(tx: Connection, program_id: int) -> Sequence[Row[Any]]:
    """The partners of a program, by name."""
    query = select(fulfilment_partner).where(fulfilment_partner.c.program_id == program_id)
    return tx.execute(query.order_by(fulfilment_partner.c.name)).all()


def remove_partner(tx: Connection, program_id: int, name: str) -> None:
    """Forget a partner and its secret."""
    tx.execute(delete(fulfilment_partner).where(_named(program_id, name)))


def _named(program_id: int, name: str) -> Any:
    return (fulfilment_partner.c.program_id == program_id) & (fulfilment_partner.c.name == name)
