"""The catalogue: what members order, how much of it is there, and the pools of codes."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, TesseraError
from resolvers.catalog import list_catalog, list_running_out
from resolvers.catalog_stock import ChangeStock, ImportCodes, change_stock, import_codes, list_pools, withdraw_codes
from tessera.portal.pager import PAGE_SIZE, asked_id, page_of
from tessera.portal.render import plural
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

Value = TypeVar("Value")


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """The items in their order, and the pools."""
    found = await list_catalog(visit.ctx, first=PAGE_SIZE + 1, after=asked_id(visit))
    pools = await list_pools(visit.ctx) if visit.may(Permission.CATALOG_WRITE) else []
    named = {one.item.pool_name for one in found.offers if one.item.fulfilment == "pool"}
    running_out = await list_running_out(visit.ctx)
    return visit.page(
        "catalog.html",
        error=error,
        paged=page_of(visit, found.offers, lambda one: one.position),
        pools=pools,
        pool_names=sorted(named | {one.pool for one in pools}),
        running_out=running_out,
        low_pools={one.item.pool_name for one in running_out if one.item.fulfilment == "pool"},
    )


async def stock(visit: Visit) -> Response:
    """Say how many pieces there are."""
    item = visit.path["item"]
    try:
        now = await change_stock(
            visit.ctx, ChangeStock(item=item, quantity=_read(visit, "quantity", int, "a whole number"))
        )
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("catalog"), f"{item}: {now} in stock.")


async def codes(visit: Visit) -> Response:
    """Take codes into a pool, or those that are left out of it."""
    pool = visit.given("pool")
    try:
        if visit.given("what") == "withdraw":
            count = await withdraw_codes(visit.ctx, pool)
            return visit.go(visit.url("catalog"), f"{plural(count, 'code')} taken out of {pool} for good.")
        given = [line.strip() for line in visit.given("codes").splitlines() if line.strip()]
        last_day = _read(visit, "last_day", date.fromisoformat, "a day, such as 2026-12-31")
        count = await import_codes(visit.ctx, ImportCodes(pool=pool, codes=given, last_day=last_day))
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("catalog"), f"{plural(count, 'code')} added to {pool}.")


def _read(visit: Visit, name: str, reader: Callable[[str], Value], accepts: str) -> Value | None:
    """A value of the form, None where it is blank. Raises BadRequest."""
    text = visit.optional(name)
    try:
        return None if text is None else reader(text)
    except ValueError as error:
        raise BadRequest(f"{name}: {accepts}", field=name) from error


PAGES: tuple[Page, ...] = (
    page("catalog", show, Permission.CATALOG_READ),
    action("catalog/stock/{item}", stock, Permission.CATALOG_WRITE),
    action("catalog/codes", codes, Permission.CATALOG_WRITE),
)
