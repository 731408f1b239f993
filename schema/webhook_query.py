"""Queries of webhook endpoints and of what could not be delivered to them."""

from typing import Annotated

import strawberry

from resolvers.webhook import list_webhooks
from resolvers.webhook_replay import list_dead_letters
from schema.connection import (
    MAX_PAGE,
    After,
    Connection,
    First,
    connection_of,
    number_cursor,
    read_number_cursor,
    read_page,
)
from schema.context import Info
from schema.field import field
from schema.types.webhook import Webhook, WebhookDeadLetter, to_dead_letter, to_webhook


@strawberry.type
class WebhookQuery:
    @field("The program's webhook endpoints, by name. For administrators.")
    async def webhooks(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many: 1 to 100.")] = MAX_PAGE,
    ) -> list[Webhook] | None:
        rows = await list_webhooks(info.context.ctx)
        return [to_webhook(row, info.context) for row in rows[: read_page(first, None).size]]

    @field("What could not be delivered to an endpoint for days, oldest first. For administrators.")
    async def webhook_dead_letters(
        self,
        info: Info,
        name: Annotated[str, strawberry.argument(description="The endpoint's name.")],
        first: First = None,
        after: After = None,
    ) -> Connection[WebhookDeadLetter] | None:
        context, page = info.context, read_page(first, after)
        behind = read_number_cursor("dead-letters", page)
        found = await list_dead_letters(context.ctx, name, first=page.size + 1, after=behind)
        return connection_of(
            found,
            page,
            lambda row: to_dead_letter(row, context),
            lambda row: number_cursor("dead-letters", row.sequence),
        )
