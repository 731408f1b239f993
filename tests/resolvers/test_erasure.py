"""Erasing a member: nothing of the person is left in any column, all numbers are, and nobody comes back by a retry."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, insert, select

from domain.access import PROGRAM_PERMISSIONS, ROLES, Permission
from domain.crypto import encrypt
from domain.errors import (
    BadRequest,
    CancelledMemberUpdate,
    DuplicateRecord,
    Forbidden,
    InvalidAttribute,
    KeyReused,
    MemberCancelled,
    MemberNotFound,
    TesseraError,
)
from domain.models import audit_entry, ledger_entry, member_erasure, outbox
from domain.store.digest import ledger_digest
from domain.store.member import find_members
from resolvers.context import Context
from resolvers.erasure import _erase, erase_member
from resolvers.member import (
    EnrollMember,
    ImportMember,
    UpdateMember,
    enroll_member,
    get_member,
    get_member_by_unique_attribute,
    import_members,
    list_members,
    list_members_by_id,
    update_member,
)
from resolvers.redemption import ReverseRedemption, redeem_points, reverse_redemption
from resolvers.statement import list_balances, list_entries_by_id
from resolvers.sub_relation import LinkSubRelation, link_sub_relation, list_members_by_sub_relation
from resolvers.transaction import post_transactions, submit_transaction
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop, contents
from tests.resolvers.person import ANN, ann, purchase, redemption, revealed


async def test_nothing_of_the_person_is_left_and_every_number_is(shop: Shop) -> None:
    context, member_id, _ = await ann(shop)
    assert revealed(await contents(context)) >= {"ann-4711", "Annie", "Klingon", "A-LINK-1", "gift-for-bob"}
    before, balance = await contents(context), await list_balances(context, [member_id])
    shop.later(days=1)
    erased = await erase_member(context, "ann-4711")
    after = await contents(context)
    assert (erased.member_id, erased.erased_at, erased.replayed) == (member_id, shop.now, False)
    assert revealed(after) == set()
    for table in ("account", "ledger_entry", "lot", "lot_trace"):
        assert after[table] == before[table]
    assert await list_balances(context, [member_id]) == balance
    assert await verify_ledger(shop.services) == []
    assert await context.read(lambda tx: len(ledger_digest(tx, context.principal.program))) == 64


async def test_what_is_left_is_a_cancelled_member_without_a_name(shop: Shop) -> None:
    context, member_id, _ = await ann(shop)
    await erase_member(context, "ann-4711")
    left = await get_member(context, f"ERASED-{member_id}")
    assert (left.status, left.erased_at, left.full_name, left.dob, dict(left.attributes)) == (
        4,
        shop.now,
        None,
        None,
        {},
    )
    assert (await list_members_by_id(context, [member_id]))[member_id] == left
    assert left in await list_members(context, first=10)
    with pytest.raises(MemberCancelled):
        await submit_transaction(context, purchase(left.relation_reference, "T2"))
    with pytest.raises(MemberCancelled):
        await redeem_points(context, redemption(left.relation_reference))
    with pytest.raises(CancelledMemberUpdate):
        await update_member(context, UpdateMember(values={"full_name": "Ann"}, member_id=member_id))
    row = ImportMember(values={"relation_reference": left.relation_reference}, action="REACTIVATE")
    outcome = (await context.write(lambda tx: import_members(tx, context, context.program(tx), [row])))[0]
    assert isinstance(outcome, CancelledMemberUpdate)
    link = LinkSubRelation(relation_reference=left.relation_reference, type="DEVICE", sub_relation_identifier="D")
    with pytest.raises(CancelledMemberUpdate):
        await link_sub_relation(context, link)


async def test_every_look_up_of_an_erased_member_finds_nobody(shop: Shop) -> None:
    context, _, redeemed = await ann(shop)
    await erase_member(context, "ann-4711")
    with pytest.raises(MemberNotFound):
        await get_member(context, "ann-4711")
    for key in ("relation_reference", "email_id", "mobile_number", "passport"):
        with pytest.raises(MemberNotFound):
            await get_member_by_unique_attribute(context, key, str(ANN[key]))
    assert await list_members_by_sub_relation(context, "4111111111111111", None, first=10) == []
    with pytest.raises(MemberNotFound):
        await submit_transaction(context, replace(purchase("ann-4711", "T3"), idempotency_key=None))
    with pytest.raises(MemberNotFound):
        await redeem_points(context, redemption("ann-4711"))
    reversal = ReverseRedemption(relation_reference="ann-4711", external_reference=redeemed, merchant_name="Shop")
    with pytest.raises(MemberNotFound):
        await reverse_redemption(context, reversal)


async def test_a_redemption_of_an_erased_member_may_be_reversed(shop: Shop) -> None:
    context, member_id, redeemed = await ann(shop)
    await erase_member(context, "ann-4711")
    reference = f"ERASED-{member_id}"
    await reverse_redemption(
        context, ReverseRedemption(relation_reference=reference, external_reference=redeemed, merchant_name="Shop")
    )
    assert await verify_ledger(shop.services) == []


async def test_erasing_again_does_nothing_again(shop: Shop) -> None:
    context, member_id, _ = await ann(shop)
    first = await erase_member(context, "ann-4711")
    before = await contents(context)
    shop.later(days=1)
    for reference in ("ann-4711", f"ERASED-{member_id}"):
        assert await erase_member(context, reference) == replace(first, replayed=True)
    with pytest.raises(MemberNotFound):
        await erase_member(context, "ANN-4711")
    assert await contents(context) == before


async def test_the_old_reference_makes_a_new_member_who_can_be_erased_too(shop: Shop) -> None:
    context, member_id, _ = await ann(shop)
    await erase_member(context, "ann-4711")
    fresh = (await enroll_member(context, EnrollMember(values=ANN))).member
    assert (fresh.id == member_id, fresh.full_name) == (False, "Ann Example")
    assert (await list_balances(context, [fresh.id]))[fresh.id].available == 0
    shop.later(days=1)
    assert await erase_member(context, "ann-4711") == await latest(context, fresh.id, shop.now)
    erased = await context.read(lambda tx: tx.execute(select(member_erasure.c.member_id)).scalars().all())
    assert set(erased) == {member_id, fresh.id}
    assert revealed(await contents(context)) == set()


async def latest(context: Context, member_id: int, now: datetime) -> Any:
    """What the erasure says when it is asked for again."""
    again = await erase_member(context, "ann-4711")
    assert (again.member_id, again.erased_at, again.replayed) == (member_id, now, True)
    return replace(again, replayed=False)


async def test_a_late_retry_brings_nobody_back_and_money_still_replays(shop: Shop) -> None:
    context, member_id, _ = await ann(shop)
    first = await submit_transaction(context, purchase("ann-4711"))
    await erase_member(context, "ann-4711")
    with pytest.raises(KeyReused):
        await enroll_member(context, EnrollMember(values=ANN, idempotency_key="enrol"))
    change = UpdateMember(values={"full_name": "Ann Example"}, member_id=member_id, idempotency_key="update")
    with pytest.raises(KeyReused):
        await update_member(context, change)
    again = await submit_transaction(context, purchase("ann-4711"))
    assert (again.replayed, again.id) == (True, first.id)


async def test_an_erasure_is_audited_and_told_without_a_name(shop: Shop) -> None:
    context, member_id, _ = await ann(shop)
    await erase_member(context, "ann-4711")

    def told(tx: Connection) -> tuple[Any, Any]:
        entry = tx.execute(select(audit_entry).where(audit_entry.c.action == "member.erase")).one()
        event = tx.execute(select(outbox).where(outbox.c.topic == "member.erased")).one()
        return (entry.subject, entry.before, entry.after), (event.member_id, event.payload)

    audited, event = await context.read(told)
    assert audited == (f"member:{member_id}", {"status": 1}, {"status": 4})
    assert event == (member_id, f'{{"member_id":{member_id}}}')


async def test_a_narration_of_an_erased_member_cannot_be_read_and_stops_nothing(shop: Shop) -> None:
    context, member_id, _ = await ann(shop)
    keys, program_id = shop.services.keys, context.principal.program

    def narrate(tx: Connection) -> int:
        # Nothing narrates a posting yet, and a posting is never changed: this is a copy of one with a narration.
        stored = find_members(tx, keys, program_id, ids=[member_id])[0]
        entry = dict(tx.execute(select(ledger_entry).order_by(ledger_entry.c.id.desc()).limit(1)).one()._mapping)
        entry |= {"id": entry["id"] + 1000, "seq": entry["seq"] + 1000, "external_reference": uuid4()}
        entry["narration"] = encrypt(stored.data_key, "for Bob's birthday")
        tx.execute(insert(ledger_entry).values(entry))
        assert keys.reveal(stored.wrapped_key, entry["narration"]) == "for Bob's birthday"
        return int(entry["id"])

    entry_id = await context.write(narrate)
    await erase_member(context, "ann-4711")

    def read(tx: Connection) -> str | None:
        stored = find_members(tx, keys, program_id, ids=[member_id])[0]
        sealed = tx.scalar(select(ledger_entry.c.narration).where(ledger_entry.c.id == entry_id))
        return keys.reveal(stored.wrapped_key, sealed)

    assert await context.read(read) is None
    assert (await list_entries_by_id(context, [entry_id]))[entry_id].stored.member_id == member_id


async def test_only_administrators_erase_and_only_in_their_program(shop: Shop) -> None:
    context, _, _ = await ann(shop)
    before = await contents(context)
    server = replace(context, principal=replace(context.principal, permissions=PROGRAM_PERMISSIONS))
    cases: tuple[tuple[Context, str, type[TesseraError]], ...] = (
        (server, "ann-4711", Forbidden),
        (context, "", BadRequest),
        (context, "nobody", MemberNotFound),
        (shop.contexts[1], "ann-4711", MemberNotFound),
    )
    for caller, reference, error in cases:
        with pytest.raises(error):
            await erase_member(caller, reference)
    assert await contents(context) == before
    assert [role for role, allowed in ROLES.items() if Permission.MEMBER_ERASE in allowed] == ["program-admin"]


async def test_nobody_is_enrolled_under_a_reference_that_an_erased_member_may_get(shop: Shop) -> None:
    context, member_id, _ = await ann(shop)
    before = await contents(context)
    for reference in ("ERASED-7", "erased-7"):
        with pytest.raises(InvalidAttribute):
            await enroll_member(context, EnrollMember(values={"relation_reference": reference}))
    assert await contents(context) == before
    await erase_member(context, "ann-4711")
    with pytest.raises(DuplicateRecord):
        await enroll_member(context, EnrollMember(values={"relation_reference": f"ERASED-{member_id}"}))


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="session")
async def test_a_purchase_that_is_being_stored_is_forgotten_as_well(shop: Shop) -> None:
    context, _, _ = await ann(shop)
    posted, state = asyncio.Event(), await context.read(context.program)

    def slowly(tx: Connection) -> None:
        [outcome] = post_transactions(tx, context, state, [purchase("ann-4711", "T-late")])
        assert not isinstance(outcome, TesseraError)
        posted.set()
        tx.exec_driver_sql("SELECT pg_sleep(0.5)")

    buying = asyncio.create_task(context.write(slowly))
    await asyncio.wait([buying, asyncio.create_task(posted.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert posted.is_set()
    await erase_member(context, "ann-4711")
    assert buying.done()
    await buying
    assert revealed(await contents(context)) == set()


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="session")
async def test_a_purchase_that_met_the_member_before_the_erasure_is_refused(shop: Shop) -> None:
    context, _, _ = await ann(shop)
    erased = asyncio.Event()

    def slowly(tx: Connection) -> None:
        _erase(tx, context, "ann-4711")
        erased.set()
        tx.exec_driver_sql("SELECT pg_sleep(0.5)")

    erasing = asyncio.create_task(context.write(slowly))
    await asyncio.wait([erasing, asyncio.create_task(erased.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert erased.is_set()
    before = await counts(context)
    with pytest.raises(MemberNotFound):
        await submit_transaction(context, purchase("ann-4711", "T-late"))
    await erasing
    assert revealed(await contents(context)) == set()
    assert (await counts(context))["member_transaction"] == before["member_transaction"]


async def counts(context: Context) -> dict[str, int]:
    """How many rows each table has."""
    return {table: len(rows) for table, rows in (await contents(context)).items()}
