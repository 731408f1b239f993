"""What there is to order in the demo: a pool of codes, and a few pieces in stock."""

from domain.ids import new_token
from resolvers.catalog import find_catalog_item
from resolvers.catalog_stock import ChangeStock, ImportCodes, change_stock, import_codes, list_pools
from resolvers.context import Context

POOL, COUNTED = "RECORD", "TURNTABLE"
CODES, PIECES = 20, 3


async def fill_catalog(ctx: Context) -> None:
    """Put codes and pieces in stock, unless that was done by a build that broke off."""
    if POOL not in {one.pool for one in await list_pools(ctx)}:
        codes = [new_token("RECORD", nbytes=9) for _ in range(CODES)]
        await import_codes(ctx, ImportCodes(pool=POOL, codes=codes))
    offer = await find_catalog_item(ctx, COUNTED)
    if offer is not None and not offer.in_stock:
        await change_stock(ctx, ChangeStock(item=COUNTED, quantity=PIECES))
