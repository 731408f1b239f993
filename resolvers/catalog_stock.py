"""Use cases of what there is to order: pieces in stock, and pools of voucher codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.catalog_errors import VoucherCodesRefused
from domain.clock import NEVER
from domain.errors import BadRequest, Forbidden, InvalidRequest
from domain.models import voucher_code
from domain.program_zone import start_of_day
from domain.rules.value import read_text
from domain.store import audit
from domain.store.catalog import lock_stock, set_stock
from domain.store.ids import allocate_ids
from domain.store.program import lock_program
from domain.store.voucher import PoolFigures, count_free, insert_codes, known_hashes, pool_figures
from domain.store.voucher import withdraw_codes as withdraw
from resolvers.context import Context
from resolvers.order import item_named

MAX_CODES = 10_000
MAX_CODE = 200
MAX_POOL = 50
MAX_QUANTITY = 10**9
MAX_YEAR = 9000
_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeStock:
    """Put an item in stock: `quantity` is what there is now, or, with `by`, what is added or taken away."""

    item: str
    quantity: int | None = None
    by: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportCodes:
    """Codes for a pool, all or none. `last_day`: the last day on which they are given, on the program's clocks.

    `skips_known`: what the pool has or had is left out; else it refuses all.
    """

    pool: str
    codes: Sequence[str]
    last_day: date | None = None
    skips_known: bool = False


async def change_stock(ctx: Context, command: ChangeStock) -> int:
    """Say how many pieces of an item there are; what is there now.

    Raises BadRequest, Forbidden, CatalogItemNotFound, InvalidRequest (stock that is not counted, out of range).
    """
    ctx.principal.require(Permission.CATALOG_WRITE)
    if (command.quantity is None) == (command.by is None):
        raise BadRequest("either quantity or by", field="quantity")

    def body(tx: Connection) -> int:
        state = ctx.program(tx)
        if item_named(state, command.item).stock != "counted":
            raise InvalidRequest("item: its stock is not counted", field="item")
        # The first of an item has no row to lock yet.
        lock_program(tx, state.id)
        before = lock_stock(tx, state.id, command.item)
        after = before + command.by if command.by is not None else command.quantity or 0
        if not 0 <= after <= MAX_QUANTITY:
            raise InvalidRequest(f"quantity: 0 to {MAX_QUANTITY}", field="quantity")
        set_stock(tx, state.id, command.item, after)
        _record(tx, ctx, "catalog.stock", f"catalog-item:{command.item}", {"quantity": before}, {"quantity": after})
        return after

    return await ctx.write(body)


async def import_codes(ctx: Context, command: ImportCodes) -> int:
    """Take codes into a pool, all or none; how many are new.

    Raises BadRequest (no pool, none or too many, a day out of range), Forbidden, InvalidRequest (a day that is past),
    VoucherCodesRefused: one cannot be read, is there twice, or was in the pool before. The detail has the numbers of
    the lines, never a code.
    """
    ctx.principal.require(Permission.CATALOG_WRITE)
    pool = _pool(command.pool)
    if not 0 < len(command.codes) <= MAX_CODES:
        raise BadRequest(f"codes: 1 to {MAX_CODES} at a time", field="codes")
    if command.last_day is not None and command.last_day.year > MAX_YEAR:
        raise BadRequest("last_day: out of range", field="last_day")
    codes = _read(command.codes)
    now, keys = ctx.services.clock(), ctx.services.keys
    # As they are written: the hash leaves letter case out, and codes that differ in case are different.
    hashes = [keys.lookup_hash(ctx.principal.program, "voucher_code", one.encode().hex()) for one in codes]
    sealed = [keys.seal_voucher(one) for one in codes]

    def body(tx: Connection) -> int:
        state = ctx.program(tx)
        expires_at = NEVER
        if command.last_day is not None:
            expires_at = start_of_day(command.last_day + timedelta(days=1), state.zone)
        if expires_at <= now:
            raise InvalidRequest("last_day: is past", field="last_day")
        known = known_hashes(tx, state.id, pool, hashes)
        if not command.skips_known:
            found = [line for line, one in enumerate(hashes, 1) if one in known]
            _refuse(found, "has been in the pool before", "have been in the pool before")
        rows = [
            {"code_hash": digest, "sealed": text}
            for digest, text in zip(hashes, sealed, strict=True)
            if digest not in known
        ]
        if rows:
            _take(tx, ctx, pool, rows, expires_at)
        return len(rows)

    return await ctx.write(body)


def _take(tx: Connection, ctx: Context, pool: str, rows: Sequence[dict[str, Any]], expires_at: datetime) -> None:
    program_id, before = ctx.principal.program, _free(tx, ctx, pool)
    ids = allocate_ids(tx, voucher_code, program_id, len(rows))
    imported_at = ctx.services.clock()
    shared = {"program_id": program_id, "pool": pool, "expires_at": expires_at, "imported_at": imported_at}
    insert_codes(tx, [{**shared, "id": code_id, **row} for code_id, row in zip(ids, rows, strict=True)])
    _record_codes(tx, ctx, "voucher.import", pool, len(rows), before)


async def withdraw_codes(ctx: Context, pool: str) -> int:
    """Take all codes out of a pool that were not given; how many. They are never taken in again.

    Raises BadRequest, Forbidden.
    """
    ctx.principal.require(Permission.CATALOG_WRITE)
    named, now = _pool(pool), ctx.services.clock()

    def body(tx: Connection) -> int:
        before, done = _free(tx, ctx, named), withdraw(tx, ctx.principal.program, named, now)
        _record_codes(tx, ctx, "voucher.withdraw", named, done, before)
        return done

    return await ctx.write(body)


async def list_pools(ctx: Context) -> list[PoolFigures]:
    """The pools of the program with what is in them, by name; never a code. Raises Forbidden."""
    ctx.principal.require(Permission.CATALOG_READ)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("the token is bound to one member")
    now = ctx.services.clock()
    return await ctx.read(lambda tx: pool_figures(tx, ctx.principal.program, now))


def _pool(given: str) -> str:
    pool = given.strip()
    if not (0 < len(pool) <= MAX_POOL and pool.isprintable()):
        raise BadRequest(f"pool: 1 to {MAX_POOL} printable characters", field="pool")
    return pool


def _read(given: Sequence[str]) -> list[str]:
    codes, unreadable = [], []
    for line, one in enumerate(given, 1):
        try:
            text = read_text(one, MAX_CODE).strip()
        except ValueError:
            text = ""
        codes.append(text)
        if not text:
            unreadable.append(line)
    what = f"blank, longer than {MAX_CODE} characters, or not readable"
    _refuse(unreadable, f"is {what}", f"are {what}")
    first = {one: line for line, one in reversed(list(enumerate(codes, 1)))}
    again = [line for line, one in enumerate(codes, 1) if first[one] != line]
    _refuse(again, "is in the list more than once", "are in the list more than once")
    return codes


def _refuse(lines: Sequence[int], one: str, many: str) -> None:
    if lines:
        more = "" if len(lines) <= _SHOWN else f" and {len(lines) - _SHOWN} more"
        shown = ", ".join(map(str, lines[:_SHOWN]))
        told = f"1 code {one}: line" if len(lines) == 1 else f"{len(lines)} codes {many}: lines"
        raise VoucherCodesRefused(f"{told} {shown}{more}", field="codes")


def _free(tx: Connection, ctx: Context, pool: str) -> int:
    return count_free(tx, ctx.principal.program, [pool], ctx.services.clock())[pool]


def _record_codes(tx: Connection, ctx: Context, action: str, pool: str, codes: int, before: int) -> None:
    """How many codes came or went, and how many were free `before` and are: never a code."""
    after = {"codes": codes, "free": _free(tx, ctx, pool)}
    _record(tx, ctx, action, f"voucher-pool:{pool}", {"free": before}, after)


def _record(tx: Connection, ctx: Context, action: str, subject: str, before: object, after: object) -> None:
    audit.record(
        tx,
        ctx.principal.program,
        now=ctx.services.clock(),
        actor=ctx.principal,
        action=action,
        subject=subject,
        before=before,
        after=after,
    )
