"""Referrals: a code for everybody, and points for both sides exactly once."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select

from domain.errors import ReferralRefused, TesseraError
from domain.models import outbox
from domain.referral import ALPHABET
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.member import EnrollMember, ImportMember, Member, enroll_member, get_member, import_members
from resolvers.merge import MergeMembers, merge_members
from resolvers.program import apply_configuration
from resolvers.referral import issue_referral_code, list_referrals
from resolvers.transaction import SubmitTransaction, submit_transaction, submit_transactions
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import balance, enroll, entries, member_of, nothing_written, set_status, verified

TERMS = {"enabled": True, "reward_on": "activation", "referrer_points": 100, "referee_points": 40}
ON_PURCHASE = {"reward_on": "first_transaction"}


async def allow(ctx: Context, **terms: Any) -> None:
    await apply_configuration(ctx, json.dumps({"version": 1, "referrals": TERMS | terms}).encode())


async def code_of(ctx: Context, reference: str) -> str:
    code = (await get_member(ctx, reference)).referral_code
    assert code is not None
    return code


async def bring(ctx: Context, reference: str, code: str, **values: Any) -> Member:
    command = EnrollMember(values={"relation_reference": reference, **values}, referral_code=code)
    return (await enroll_member(ctx, command)).member


def purchase(reference: str, name: str | None = None, amount: int = 10, kind: str = "DR") -> SubmitTransaction:
    return SubmitTransaction(
        transaction_id=name or f"T-{reference}",
        transaction_type=kind,
        amount=Decimal(amount),
        transaction_date=datetime(2026, 2, 3, tzinfo=UTC),
        member_relation_reference=reference,
    )


async def bonus(ctx: Context, *references: str) -> list[int]:
    return [int((await balance(ctx, one)).bonus) for one in references]


async def rewarded_events(shop: Shop) -> Sequence[dict[str, int]]:
    def body(tx: Connection) -> list[dict[str, int]]:
        rows = tx.scalars(select(outbox.c.payload).where(outbox.c.topic == "referral.rewarded").order_by(outbox.c.id))
        return [json.loads(row) for row in rows]

    return await shop.services.db.read(body)


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    """A program that rewards activations, and ANN, who is active."""
    await allow(shop.contexts[0])
    await enroll(shop.contexts[0], "ANN")
    return shop.contexts[0]


async def test_everybody_gets_a_code_that_never_changes(shop: Shop, ctx: Context) -> None:
    code = await code_of(ctx, "ANN")
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)
    await set_status(ctx, "ANN", 2)
    await set_status(ctx, "ANN", 1)
    assert (await issue_referral_code(member_of(ctx, "ANN"), None)).replayed
    rows = [ImportMember(values={"relation_reference": one, "full_name": "Ann"}) for one in ("ANN", "BOB", "CY")]
    await ctx.write(lambda tx: import_members(tx, ctx, ctx.program(tx), rows))
    assert await code_of(ctx, "ANN") == code
    assert len({await code_of(ctx, one) for one in ("ANN", "BOB", "CY")}) == 3
    async with nothing_written(shop):
        with pytest.raises(TesseraError):
            await enroll_member(ctx, EnrollMember(values={"relation_reference": "DEE", "referral_code": "ABCDEFGH"}))


async def test_members_of_before_get_a_code_when_it_is_asked_for(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await enroll(ctx, "ANN")
    async with nothing_written(shop):
        assert (await get_member(ctx, "ANN")).referral_code is None
        with pytest.raises(ReferralRefused):
            await issue_referral_code(ctx, "ANN")
    await allow(ctx)
    issued = await asyncio.gather(*(issue_referral_code(ctx, "ANN") for _ in range(8)))
    assert {one.member.referral_code for one in issued} == {await code_of(ctx, "ANN")}
    assert sorted(one.replayed for one in issued) == [False] + [True] * 7
    await allow(ctx, enabled=False)
    await enroll(ctx, "BOB")
    assert (await get_member(ctx, "BOB")).referral_code is None
    await set_status(ctx, "BOB", 4)
    await allow(ctx)
    async with nothing_written(shop):
        for reference, told in (("BOB", "1204"), ("NOBODY", "103"), ("", "999")):
            with pytest.raises(TesseraError) as refusal:
                await issue_referral_code(ctx, reference)
            assert refusal.value.code == told
        with pytest.raises(TesseraError) as refusal:
            await issue_referral_code(member_of(ctx, "ANN"), "BOB")
        assert refusal.value.code == "403"


async def test_of_two_members_who_draw_the_same_code_one_draws_again(
    ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(["SAMECODE"] * 4 + [f"CODE{number:04}" for number in range(100)])
    monkeypatch.setattr("domain.store.referral.new_code", lambda: next(drawn))
    await asyncio.gather(*(enroll(ctx, f"M{number}") for number in range(4)))
    codes = {await code_of(ctx, f"M{number}") for number in range(4)}
    assert len(codes) == 4
    assert "SAMECODE" in codes


async def test_a_code_is_refused_where_nobody_could_be_rewarded(shop: Shop, ctx: Context) -> None:
    code = await code_of(ctx, "ANN")
    for reference, status in (("OFF", 5), ("OUT", 2)):
        await enroll(ctx, reference)
        await set_status(ctx, reference, status)
    await enroll(ctx, "GONE")
    gone = await code_of(ctx, "GONE")
    await erase_member(ctx, "GONE")
    refused = {
        "ZZZZZZZZ": "nobody",
        "x": "nobody",
        gone: "nobody",
        await code_of(ctx, "OFF"): "not active",
        await code_of(ctx, "OUT"): "not active",
    }
    async with nothing_written(shop):
        for given, told in refused.items():
            with pytest.raises(ReferralRefused, match=told) as refusal:
                await bring(ctx, "BOB", given, status=1)
            assert refusal.value.field == "referral_code"
    await allow(ctx, enabled=False)
    async with nothing_written(shop):
        with pytest.raises(ReferralRefused, match="off"):
            await bring(ctx, "BOB", code)


async def test_another_code_under_the_same_key_is_another_enrolment(shop: Shop, ctx: Context) -> None:
    await enroll(ctx, "BOB")
    values = {"relation_reference": "CY"}
    codes = [await code_of(ctx, one) for one in ("ANN", "BOB")]
    first = EnrollMember(values=values, referral_code=codes[0], idempotency_key="K")
    await enroll_member(ctx, first)
    async with nothing_written(shop):
        again = EnrollMember(values=values, referral_code=f" {codes[0].lower()}\n", idempotency_key="K")
        assert (await enroll_member(ctx, again)).replayed
        with pytest.raises(TesseraError) as refusal:
            await enroll_member(ctx, EnrollMember(values=values, referral_code=codes[1], idempotency_key="K"))
        assert refusal.value.code == "409"


async def test_an_activation_rewards_both_once(shop: Shop, ctx: Context) -> None:
    code = await code_of(ctx, "ANN")
    at_once = await bring(ctx, "BOB", f" {code.lower()} ", status=1)
    later = await bring(ctx, "CY", code)
    assert await bonus(ctx, "ANN", "BOB", "CY") == [100, 40, 0]
    await set_status(ctx, "CY", 1)
    await set_status(ctx, "CY", 2)
    await set_status(ctx, "CY", 1)
    assert await bonus(ctx, "ANN", "BOB", "CY") == [200, 40, 40]
    ann = await get_member(ctx, "ANN")
    assert {at_once.referred_by, later.referred_by} == {ann.id}
    assert [one.detail for one in await entries(ctx, "ANN")] == [
        {"referral": "referrer", "referee_id": one.id} for one in (later, at_once)
    ]
    assert [(one.detail, one.narration) for one in await entries(ctx, "BOB")] == [
        ({"referral": "referee"}, "Referral bonus")
    ]
    assert await rewarded_events(shop) == [
        {"referee_id": one.id, "referrer_id": ann.id, "referee_points": 40, "referrer_points": 100}
        for one in (at_once, later)
    ]
    figures = (await list_referrals(ctx, [ann.id]))[ann.id]
    assert (figures.count, figures.rewarded, int(figures.points)) == (2, 2, 200)
    await verified(shop)


async def test_rows_of_a_file_activate_like_single_changes(shop: Shop, ctx: Context) -> None:
    code = await code_of(ctx, "ANN")
    for reference in ("BOB", "CY", "DEE"):
        await bring(ctx, reference, code)
    rows = [
        ImportMember(values={"relation_reference": "BOB"}, action="REACTIVATE"),
        # Whoever is suspended gets nothing, and whoever became active before that keeps what it got.
        ImportMember(values={"relation_reference": "ANN"}, action="SUSPEND"),
        ImportMember(values={"relation_reference": "CY", "status": "1"}),
        ImportMember(values={"relation_reference": "CY"}, action="SUSPEND"),
        ImportMember(values={"relation_reference": "ANN"}, action="REACTIVATE"),
        ImportMember(values={"relation_reference": "DEE", "full_name": "Dee"}),
    ]
    await ctx.write(lambda tx: import_members(tx, ctx, ctx.program(tx), rows))
    assert await bonus(ctx, "ANN", "BOB", "CY", "DEE") == [100, 40, 40, 0]
    await verified(shop)


async def test_the_first_purchase_rewards_both_whatever_it_earned(shop: Shop, ctx: Context) -> None:
    await allow(ctx, **ON_PURCHASE)
    code = await code_of(ctx, "ANN")
    await bring(ctx, "BOB", code, status=1)
    assert await bonus(ctx, "ANN", "BOB") == [0, 0]
    told = await submit_transaction(ctx, purchase("BOB", "T1", 0))
    assert (int(told.points), await bonus(ctx, "ANN", "BOB")) == (0, [100, 40])
    await submit_transactions(ctx, [purchase("BOB", "T2"), purchase("ANN", "T3")])
    assert await bonus(ctx, "ANN", "BOB") == [100, 40]
    await verified(shop)


async def test_a_refund_of_the_first_purchase_takes_no_referral_back(shop: Shop, ctx: Context) -> None:
    await allow(ctx, **ON_PURCHASE)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"), status=1)
    # A refund alone is no purchase: it waits for its own, which comes second.
    await submit_transaction(ctx, purchase("BOB", "T1", 10, "CR"))
    assert await bonus(ctx, "ANN", "BOB") == [0, 0]
    await submit_transaction(ctx, purchase("BOB", "T1", 10))
    assert await bonus(ctx, "ANN", "BOB") == [100, 40]
    assert (await balance(ctx, "BOB")).available == 40
    await submit_transaction(ctx, purchase("BOB", "T2", 10))
    assert await bonus(ctx, "ANN", "BOB") == [100, 40]
    await verified(shop)


async def test_a_purchase_of_before_was_the_first_one(ctx: Context) -> None:
    code = await code_of(ctx, "ANN")
    await bring(ctx, "BOB", code)
    await submit_transaction(ctx, purchase("BOB", "T1"))
    await allow(ctx, **ON_PURCHASE)
    await submit_transaction(ctx, purchase("BOB", "T2"))
    await set_status(ctx, "BOB", 1)
    assert await bonus(ctx, "ANN", "BOB") == [0, 0]


async def test_a_refused_purchase_rewards_nobody(ctx: Context) -> None:
    await allow(ctx, **ON_PURCHASE)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"), status=2)
    with pytest.raises(TesseraError):
        await submit_transaction(ctx, purchase("BOB"))
    assert await bonus(ctx, "ANN", "BOB") == [0, 0]
    await set_status(ctx, "BOB", 1)
    await submit_transaction(ctx, purchase("BOB"))
    assert await bonus(ctx, "ANN", "BOB") == [100, 40]


async def test_in_one_run_the_most_referrals_of_a_referrer_count(shop: Shop, ctx: Context) -> None:
    await allow(ctx, **ON_PURCHASE, max_per_referrer=2)
    code = await code_of(ctx, "ANN")
    brought = ["BOB", "CY", "DEE", "EVE"]
    for reference in brought:
        await bring(ctx, reference, code)
    runs = [[purchase("BOB"), purchase("BOB", "T2"), purchase("ANN"), purchase("CY"), purchase("DEE")]]
    for run in [*runs, [purchase("EVE")]]:
        await submit_transactions(ctx, run)
    # Beyond them only who was brought is rewarded.
    assert await bonus(ctx, "ANN", *brought) == [200, 40, 40, 40, 40]
    assert [one["referrer_points"] for one in await rewarded_events(shop)] == [100, 100, 0, 0]
    ann = await get_member(ctx, "ANN")
    figures = (await list_referrals(ctx, [ann.id]))[ann.id]
    assert (figures.count, figures.rewarded, int(figures.points)) == (4, 4, 200)
    await verified(shop)


@pytest.mark.parametrize("cause", ["activation", "first_transaction"])
async def test_of_sixteen_at_once_the_referrer_is_rewarded_for_five(shop: Shop, ctx: Context, cause: str) -> None:
    await allow(ctx, reward_on=cause, max_per_referrer=5)
    code = await code_of(ctx, "ANN")
    brought = [f"M{number}" for number in range(16)]
    if cause == "activation":
        for reference in brought[:8]:
            await bring(ctx, reference, code)
        works: list[Any] = [set_status(ctx, one, 1) for one in brought[:8]]
        works += [bring(ctx, one, code, status=1) for one in brought[8:]]
    else:
        for reference in brought:
            await bring(ctx, reference, code, status=1)
        works = [submit_transaction(ctx, purchase(one)) for one in brought]
    # The referrer moves its own points meanwhile.
    own = [submit_transaction(ctx, purchase("ANN", f"T-ANN-{number}")) for number in range(4)]
    await asyncio.gather(*works, *own)
    assert await bonus(ctx, "ANN") == [500]
    assert await bonus(ctx, *brought) == [40] * 16
    assert len(await rewarded_events(shop)) == 16
    await verified(shop)


@pytest.mark.parametrize("cause", ["activation", "first_transaction"])
async def test_one_who_was_brought_is_rewarded_once_by_many_at_once(shop: Shop, ctx: Context, cause: str) -> None:
    await allow(ctx, reward_on=cause)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"))
    if cause == "activation":
        await asyncio.gather(*(set_status(ctx, "BOB", 1) for _ in range(8)))
    else:
        await asyncio.gather(*(submit_transaction(ctx, purchase("BOB", f"T{number}")) for number in range(8)))
    assert await bonus(ctx, "ANN", "BOB") == [100, 40]
    await verified(shop)


async def test_chains_of_referrals_at_once_end_without_a_circle(shop: Shop, ctx: Context) -> None:
    await allow(ctx, **ON_PURCHASE)
    chain = ["ANN", *(f"M{number}" for number in range(8))]
    for before, after in zip(chain, chain[1:], strict=False):
        await bring(ctx, after, await code_of(ctx, before), status=1)
    runs = [
        [purchase(after), purchase(before, f"{after} again")] for before, after in zip(chain, chain[1:], strict=False)
    ]
    told = await asyncio.gather(*(submit_transactions(ctx, run) for run in reversed(runs)))
    assert not [one for run in told for one in run if isinstance(one, TesseraError)]
    assert await bonus(ctx, *chain) == [100, *[140] * 7, 40]
    await verified(shop)


@pytest.mark.parametrize("cause", ["activation", "first_transaction"])
async def test_a_referrer_who_may_not_earn_takes_nothing_away(ctx: Context, cause: str) -> None:
    await allow(ctx, reward_on=cause)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"))
    await set_status(ctx, "ANN", 2)
    await set_status(ctx, "BOB", 1)
    await submit_transaction(ctx, purchase("BOB"))
    assert await bonus(ctx, "ANN", "BOB") == [0, 40]


async def test_a_referrer_without_room_takes_nothing_away(shop: Shop, ctx: Context) -> None:
    await submit_transaction(ctx, purchase("ANN", amount=10**15 - 99))
    await bring(ctx, "BOB", await code_of(ctx, "ANN"), status=1)
    assert await bonus(ctx, "ANN", "BOB") == [0, 40]
    await verified(shop)


async def test_who_answers_for_a_merged_referrer_is_rewarded_and_counted(shop: Shop, ctx: Context) -> None:
    await allow(ctx, max_per_referrer=2)
    code = await code_of(ctx, "ANN")
    await bring(ctx, "BOB", code)
    await bring(ctx, "CY", code, status=1)
    await enroll(ctx, "NEW")
    await merge_members(ctx, MergeMembers(victim="ANN", survivor="NEW"))
    await set_status(ctx, "BOB", 1)
    await bring(ctx, "DEE", code, status=1)
    assert await bonus(ctx, "NEW", "BOB", "CY", "DEE") == [100, 40, 40, 40]
    new = await get_member(ctx, "NEW")
    figures = (await list_referrals(ctx, [new.id]))[new.id]
    assert (figures.count, figures.rewarded, int(figures.points)) == (3, 3, 200)
    await verified(shop)


@pytest.mark.parametrize("cause", ["activation", "first_transaction"])
@pytest.mark.parametrize(("victim", "survivor"), [("ANN", "BOB"), ("BOB", "ANN")])
async def test_who_turned_out_to_be_one_person_referred_nobody(
    shop: Shop, ctx: Context, cause: str, victim: str, survivor: str
) -> None:
    await allow(ctx, reward_on=cause)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"))
    await merge_members(ctx, MergeMembers(victim=victim, survivor=survivor))
    await set_status(ctx, survivor, 1)
    await submit_transaction(ctx, purchase(survivor))
    assert await bonus(ctx, survivor) == [0]
    assert not await rewarded_events(shop)
    await verified(shop)


@pytest.mark.parametrize("cause", ["activation", "first_transaction"])
async def test_referrals_lead_to_tiers(shop: Shop, ctx: Context, cause: str) -> None:
    levels = [{"name": "Silver", "from": 0}, {"name": "Gold", "from": 100, "upgrade_bonus": 7}]
    tiers = {"assessment": "automatic", "levels": levels}
    await apply_configuration(ctx, json.dumps({"version": 1, "tiers": tiers}).encode())
    await allow(ctx, reward_on=cause, referee_points=99)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"), status=1)
    if cause == "first_transaction":
        await submit_transaction(ctx, purchase("BOB", amount=0))
    assert [(await get_member(ctx, one)).tier for one in ("ANN", "BOB")] == ["Gold", "Silver"]
    assert await bonus(ctx, "ANN", "BOB") == [107, 99]
    await verified(shop)


async def test_an_erased_member_leaves_no_code(ctx: Context) -> None:
    await bring(ctx, "BOB", await code_of(ctx, "ANN"))
    reference = (await get_member(ctx, "ANN")).id
    await erase_member(ctx, "ANN")
    await set_status(ctx, "BOB", 1)
    assert (await get_member(ctx, f"ERASED-{reference}")).referral_code is None
    assert await bonus(ctx, f"ERASED-{reference}", "BOB") == [0, 40]
