"""Mutations of webhook endpoints, for administrators."""

from datetime import datetime

import strawberry

from domain.errors import BadRequest
from resolvers.webhook import SaveWebhook, remove_webhook, rotate_webhook_secret, save_webhook
from resolvers.webhook_replay import MAX_DEAD_LETTERS, replay_dead_letters, replay_webhook, try_webhook
from schema.context import Info
from schema.field import mutation
from schema.types.webhook import Webhook, WebhookSaveInput, to_webhook

_SECRET = "What messages are signed with: `whsec_` and base64. Store it now."  # noqa: S105 - a description
_NAME = "Its name in the program."


@strawberry.input(description="An endpoint to forget.")
class WebhookRemoveInput:
    name: str = strawberry.field(description=_NAME)


@strawberry.input(description="An endpoint that is to have a new secret.")
class WebhookSecretRotateInput:
    name: str = strawberry.field(description=_NAME)
    overlap_hours: int = strawberry.field(
        default=0,
        description="For so many hours, up to 168, messages are signed with the former secret as well. 0: it is good "
        "no longer at once.",
    )


@strawberry.input(description="An endpoint to post a test message to.")
class WebhookTestInput:
    name: str = strawberry.field(description=_NAME)


@strawberry.input(description="From where on an endpoint is to have events again: give one of the two.")
class WebhookReplayInput:
    name: str = strawberry.field(description=_NAME)
    after: strawberry.ID | None = strawberry.field(
        default=None, description="Behind this place in the program's feed; `0`: from the first event on."
    )
    since: datetime | None = strawberry.field(default=None, description="What happened at this instant or later.")


@strawberry.input(description="Dead letters to try again.")
class WebhookDeadLettersReplayInput:
    name: str = strawberry.field(description=_NAME)
    sequences: list[strawberry.ID] | None = strawberry.field(
        default=None, description=f"Those of these places in the feed, at most {MAX_DEAD_LETTERS}; null: all."
    )


@strawberry.type(description="A webhook endpoint that was kept.")
class WebhookSavePayload:
    webhook: Webhook = strawberry.field(description="The endpoint.")
    secret: str | None = strawberry.field(description=f"{_SECRET} Null where it kept the one that it had.")


@strawberry.type(description="A webhook endpoint with its new secret.")
class WebhookSecretPayload:
    webhook: Webhook = strawberry.field(description="The endpoint.")
    secret: str | None = strawberry.field(description=_SECRET)


@strawberry.type(description="A webhook endpoint that was forgotten.")
class WebhookRemovePayload:
    name: str = strawberry.field(description="The name that it had.")


@strawberry.type(description="What a test message came to.")
class WebhookTestPayload:
    delivered: bool = strawberry.field(description="Whether the receiver answered with success.")
    outcome: str = strawberry.field(description="What it answered, or why nothing was.")
    took_ms: int = strawberry.field(description="How long it took, in milliseconds.")


@strawberry.type(description="A webhook endpoint that has events again.")
class WebhookReplayPayload:
    webhook: Webhook = strawberry.field(description="The endpoint.")


@strawberry.type(description="Dead letters that are tried again.")
class WebhookDeadLettersReplayPayload:
    count: int = strawberry.field(description="How many they are.")


@strawberry.type
class WebhookMutation:
    @mutation("Keep a webhook endpoint, or change the one of its name.")
    async def webhook_save(self, info: Info, input: WebhookSaveInput) -> WebhookSavePayload | None:
        command = SaveWebhook(
            name=input.name,
            url=input.url,
            description=input.description,
            event_types=input.event_types,
            enabled=input.enabled,
        )
        issued = await save_webhook(info.context.changing(), command)
        return WebhookSavePayload(webhook=to_webhook(issued.webhook, info.context), secret=issued.secret)

    @mutation("Forget a webhook endpoint, and what was not delivered to it.")
    async def webhook_remove(self, info: Info, input: WebhookRemoveInput) -> WebhookRemovePayload | None:
        await remove_webhook(info.context.changing(), input.name)
        return WebhookRemovePayload(name=input.name)

    @mutation("Give a webhook endpoint a new secret.")
    async def webhook_secret_rotate(self, info: Info, input: WebhookSecretRotateInput) -> WebhookSecretPayload | None:
        issued = await rotate_webhook_secret(info.context.changing(), input.name, input.overlap_hours)
        return WebhookSecretPayload(webhook=to_webhook(issued.webhook, info.context), secret=issued.secret)

    @mutation("Post a test message (`webhook.test`) to an endpoint, enabled or not, and wait for the answer.")
    async def webhook_test(self, info: Info, input: WebhookTestInput) -> WebhookTestPayload | None:
        done = await try_webhook(info.context.changing(), input.name)
        return WebhookTestPayload(delivered=done.is_delivered, outcome=done.outcome, took_ms=done.took_ms)

    @mutation("Deliver events again that were delivered before, in their order, and then what comes.")
    async def webhook_replay(self, info: Info, input: WebhookReplayInput) -> WebhookReplayPayload | None:
        after = None if input.after is None else _place(input.after, "after")
        webhook = await replay_webhook(info.context.changing(), input.name, after=after, since=input.since)
        return WebhookReplayPayload(webhook=to_webhook(webhook, info.context))

    @mutation("Try dead letters of an endpoint again, as if they were new.")
    async def webhook_dead_letters_replay(
        self, info: Info, input: WebhookDeadLettersReplayInput
    ) -> WebhookDeadLettersReplayPayload | None:
        given = input.sequences
        places = None if given is None else [_place(one, "sequences") for one in given]
        count = await replay_dead_letters(info.context.changing(), input.name, places)
        return WebhookDeadLettersReplayPayload(count=count)


def _place(text: str, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequest(f"{field}: not a place in the feed", field=field)
    return int(text)
