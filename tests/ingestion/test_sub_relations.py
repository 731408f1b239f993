"""Files of cards and accounts: the same links, and the same refusals, as by a call."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.errors import TesseraError
from ingestion.columns.sub_relation import SUB_RELATIONS
from resolvers.sub_relation import LinkSubRelation, SubRelation, link_sub_relation, list_sub_relations
from tests.ingestion.desk import MEMBERS, Desk

HEADER = (
    "member_relation_reference,card_number,sub_relation_identifier,sub_relation_type,last_six_digits,product_code,"
    "expiry_date,status"
)


def cards(*rows: str) -> str:
    """A file of these rows."""
    return "\n".join([HEADER, *rows, ""])


async def linked(desk: Desk, reference: str) -> list[SubRelation]:
    return await list_sub_relations(desk.ctx, reference)


async def test_a_row_links_changes_and_says_the_same_again(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    rows = (
        "M1,4111 1111 1111 1111,,CREDIT,,GOLD,2030-01-31,active",
        "M1,,A-1,account,,,,",
        "M2,4111111111111111,0,,,,,",
        # The same pair again changes it, in the same chunk as well; what is left out stays.
        "M1,4111-1111-1111-1111,0,,111111,,,closed",
    )
    loaded = await desk.load("July_CRD.csv", cards(*rows))
    assert (loaded.batch.accepted, loaded.batch.rejected) == (4, 0)
    card, account = await linked(desk, "M1")
    assert (card.type, card.card_number, card.card_last_four, card.product_code) == ("CARD", None, "1111", "GOLD")
    assert (card.status, card.last_six_digits, str(card.expiry_date), card.version) == (
        "closed", "111111", "2030-01-31", 2,
    )  # fmt: skip
    assert (account.type, account.identifier, account.version) == ("ACCOUNT", "A-1", 1)
    assert [one.card_hash for one in await linked(desk, "M2")] == [card.card_hash]
    counts = await desk.counts()
    again = await desk.load("Again_CRD.csv", cards(*rows[1:3]))
    assert again.batch.accepted == 2
    assert (await desk.counts())["sub_relation"] == counts["sub_relation"]


async def test_the_published_names_of_the_columns_are_read(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load("July_CRD.csv", "memberRelationRef,cardNumber,subRelationType\nM1,4711,DEBIT\n")
    [card] = await linked(desk, "M1")
    assert (card.type, card.card_number) == ("CARD", "4711")


REFUSED = {
    "unknown member": ("M99,4711,,,,,,", "103"),
    "no member": (",4711,,,,,,", "999"),
    "no pair": ("M1,0,,,,,,", "999"),
    "a type that is none": ("M1,4711,,WATCH,,,,", "998"),
    "a card number as identifier": ("M1,,4111111111111111,CARD,,,,", "998"),
    "seven digits": ("M1,4711,,,1234567,,,", "998"),
    "a half of another pair": ("M1,4712,B-1,,,,,", "119"),
    "a date that is none": ("M1,4711,,,,,2030-02-31,", "999"),
    "a cancelled member": ("M3,4711,,,,,,", "1204"),
    "control characters": ("M1,4711,,,,a\x01b,,", "999"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_row_is_refused_as_a_call_is_and_alone(desk: Desk, case: str) -> None:
    row, code = REFUSED[case]
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load("Closed_CPD.csv", "relation_reference,action\nM3,CLOSE\n")
    await desk.load("First_CRD.csv", cards("M1,4713,B-1,,,,,"))
    await desk.load("July_CRD.csv", cards(row, "M2,4714,,,,,,"))
    refused, accepted = desk.results("July_CRD")
    assert (refused["status"], refused["code"], accepted["status"]) == ("REJECTED", code, "ACCEPTED")
    assert len(await linked(desk, "M1")) == 1
    assert desk.rejects("July_CRD").decode() == cards(row)
    command = _command(row)
    if command is not None:
        before = await desk.counts()
        with pytest.raises(TesseraError) as raised:
            await link_sub_relation(desk.ctx, command)
        assert (raised.value.code, raised.value.text) == (code, refused["message"])
        assert await desk.counts() == before


def _command(row: str) -> LinkSubRelation | None:
    """The command of the API with the values of a row; None where it has no place for them."""
    values: Mapping[str, Any] = dict(zip(HEADER.split(","), row.split(","), strict=True))
    if values["expiry_date"] or not values["member_relation_reference"]:
        return None
    return LinkSubRelation(
        relation_reference=values["member_relation_reference"],
        type=values["sub_relation_type"] or None,
        **{name: values[name] or None for name in sorted(SUB_RELATIONS.columns & set(values)) if name in _SAME},
    )


_SAME = {"card_number", "sub_relation_identifier", "last_six_digits", "product_code", "status"}


async def test_a_card_number_is_told_by_nothing_that_is_written(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load("July_CRD.csv", cards("M1,4111111111111111,,,,,,", "M1,,4111111111111111,CARD,,,,"))
    told = (desk.handback / "July_CRD.result.csv").read_text() + (desk.handback / "July_CRD.summary.json").read_text()
    assert "4111" not in told
