"""Transactions that name a card or an identifier: they reach the one member it is linked to, and nobody by guess."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import KeyReused, TesseraError
from resolvers.batch import open_batch
from resolvers.batch_line import BatchLine
from resolvers.batch_post import Share, post_rows
from resolvers.context import Context
from resolvers.member import UpdateMember, update_member
from resolvers.sub_relation import UnlinkSubRelation, unlink_sub_relation
from resolvers.transaction import SubmitTransaction, submit_transaction, submit_transactions
from tests.resolvers.conftest import Shop, contents
from tests.resolvers.test_sub_relation import MASTER, VISA, link, members
from tests.statements import noted

BUY = SubmitTransaction(
    transaction_id="T1",
    transaction_type="DR",
    amount=Decimal(10),
    transaction_date=datetime(2026, 2, 3),  # noqa: DTZ001 - local time of the program
    card_number=VISA,
)


async def populate(context: Context) -> dict[str, int]:
    """ANN and BOB share an identifier; the cards are their own."""
    ids = await members(context, "ANN", "BOB")
    await link(context)
    await link(context, relation_reference="BOB", card_number=MASTER)
    return ids


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({}, "ANN"),
        ({"card_number": " 4111-1111-1111-1111"}, "ANN"),
        ({"card_number": VISA, "sub_relation_identifier": "0"}, "ANN"),
        ({"card_number": MASTER, "sub_relation_identifier": "A-1"}, "BOB"),
        ({"card_number": VISA, "member_relation_reference": "BOB"}, "BOB"),
        ({"card_number": "0", "member_relation_reference": "BOB"}, "BOB"),
        ({"card_number": None, "sub_relation_identifier": "A-1"}, "118"),
        ({"card_number": "4012888888881881"}, "103"),
        ({"card_number": VISA, "sub_relation_identifier": "A-9"}, "103"),
        ({"card_number": VISA, "member_relation_reference": "NOBODY"}, "103"),
        ({"card_number": "0", "sub_relation_identifier": ""}, "999"),
        ({"card_number": "x" * 101}, "999"),
        ({"card_number": None, "sub_relation_identifier": "A-1", "product_code": "NO"}, "105"),
    ],
)
async def test_a_transaction_reaches_whom_its_card_is_linked_to(shop: Shop, named: dict[str, Any], code: str) -> None:
    context = shop.contexts[0]
    ids = await populate(context)
    before = await contents(context)
    outcome = (await submit_transactions(context, [replace(BUY, **named)]))[0]
    if isinstance(outcome, TesseraError):
        assert outcome.code == code
        assert await contents(context) == before
    else:
        assert (outcome.member_id, int(outcome.points)) == (ids[code], 10)


async def test_a_shared_value_is_refused_before_the_status_of_anybody(shop: Shop) -> None:
    context = shop.contexts[0]
    await populate(context)
    for reference in ("ANN", "BOB"):
        await update_member(context, UpdateMember(values={"status": 2}, relation_reference=reference))
    by_both = await submit_transactions(context, [replace(BUY, card_number=None, sub_relation_identifier="A-1"), BUY])
    assert [one.code for one in by_both if isinstance(one, TesseraError)] == ["118", "114"]


async def test_what_was_unlinked_reaches_nobody_and_what_is_of_another_program_neither(shop: Shop) -> None:
    ours, theirs = shop.contexts
    await members(ours, "ANN")
    linked = await link(ours)
    for context in (theirs, ours):
        if context is ours:
            await unlink_sub_relation(ours, UnlinkSubRelation(sub_relation_id=linked.id))
        outcome = (await submit_transactions(context, [BUY]))[0]
        assert isinstance(outcome, TesseraError)
        assert outcome.code == "103"


async def test_a_key_covers_card_and_identifier(shop: Shop) -> None:
    context = shop.contexts[0]
    await populate(context)
    keyed = replace(BUY, idempotency_key="k")
    first = await submit_transaction(context, keyed)
    assert (await submit_transaction(context, replace(keyed, card_number="4111 1111 1111 1111"))).id == first.id
    before = await contents(context)
    others: tuple[dict[str, Any], ...] = (
        {"card_number": MASTER},
        {"sub_relation_identifier": "A-1"},
        {"member_relation_reference": "ANN"},
        {"card_number": None, "member_relation_reference": "ANN"},
    )
    for changes in others:
        with pytest.raises(KeyReused):
            await submit_transaction(context, replace(keyed, **changes))
    assert await contents(context) == before
    assert VISA not in repr(before)


async def test_many_transactions_cost_the_statements_of_one(shop: Shop) -> None:
    context = shop.contexts[0]
    await populate(context)
    for number in range(20):
        await link(context, card_number=f"GIFT-{number}", sub_relation_identifier=f"G-{number}")
    counts = []
    for size in (1, 20):
        rows = [
            replace(
                BUY, transaction_id=f"{size}-{number}-{place}", card_number=card, sub_relation_identifier=identifier
            )
            for number in range(size)
            for place, (card, identifier) in enumerate(((f"GIFT-{number}", None), (None, f"G-{number}")))
        ]
        with noted() as statements:
            outcomes = await submit_transactions(context, rows)
        assert not [one for one in outcomes if isinstance(one, TesseraError)]
        counts.append(len([one for one, _ in statements if "sub_relation" in one]))
    assert counts == [1, 1]


async def test_rows_of_a_file_name_cards_too(shop: Shop) -> None:
    context = shop.contexts[0]
    await populate(context)
    batch = await open_batch(context, file_type="TXN", file_name="July_TXN.csv", sha256="0" * 64)
    shared = replace(BUY, transaction_id="T2", card_number=None, sub_relation_identifier="A-1")
    lines = [BatchLine(line=line, command=command) for line, command in enumerate((BUY, shared), 2)]
    rows = await post_rows(context, batch.id, Share(lines=lines))
    assert [(row.code, int(row.points)) for row in rows] == [("000", 10), ("118", 0)]
