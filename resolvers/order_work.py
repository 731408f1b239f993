"""The job of orders: asks partners to fulfil them, and lets fail what nobody fulfilled in time.

Whoever is killed leaves an order that is due again when its lease is over; the partner knows it by its id.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import uniform
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection

from domain.access import system_principal
from domain.catalog_errors import OrderNotOpen
from domain.errors import BadRequest, ServiceUnavailable
from domain.ids import new_token
from domain.points import from_minor, plain_text
from domain.store.catalog import find_partner
from domain.store.member import find_members
from domain.store.order import StoredOrder, has_due, lock_due, postpone_order
from domain.webhook import signed_headers
from resolvers.carrier import Answer, NoAnswer
from resolvers.context import Context, Services
from resolvers.movement import MAX_FREE_TEXT, free_text
from resolvers.order_end import NO_ANSWER, FailOrder, FulfilOrder, fail_order, fulfil_order
from resolvers.program import Program, list_environment_programs

ORDERS_AT_ONCE = 20
LEASE = timedelta(minutes=1)
"""For how long an order is one process's own; longer than any partner is given to answer."""
UNREACHABLE = timedelta(minutes=5)
"""After so long it is looked again whether a partner is there who was switched off, or was removed."""
MAX_ANSWER = 65_536
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 3600.0

_log = structlog.get_logger("tessera.orders")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    """What is to be done about an order; `url` None: its time is over."""

    ctx: Context
    order: StoredOrder
    url: str | None = None
    secret: str = field(default="", repr=False)
    body: bytes = field(default=b"", repr=False)


async def work_orders(services: Services) -> int:
    """See to orders that are due in every program, some at a time; how many were taken up.

    Any number of processes share the work: an order is leased to one of them.
    """
    now = services.clock()
    if not await services.db.read(lambda tx: has_due(tx, now)):
        return 0
    programs = {one.id: one for one in await list_environment_programs(services)}
    tasks = await services.db.write(lambda tx: _take_up(tx, services, programs, now))
    done = await asyncio.gather(*(_work(one) for one in tasks), return_exceptions=True)
    for task, failure in zip(tasks, done, strict=True):
        if isinstance(failure, ServiceUnavailable):
            raise failure
        if isinstance(failure, BaseException):
            _log.error("an order is tried again", order=task.order.id, exc_info=failure)
    return len(tasks)


def _take_up(tx: Connection, services: Services, programs: Mapping[int, Program], now: datetime) -> list[_Task]:
    tasks = []
    for program_id, order in lock_due(tx, list(programs), now, ORDERS_AT_ONCE):
        ctx = _context(services, programs[program_id])
        if order.answer_by is not None and order.answer_by <= now:
            postpone_order(tx, program_id, order.id, now + LEASE)
            tasks.append(_Task(ctx=ctx, order=order))
            continue
        partner = find_partner(tx, program_id, order.partner or "")
        if partner is None or not partner.enabled or services.carrier is None:
            postpone_order(tx, program_id, order.id, _before(order, now + UNREACHABLE))
            continue
        # From now on the partner may have it: nobody cancels it any more.
        postpone_order(tx, program_id, order.id, now + LEASE, attempts=order.attempts + 1)
        secret = services.keys.open_voucher(partner.secret)
        tasks.append(_Task(ctx=ctx, order=order, url=partner.url, secret=secret, body=_letter(tx, ctx, order)))
    return tasks


async def _work(task: _Task) -> None:
    if task.url is None:
        reason = "Not fulfilled in time"
        await _end(fail_order(task.ctx, FailOrder(order=task.order.id, reason=reason, failure=NO_ANSWER)), task)
        return
    carrier, now = task.ctx.services.carrier, task.ctx.services.clock()
    assert carrier is not None  # noqa: S101 - without one nothing is taken up
    headers = signed_headers([task.secret], message_id(task.ctx.principal.program, task.order.id), now, task.body)
    try:
        answer = await carrier.post(task.url, headers, task.body, most_bytes=MAX_ANSWER)
    except NoAnswer as error:
        _log.warning("a partner does not answer", order=task.order.id, partner=task.order.partner, reason=str(error))
        await _postpone(task, _later(task.order, now))
        return
    await _follow(task, answer, now)


async def _follow(task: _Task, answer: Answer, now: datetime) -> None:
    """Do as the partner says: it gave, it cannot, or it will tell. What says nothing of these is asked again."""
    told = _told(answer)
    status = told.get("status")
    try:
        if status == "fulfilled" and answer.is_success:
            given = FulfilOrder(order=task.order.id, code=_text(told, "code"), reference=_text(told, "reference"))
            await _end(fulfil_order(task.ctx, given), task)
            return
        if status == "failed":
            await _end(fail_order(task.ctx, FailOrder(order=task.order.id, reason=_reason(told))), task)
            return
    except BadRequest as error:
        _log.warning("a partner's answer cannot be kept", order=task.order.id, reason=str(error))
        status = None
    if status == "pending" and answer.is_success:
        # Its time goes on; whether it is over is looked at then.
        await _postpone(task, task.order.answer_by)
        return
    _log.warning("a partner is asked again", order=task.order.id, partner=task.order.partner, http=answer.status)
    await _postpone(task, _later(task.order, now, answer.retry_after_s))


def message_id(program_id: int, order_id: int) -> str:
    """What a partner knows an order by, however often it is asked."""
    return f"order_{program_id}_{order_id}"


def _letter(tx: Connection, ctx: Context, order: StoredOrder) -> bytes:
    """What a partner is sent: the same each time, so that it can tell an order by its body as well."""
    state, keys = ctx.program(tx), ctx.services.keys
    [stored] = find_members(tx, keys, state.id, ids=[order.member_id], with_person=False)
    data = {
        "order": str(order.external_reference),
        "item": order.item,
        "item_name": order.item_name,
        "kind": order.kind,
        "points": plain_text(from_minor(order.points, state.places)),
        "amount": None if order.amount is None else plain_text(order.amount),
        "member": stored.member.relation_reference,
        "delivery": keys.reveal(stored.wrapped_key, order.delivery),
    }
    placed_at = order.placed_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return orjson.dumps({"type": "order.fulfil", "timestamp": placed_at, "data": data})


def _told(answer: Answer) -> Mapping[str, Any]:
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _reason(told: Mapping[str, Any]) -> str:
    """Why a partner cannot: in its words, as far as they can be kept."""
    try:
        said = free_text((_text(told, "reason") or "")[:MAX_FREE_TEXT], "reason")
    except BadRequest:
        said = None
    return said or "The partner cannot fulfil it"


def _text(told: Mapping[str, Any], name: str) -> str | None:
    """A text of an answer. Raises BadRequest."""
    value = told.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name}: not a text", field=name)
    return value


async def _end(ending: Any, task: _Task) -> None:
    try:
        await ending
    except OrderNotOpen:
        # Somebody ended it while the partner was asked, who may have to take back what was given.
        _log.warning("an order was ended meanwhile", order=task.order.id, partner=task.order.partner)


async def _postpone(task: _Task, due_at: datetime | None) -> None:
    program_id = task.ctx.principal.program
    await task.ctx.write(lambda tx: postpone_order(tx, program_id, task.order.id, due_at))


def _later(order: StoredOrder, now: datetime, retry_after_s: int | None = None) -> datetime:
    """When a partner is asked again: ever later and as late as it wants, but for the end of the order's time."""
    pause_s = min(_FIRST_PAUSE_S * 2 ** min(order.attempts, 20), _LONGEST_PAUSE_S) * uniform(0.8, 1.2)  # noqa: S311 - no secret
    return _before(order, now + timedelta(seconds=max(pause_s, retry_after_s or 0)))


def _before(order: StoredOrder, at: datetime) -> datetime:
    return at if order.answer_by is None else min(at, order.answer_by)


def _context(services: Services, program: Program) -> Context:
    principal = system_principal(program.id, program.public_id, program.environment, "system:orders")
    return Context(services=services, principal=principal, source="job", request_id=new_token("order", nbytes=8))
