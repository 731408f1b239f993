"""Referral codes: one for everybody, never changed, refused where nobody could be rewarded."""

import asyncio

import pytest

from domain.errors import ReferralRefused, TesseraError
from domain.referral import ALPHABET
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.member import EnrollMember, ImportMember, enroll_member, get_member, import_members
from resolvers.referral import issue_referral_code
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll, member_of, nothing_written, set_status
from tests.resolvers.referral import allow, bonus, bring, code_of


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


async def test_an_erased_member_leaves_no_code(ctx: Context) -> None:
    await bring(ctx, "BOB", await code_of(ctx, "ANN"))
    reference = (await get_member(ctx, "ANN")).id
    await erase_member(ctx, "ANN")
    await set_status(ctx, "BOB", 1)
    assert (await get_member(ctx, f"ERASED-{reference}")).referral_code is None
    assert await bonus(ctx, f"ERASED-{reference}", "BOB") == [0, 40]
