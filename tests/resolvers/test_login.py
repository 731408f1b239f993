"""Passwords of members: right and wrong ones, lockouts that lapse, the same answers for nobody."""

import asyncio
import hashlib
from collections import Counter
from typing import Any

import bcrypt
import pytest
from sqlalchemy import select

from domain.access import PROGRAM_PERMISSIONS, ROLES, Permission
from domain.errors import BadRequest, Forbidden, LoginBlocked, MembershipBlocked
from domain.models import member_secret
from domain.password import Scheme
from resolvers.attempt import RESTRICTED
from resolvers.context import Context
from resolvers.hashing import HashingPool
from resolvers.lockout import lift_lapsed_lockouts, sweep_lockouts
from resolvers.member import get_member
from resolvers.merge import MergeMembers, merge_members
from resolvers.password import ImportSecret, import_secret
from tests.resolvers.conftest import Shop, contents
from tests.resolvers.desk import set_status
from tests.resolvers.mailbox import PASSWORD, bound, login, person, tried


async def status_of(ctx: Context, reference: str) -> int:
    await lift_lapsed_lockouts(ctx.services)
    return (await get_member(ctx, reference)).status


async def test_the_right_password_lets_in_and_is_written_down(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    assert await tried(ctx, "ANN", "wrong") == "117"
    found = await login(ctx, "ANN")
    assert (found.member.relation_reference, found.failed_attempts, found.force_change) == ("ANN", 1, False)
    assert (await get_member(ctx, "ANN")).last_logged_in_at == shop.now == found.logged_in_at
    assert (await login(ctx, "ANN")).failed_attempts == 0


async def test_a_password_is_kept_as_argon2id_and_not_in_clear(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    encoded = await ctx.read(lambda tx: tx.scalars(select(member_secret.c.encoded)).one())
    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in str(await contents(ctx))


async def test_five_wrong_passwords_in_a_row_lock_out_for_a_day(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    assert [await tried(ctx, "ANN", "wrong") for _ in range(5)] == ["117"] * 5
    assert await status_of(ctx, "ANN") == 3
    assert [await tried(ctx, "ANN", "wrong"), await tried(ctx, "ANN")] == ["116", "116"]
    shop.later(hours=24, seconds=-1)
    assert await tried(ctx, "ANN") == "116"
    shop.later(seconds=1)
    assert await status_of(ctx, "ANN") == 1
    assert await tried(ctx, "ANN") == "000"


async def test_a_lockout_gives_an_inactive_member_its_status_back(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", status=5, password=PASSWORD)
    for _ in range(5):
        await tried(ctx, "ANN", "wrong")
    assert await status_of(ctx, "ANN") == 3
    shop.later(hours=24)
    assert await status_of(ctx, "ANN") == 5


async def test_the_right_password_begins_the_row_anew(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    for _ in range(2):
        assert [await tried(ctx, "ANN", "wrong") for _ in range(4)] == ["117"] * 4
        assert await tried(ctx, "ANN") == "000"


async def test_nobody_is_answered_as_somebody_is(shop: Shop) -> None:
    ctx = shop.contexts[0]
    assert [await tried(ctx, "NOBODY", PASSWORD) for _ in range(6)] == ["117"] * 5 + ["116"]
    assert await tried(ctx, "nobody") == "117"
    shop.later(hours=24)
    assert await tried(ctx, "NOBODY") == "117"


async def test_a_member_without_a_secret_is_answered_as_with_a_wrong_one(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN")
    assert [await tried(ctx, "ANN") for _ in range(6)] == ["117"] * 5 + ["116"]


async def test_fifty_wrong_passwords_at_once_are_counted_one_by_one(shop: Shop) -> None:
    ctx = shop.contexts[0]
    object.__setattr__(shop.services, "hashing", HashingPool(most=80))
    await person(ctx, "ANN", password=PASSWORD)
    answers = Counter(await asyncio.gather(*(tried(ctx, "ANN", "wrong") for _ in range(50))))
    assert answers == {"117": 5, "116": 45}
    assert await status_of(ctx, "ANN") == 3


async def test_a_right_password_among_wrong_ones_gets_in_before_the_lockout_or_not_at_all(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    guesses = [tried(ctx, "ANN", "wrong") for _ in range(12)] + [tried(ctx, "ANN")]
    answers = await asyncio.gather(*guesses)
    after = await tried(ctx, "ANN")
    assert after == ("116" if Counter(answers)["117"] >= 5 and "116" in answers else "000")


@pytest.mark.parametrize(("status", "code"), [(2, "114"), (3, "116"), (4, "113"), (6, "115")])
async def test_the_status_is_told_to_whom_has_the_right_password_only(shop: Shop, status: int, code: str) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    await set_status(ctx, "ANN", status)
    assert [await tried(ctx, "ANN", "wrong"), await tried(ctx, "ANN")] == ["117", code]
    assert (await get_member(ctx, "ANN")).last_logged_in_at is None


async def test_who_is_restricted_is_told_whom_to_ask(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    await set_status(ctx, "ANN", 6)
    with pytest.raises(MembershipBlocked) as refused:
        await login(ctx, "ANN")
    assert refused.value.text == f"Membership is blocked ({RESTRICTED})"


async def test_a_lockout_makes_3_of_active_and_inactive_only(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    await set_status(ctx, "ANN", 2)
    assert [await tried(ctx, "ANN", "wrong") for _ in range(6)] == ["117"] * 5 + ["116"]
    assert await status_of(ctx, "ANN") == 2
    shop.later(hours=24)
    assert (await status_of(ctx, "ANN"), await tried(ctx, "ANN")) == (2, "114")


async def test_a_3_that_an_administrator_set_does_not_lapse(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    for _ in range(5):
        await tried(ctx, "ANN", "wrong")
    await set_status(ctx, "ANN", 3)
    shop.later(days=2)
    assert (await status_of(ctx, "ANN"), await tried(ctx, "ANN")) == (3, "116")


async def test_a_status_that_is_given_ends_a_lockout(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    for _ in range(5):
        await tried(ctx, "ANN", "wrong")
    await set_status(ctx, "ANN", 1)
    assert await tried(ctx, "ANN") == "000"
    await set_status(ctx, "ANN", 2)
    shop.later(days=2)
    assert await status_of(ctx, "ANN") == 2


async def test_a_lockout_lapses_for_whoever_is_served_after_it(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    for _ in range(5):
        await tried(ctx, "ANN", "wrong")
    assert not shop.services.lockouts.is_due(shop.now) or await status_of(ctx, "ANN") == 3
    shop.later(hours=24)
    assert shop.services.lockouts.is_due(shop.now)
    before = (await get_member(ctx, "ANN")).status
    await lift_lapsed_lockouts(shop.services)
    assert (before, (await get_member(ctx, "ANN")).status) == (3, 1)
    assert not shop.services.lockouts.is_due(shop.now)


async def test_wrong_passwords_of_long_ago_are_not_in_a_row(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    for reference in ("ANN", "NOBODY"):
        for _ in range(4):
            await tried(ctx, reference, "wrong")
    shop.later(days=30)
    assert await tried(ctx, "ANN", "wrong") == "117"
    assert await status_of(ctx, "ANN") == 1
    shop.later(days=31)
    assert await sweep_lockouts(shop.services) == 2
    assert (await contents(ctx))["login_failure"] == []


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


HASHES: list[tuple[Scheme, str, str, str]] = [
    (Scheme.BCRYPT, bcrypt.hashpw(PASSWORD.encode(), b"$2b$04$" + b"a" * 21 + b"u").decode(), "", "$2b$"),
    (Scheme.BCRYPT, bcrypt.hashpw(PASSWORD.encode(), b"$2y$05$" + b"b" * 21 + b"u").decode(), "", "$2y$"),
    (Scheme.MD5, md5(PASSWORD).upper(), "", ""),
    (Scheme.MD5_SALT_FIRST, md5("pepper" + PASSWORD), "pepper", ""),
    (Scheme.MD5_SALT_LAST, md5(PASSWORD + "pepper"), "pepper", ""),
]


@pytest.mark.parametrize(("scheme", "imported", "salt", "start"), HASHES)
async def test_an_imported_hash_is_tried_as_it_is_and_hashed_first(
    shop: Shop, scheme: Scheme, imported: str, salt: str, start: str
) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN")
    await person(ctx, "BOB", password=PASSWORD)
    await import_secret(
        ctx, ImportSecret(relation_reference="ANN", secret=imported, scheme=scheme, salt=salt, force_change=True)
    )
    assert imported.startswith(start)
    assert imported not in str(await contents(ctx))
    assert [await tried(ctx, "ANN"), await tried(ctx, "ANN", imported), await tried(ctx, "ANN", "wrong")] == [
        "000",
        "000",
        "117",
    ]
    assert (await login(ctx, "ANN")).force_change is True
    assert [await tried(ctx, "BOB"), await tried(ctx, "BOB", "wrong"), await tried(ctx, "NOBODY")] == [
        "000",
        "117",
        "117",
    ]


async def test_after_a_merge_the_survivors_password_is_the_one_for_both_references(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password="the password of ann")
    await person(ctx, "BOB", password="the password of bob")
    await merge_members(ctx, MergeMembers(victim="BOB", survivor="ANN"))
    for reference in ("ANN", "BOB"):
        assert await tried(ctx, reference, "the password of ann") == "000"
    assert await tried(ctx, "BOB", "the password of bob") == "117"


async def test_another_program_knows_neither_the_password_nor_the_failures(shop: Shop) -> None:
    one, two = shop.contexts
    await person(one, "ANN", password=PASSWORD)
    await person(two, "ANN", password="another password")
    for _ in range(5):
        await tried(two, "ANN", "wrong")
    assert [await tried(two, "ANN"), await tried(one, "ANN")] == ["116", "000"]


async def test_what_is_refused_beforehand_counts_for_nothing(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await person(ctx, "ANN", password=PASSWORD)
    before = await contents(ctx)
    for reference, password in (("", PASSWORD), ("ANN", "")):
        with pytest.raises(BadRequest):
            await login(ctx, reference, password)
    with pytest.raises(Forbidden):
        await login(bound(ctx, "ANN"), "ANN")
    assert await contents(ctx) == before


async def test_a_locked_out_attempt_is_refused_without_a_hash(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ctx = shop.contexts[0]
    for _ in range(5):
        await tried(ctx, "NOBODY")
    object.__setattr__(shop.services, "hashing", HashingPool(most=0))
    with pytest.raises(LoginBlocked):
        await login(ctx, "NOBODY")


def test_who_may_check_passwords() -> None:
    allowed: dict[str, Any] = {name: Permission.MEMBER_AUTHENTICATE in has for name, has in ROLES.items()}
    assert allowed == {"program-admin": True, "program-manager": False, "customer-executive": False}
    assert Permission.MEMBER_AUTHENTICATE in PROGRAM_PERMISSIONS
