"""Use cases of what there is to order: pieces in stock, and pools of voucher codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

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
from domain.store.voucher import PoolFigures, insert_codes, known_hashes, pool_figures
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
    """Codes for a pool, all or none. `last_day`: the last day on which they are given, on the program's clocks."""

    pool: str
    codes: Sequence[str]
    last_day: date | None = None


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
    """Take codes into a pool, all or none; how many.

    Raises BadRequest (no pool, none or too many, a day out of range), Forbidden, InvalidRequest (a day that is past),
    VoucherCodesRefused: one cannot be read, stands twice, or was in the pool before. The detail has the numbers of
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
        _refuse("are in the pool, or were", [line for line, one in enumerate(hashes, 1) if one in known])
        ids = allocate_ids(tx, voucher_code, state.id, len(codes))
        shared = {"program_id": state.id, "pool": pool, "expires_at": expires_at, "imported_at": now}
        insert_codes(
            tx,
            [
                shared | {"id": code_id, "code_hash": digest, "sealed": text}
                for code_id, digest, text in zip(ids, hashes, sealed, strict=True)
            ],
        )
        _record(tx, ctx, "voucher.import", f"voucher-pool:{pool}", None, {"codes": len(codes)})
        return len(codes)

    return await ctx.write(body)


async def withdraw_codes(ctx: Context, pool: str) -> int:
    """Take all codes out of a pool that were not given; how many. They are never taken in again.

    Raises BadRequest, Forbidden.
    """
    ctx.principal.require(Permission.CATALOG_WRITE)
    named, now = _pool(pool), ctx.services.clock()

    def body(tx: Connection) -> int:
        done = withdraw(tx, ctx.principal.program, named, now)
        _record(tx, ctx, "voucher.withdraw", f"voucher-pool:{named}", None, {"codes": done})
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
    _refuse(f"are empty, longer than {MAX_CODE} characters, or have control characters", unreadable)
    first = {one: line for line, one in reversed(list(enumerate(codes, 1)))}
    _refuse("stand twice", [line for line, one in enumerate(codes, 1) if first[one] != line])
    return codes


def _refuse(what: str, lines: Sequence[int]) -> None:
    if lines:
        more = "" if len(lines) <= _SHOWN else f" and {len(lines) - _SHOWN} more"
        shown = ", ".join(map(str, lines[:_SHOWN]))
        raise VoucherCodesRefused(f"{len(lines)} {what}: lines {shown}{more}", field="codes")


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
