"""Endpoints of webhooks: who may keep them, what is refused, secrets that give way to others, deliveries again."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from domain.access import PROGRAM_PERMISSIONS, ROLES
from domain.models import audit_entry, webhook_endpoint
from resolvers import webhook as module
from resolvers.context import Context
from resolvers.outbox import relay_outbox
from resolvers.webhook import (
    SaveWebhook,
    list_webhooks,
    remove_webhook,
    rotate_webhook_secret,
    save_webhook,
)
from resolvers.webhook_replay import list_dead_letters, replay_dead_letters, replay_webhook, try_webhook
from resolvers.webhook_work import deliver_webhooks
from tests.receiver import Receiver, Reply, receiving
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll, give, nothing_written, outcome
from tests.resolvers.webhook import deliver, listening, posting, sequences, told

HOOK = SaveWebhook(name="Hook", url="http://127.0.0.1:9/hook?token=secret")


async def audited(ctx: Context) -> list[tuple[str, Any, Any]]:
    """Action, before and after of what the audit trail says of webhooks."""
    query = select(audit_entry).where(
        audit_entry.c.program_id == ctx.principal.program, audit_entry.c.action.startswith("webhook.")
    )
    rows = await ctx.read(lambda tx: tx.execute(query.order_by(audit_entry.c.seq)).all())
    return [(row.action, row.before, row.after) for row in rows]


async def test_an_endpoint_is_kept_changed_and_removed_and_the_audit_trail_says_so(shop: Shop) -> None:
    posting(shop)
    ctx = shop.contexts[0]
    issued = await save_webhook(ctx, HOOK)
    assert issued.secret is not None
    assert issued.secret.startswith("whsec_")
    changed = await save_webhook(ctx, replace(HOOK, description="Ours", event_types=["points.*"], enabled=False))
    assert changed.secret is None
    [known] = await list_webhooks(ctx)
    assert (known.url, known.description, known.event_types, known.enabled) == (HOOK.url, "Ours", ["points.*"], False)
    await remove_webhook(ctx, "Hook")
    assert await list_webhooks(ctx) == []
    first = {"url": "http://127.0.0.1:9/hook", "description": "", "event_types": None, "enabled": True}
    second = first | {"description": "Ours", "event_types": ["points.*"], "enabled": False}
    assert await audited(ctx) == [
        ("webhook.save", None, first),
        ("webhook.save", first, second),
        ("webhook.remove", second, None),
    ]


async def test_secrets_lie_sealed_and_stand_nowhere_else(shop: Shop) -> None:
    posting(shop)
    ctx = shop.contexts[0]
    first = (await save_webhook(ctx, HOOK)).secret or ""
    second = (await rotate_webhook_secret(ctx, "Hook", 24)).secret or ""
    row = await ctx.read(lambda tx: tx.execute(select(webhook_endpoint)).one())
    assert [ctx.services.keys.open_webhook(one) for one in (row.secret, row.old_secret)] == [second, first]
    assert not any(one.encode()[6:] in bytes(row.secret) + bytes(row.old_secret) for one in (first, second))
    told_elsewhere = str(await audited(ctx)) + str(await list_webhooks(ctx))
    assert not any(one.removeprefix("whsec_") in told_elsewhere for one in (first, second))


async def test_while_a_secret_gives_way_messages_are_signed_with_both(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver()) as receiver:
        first = await listening(ctx, receiver)
        second = (await rotate_webhook_secret(ctx, "Hook", 1)).secret or ""
        await enroll(ctx, "ANN")
        await deliver(services)
        receiver.verified(first)
        receiver.verified(second)
        third = (await rotate_webhook_secret(ctx, "Hook")).secret or ""
        await enroll(ctx, "BEN")
        await deliver(services)
        last = receiver.received[-1]
        Webhook(third).verify(last.body, last.headers)
        for former in (first, second):
            with pytest.raises(WebhookVerificationError):
                Webhook(former).verify(last.body, last.headers)
        # An hour later the overlap is over.
        await rotate_webhook_secret(ctx, "Hook", 1)
        shop.later(hours=1)
        await enroll(ctx, "CAL")
        await deliver(services)
        assert receiver.received[-1].headers["webhook-signature"].count("v1,") == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, "998"),
        ({"name": "a b"}, "998"),
        ({"name": "x" * 51}, "998"),
        ({"url": "nowhere"}, "998"),
        ({"url": "https://user:secret@hooks.example/"}, "998"),
        ({"url": "https://10.1.2.3/"}, "1371"),
        ({"url": "https://[::1]/"}, "1371"),
        ({"description": "x" * 501}, "998"),
        ({"description": "\x00"}, "998"),
        ({"event_types": []}, "998"),
        ({"event_types": ["points.lost"]}, "998"),
        ({"event_types": ["*"]}, "998"),
        ({"event_types": ["unknown.*"]}, "998"),
        ({"event_types": ["order.placed"] * 51}, "998"),
    ],
)
async def test_what_cannot_be_kept_is_refused(shop: Shop, changes: dict[str, Any], code: str) -> None:
    posting(shop)
    await relay_outbox(shop.services)
    async with nothing_written(shop):
        assert await outcome(save_webhook(shop.contexts[0], replace(HOOK, **changes))) == code


async def test_a_program_has_so_many_endpoints(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    posting(shop)
    monkeypatch.setattr(module, "MAX_ENDPOINTS", 1)
    await save_webhook(shop.contexts[0], HOOK)
    async with nothing_written(shop):
        assert await outcome(save_webhook(shop.contexts[0], replace(HOOK, name="Other"))) == "998"
    assert await outcome(save_webhook(shop.contexts[0], HOOK)) == "000"


def everything(ctx: Context, name: str = "Hook") -> dict[str, Awaitable[Any]]:
    """Each use case once."""
    return {
        "save": save_webhook(ctx, replace(HOOK, name=name)),
        "rotate": rotate_webhook_secret(ctx, name),
        "test": try_webhook(ctx, name),
        "replay": replay_webhook(ctx, name, after=0),
        "replay dead": replay_dead_letters(ctx, name),
        "remove": remove_webhook(ctx, name),
        "list": list_webhooks(ctx),
        "dead": list_dead_letters(ctx, name, first=10),
    }


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [
        (PROGRAM_PERMISSIONS, set()),
        (ROLES["customer-executive"], set()),
        (ROLES["program-manager"], {"list", "dead"}),
        (ROLES["program-admin"], {"save", "rotate", "test", "replay", "replay dead", "remove", "list", "dead"}),
    ],
)
async def test_who_may_what(shop: Shop, permissions: frozenset[Any], allowed: set[str]) -> None:
    posting(shop)
    ctx = shop.contexts[0]
    await save_webhook(ctx, HOOK)
    caller = replace(ctx, principal=replace(ctx.principal, permissions=permissions))
    for what, work in everything(caller).items():
        if what in allowed:
            assert await outcome(work) in {"000", "1370"}, what
        else:
            async with nothing_written(shop):
                assert await outcome(work) == "403", what


async def test_endpoints_of_another_program_are_unknown(shop: Shop) -> None:
    posting(shop)
    await save_webhook(shop.contexts[0], HOOK)
    await relay_outbox(shop.services)
    for what, work in everything(shop.contexts[1]).items():
        if what == "save":
            work.close()  # type: ignore[attr-defined]  # it would make one of its own
        elif what == "list":
            assert await work == []
        else:
            async with nothing_written(shop):
                assert await outcome(work) == "1370", what


async def test_a_test_message_is_posted_at_once_and_moves_nothing(shop: Shop) -> None:
    posting(shop)
    ctx = shop.contexts[0]
    with receiving(Receiver()) as receiver:
        secret = await listening(ctx, receiver)
        async with nothing_written(shop):
            done = await try_webhook(ctx, "Hook")
            assert (done.is_delivered, done.outcome) == (True, "HTTP 204")
            receiver.reply = lambda _: Reply(status=500)
            done = await try_webhook(ctx, "Hook")
            assert (done.is_delivered, done.outcome) == (False, "HTTP 500")
        [first, second] = receiver.verified(secret)
        assert (first["type"], first["data"]) == ("webhook.test", {"webhook": "Hook"})
        assert second["type"] == "webhook.test"
    async with nothing_written(shop):
        done = await try_webhook(ctx, "Hook")
        assert (done.is_delivered, done.outcome) == (False, "no connection (ConnectError)")


async def test_deliveries_begin_again_behind_an_event_or_at_an_instant(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver()) as receiver:
        await listening(ctx, receiver)
        await enroll(ctx, "ANN", 5)
        shop.later(minutes=1)
        later = shop.now
        await give(ctx, "ANN", 1)
        await deliver(services)
        first, second, third = sequences(receiver, "ANN")
        await replay_webhook(ctx, "Hook", after=first)
        await deliver(services)
        assert sequences(receiver, "ANN")[3:] == [second, third]
        await replay_webhook(ctx, "Hook", since=later)
        await deliver(services)
        assert sequences(receiver, "ANN")[5:] == [third]
        ids = [one.id for one in receiver.received]
        assert ids[:3] == [ids[0], ids[3], ids[4]]
        assert ids[5] == ids[2]
        refused: list[dict[str, Any]] = [
            {"after": third + 1},
            {"after": -1},
            {},
            {"after": 1, "since": later},
            {"since": None},
        ]
        for given in refused:
            async with nothing_written(shop):
                assert await outcome(replay_webhook(ctx, "Hook", **given)) == "998", given
        await replay_webhook(ctx, "Hook", since=later + timedelta(days=1))
        await deliver(services)
        assert len(receiver.received) == 6
        assert ("webhook.replay", {"position": third}, {"position": first}) in await audited(ctx)


async def test_dead_letters_are_tried_again_when_asked_for(shop: Shop) -> None:
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver(reply=lambda _: Reply(status=500))) as receiver:
        await listening(ctx, receiver)
        await enroll(ctx, "ANN", 5)
        await enroll(ctx, "BEN", 5)
        await deliver(services)
        shop.later(days=3)
        await deliver(services)
        letters = await list_dead_letters(ctx, "Hook", first=10)
        assert [(one.type, one.relation_reference) for one in letters] == [
            ("member.enrolled", "ANN"),
            ("member.enrolled", "BEN"),
        ]
        assert [one.sequence for one in await list_dead_letters(ctx, "Hook", first=1)] == [letters[0].sequence]
        assert await list_dead_letters(ctx, "Hook", first=9, after=letters[0].sequence) == letters[1:]
        async with nothing_written(shop):
            assert await outcome(replay_dead_letters(ctx, "Hook", [letters[0].sequence, 1])) == "998"
        receiver.reply = lambda _: Reply()
        receiver.received.clear()
        assert await replay_dead_letters(ctx, "Hook", [letters[0].sequence]) == 1
        await deliver(services)
        # What was waiting of ANN comes behind.
        assert [one for one in told(receiver) if one[1] == "ANN"] == [
            ("member.enrolled", "ANN"),
            ("points.earned", "ANN"),
        ]
        assert [one.id for one in receiver.received if "ANN" in str(one.told)][0] == letters[0].message_id
        assert await replay_dead_letters(ctx, "Hook") == 1
        await deliver(services)
        assert told(receiver)[-2:] == [("member.enrolled", "BEN"), ("points.earned", "BEN")]
        assert await list_dead_letters(ctx, "Hook", first=10) == []
    [known] = await list_webhooks(ctx)
    assert (known.behind, known.dead) == (0, 0)


async def test_who_is_set_back_in_the_middle_of_a_round_begins_again(shop: Shop) -> None:
    """The round that was under way has nothing to say any more."""
    services, ctx = posting(shop), shop.contexts[0]
    with receiving(Receiver(reply=lambda _: Reply(hangs=True))) as receiver:
        await listening(ctx, receiver)
        await enroll(ctx, "ANN", 5)
        await relay_outbox(services)
        await deliver_webhooks(services)
        await asyncio.to_thread(receiver.wait_for, 1)
        await replay_webhook(ctx, "Hook", after=0)
        receiver.reply = lambda _: Reply()
        receiver.go_on.set()
        await asyncio.gather(*services.couriers.tasks)
        await deliver(services)
        numbers = sequences(receiver, "ANN")
    assert numbers == sorted(numbers[:2]) * 2
    assert (await list_webhooks(ctx))[0].position == numbers[-1]


async def test_a_deployment_that_posts_nothing_says_so(shop: Shop) -> None:
    assert shop.contexts[0].services.carrier is None
    async with nothing_written(shop):
        assert await outcome(save_webhook(shop.contexts[0], HOOK)) == "503"
