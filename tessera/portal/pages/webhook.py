"""Webhooks: where events are posted to, how that goes, dead letters, test messages, secrets."""

from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, TesseraError
from domain.webhook_event import KNOWN_TYPES
from resolvers.webhook import (
    IssuedWebhook,
    SaveWebhook,
    list_webhooks,
    remove_webhook,
    rotate_webhook_secret,
    save_webhook,
)
from resolvers.webhook_replay import list_dead_letters, replay_dead_letters, try_webhook
from tessera.portal.render import plural
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

ORDER_TYPES = ("order.placed", "order.fulfilled", "order.failed", "order.cancelled", "order.reversed")
_DEAD = 50


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """The endpoints, and the form for a new one or for the one that is asked for."""
    webhooks = await list_webhooks(visit.ctx)
    name = visit.asked("change") or visit.given("name")
    return visit.page(
        "webhooks.html",
        error=error,
        webhooks=webhooks,
        edited=next((one for one in webhooks if one.name == name), None),
        types=(*KNOWN_TYPES, *ORDER_TYPES),
    )


async def save(visit: Visit) -> Response:
    """Keep an endpoint; a new one's secret is shown once."""
    types = visit.many("event_types")
    command = SaveWebhook(
        name=visit.given("name"),
        url=visit.given("url"),
        description=visit.given("description"),
        event_types=types or None,
        enabled=visit.given("enabled") == "yes",
    )
    try:
        issued = await save_webhook(visit.ctx, command)
    except TesseraError as error:
        return await show(visit, error)
    return _told(visit, issued, f"{command.name} is saved.")


async def show_dead(visit: Visit, error: TesseraError | None = None) -> Response:
    """What could not be delivered to an endpoint."""
    name = visit.path["name"]
    letters = await list_dead_letters(visit.ctx, name, first=_DEAD)
    return visit.page("webhook_dead.html", error=error, name=name, letters=letters)


async def change(visit: Visit) -> Response:
    """What the buttons beside an endpoint do."""
    name, what = visit.path["name"], visit.given("what")
    try:
        if what == "rotate":
            return _told(visit, await rotate_webhook_secret(visit.ctx, name, 24), "")
        if what == "test":
            tried = await try_webhook(visit.ctx, name)
            told = f"{name}: {tried.outcome}, after {tried.took_ms} ms"
            return visit.go(visit.url("webhooks"), told, kind="done" if tried.is_delivered else "warning")
        if what == "replay":
            told = f"{plural(await replay_dead_letters(visit.ctx, name), 'message')} will be tried again."
        elif what == "remove":
            await remove_webhook(visit.ctx, name)
            told = f"{name} is removed."
        else:
            raise BadRequest("what: unknown", field="what")
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("webhooks"), told)


def _told(visit: Visit, issued: IssuedWebhook, saved: str) -> Response:
    if issued.secret is None:
        return visit.go(visit.url("webhooks"), saved)
    return visit.page("webhook_secret.html", issued=issued)


PAGES: tuple[Page, ...] = (
    page("webhooks", show, Permission.WEBHOOK_READ),
    action("webhooks", save, Permission.WEBHOOK_WRITE),
    page("webhooks/{name}", show_dead, Permission.WEBHOOK_READ),
    action("webhooks/{name}", change, Permission.WEBHOOK_WRITE),
)
