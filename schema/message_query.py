"""Queries of messages to members."""

from typing import Annotated

import strawberry

from resolvers.message import PreviewMessage, count_undelivered, list_undelivered, preview_message
from schema.connection import (
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
from schema.types.message import MessageChannel, MessagePreview, UndeliveredMessage, to_undelivered


@strawberry.type
class MessageQuery:
    @field("How a template looks, with samples for what is filled in: one of the configuration, or one that is given.")
    async def message_template_preview(
        self,
        info: Info,
        template: Annotated[
            str | None,
            strawberry.argument(description="The name of a template of the configuration; this, or the others."),
        ] = None,
        event: Annotated[str | None, strawberry.argument(description="What it is about.")] = None,
        channel: Annotated[MessageChannel | None, strawberry.argument(description="How it is sent.")] = None,
        subject: Annotated[str, strawberry.argument(description="The subject of an e-mail.")] = "",
        body: Annotated[str | None, strawberry.argument(description="The text.")] = None,
    ) -> MessagePreview | None:
        command = PreviewMessage(
            template=template,
            event=event,
            channel=None if channel is None else channel.name.lower(),
            subject=subject,
            body=body,
        )
        shown = await preview_message(info.context.ctx, command)
        return MessagePreview(
            event=shown.event, channel=MessageChannel(shown.channel), subject=shown.subject, body=shown.body
        )

    @field("Messages to members that failed and were not delivered since, newest first; those of the last 30 days.")
    async def undelivered_messages(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[UndeliveredMessage] | None:
        context, page = info.context, read_page(first, after)
        before_id = read_number_cursor("undelivered-messages", page)
        found = await list_undelivered(context.ctx, first=page.size + 1, before_id=before_id)
        return connection_of(
            found,
            page,
            lambda row: to_undelivered(row, context),
            lambda row: number_cursor("undelivered-messages", row.id),
        )

    @field("How many messages to members failed and were not delivered since.")
    async def undelivered_message_count(self, info: Info) -> int | None:
        return await count_undelivered(info.context.ctx)
