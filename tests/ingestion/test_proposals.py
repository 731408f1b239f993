"""Files of attribute definitions: they propose, and an administrator decides."""

from typing import Any

import pytest

from domain.errors import ConfigurationChanged, ConfigurationRefused, RedemptionNotFound
from resolvers.attribute_proposal import (
    ApplyProposals,
    apply_attribute_proposals,
    dismiss_attribute_proposals,
    list_attribute_proposals,
)
from resolvers.configuration import get_configuration
from resolvers.program import apply_configuration
from tests.ingestion.desk import Desk

HEADER = "entity,key,name,data_type,mandatory,unique,pi,selection_values"


def definitions(*rows: str) -> str:
    """A file of these rows."""
    return "\n".join([HEADER, *rows, ""])


async def keys_in_force(desk: Desk, section: str = "member_attributes") -> list[str]:
    return [one["key"] for one in (await get_configuration(desk.ctx)).document[section]]


async def proposed(desk: Desk) -> list[Any]:
    return await list_attribute_proposals(desk.ctx, first=100)


async def test_a_row_waits_for_an_administrator_who_applies_it(desk: Desk) -> None:
    version = (await get_configuration(desk.ctx)).version
    rows = ("member,shoe_size,Shoe size,int,,,,", 'transaction,shop,Shop,selection,true,,,"north;south"')
    await desk.load("July_ATT.csv", definitions(*rows))
    assert [row["message"] for row in desk.results("July_ATT")] == ["Success (waits for an administrator)"] * 2
    assert (await get_configuration(desk.ctx)).version == version
    shoe, shop = await proposed(desk)
    assert (shoe.entity, shoe.definition["key"], shoe.changes, shoe.source) == (
        "member", "shoe_size", False, "file:July_ATT.csv:2",
    )  # fmt: skip
    assert shop.definition["values"] == ["north", "south"]
    with pytest.raises(ConfigurationChanged):
        await apply_attribute_proposals(desk.ctx, ApplyProposals(ids=[shoe.id], expected_version=version - 1))
    applied = await apply_attribute_proposals(desk.ctx, ApplyProposals(ids=[shoe.id], expected_version=version))
    assert (applied.version, applied.changed) == (version + 1, True)
    assert "shoe_size" in await keys_in_force(desk)
    assert [one.id for one in await proposed(desk)] == [shop.id]
    with pytest.raises(RedemptionNotFound):
        await apply_attribute_proposals(desk.ctx, ApplyProposals(ids=[shoe.id, shop.id]))
    await dismiss_attribute_proposals(desk.ctx, [shop.id])
    assert await proposed(desk) == []
    assert await keys_in_force(desk, "transaction_attributes") == ["quantity"]
    with pytest.raises(RedemptionNotFound):
        await dismiss_attribute_proposals(desk.ctx, [shop.id])


async def test_what_stands_already_is_accepted_with_nothing_to_do(desk: Desk) -> None:
    same = "transaction,quantity,Quantity,int,false,,,"
    await desk.load("July_ATT.csv", definitions(same))
    assert [row["message"] for row in desk.results("July_ATT")] == ["Success (stands already)"]
    assert await proposed(desk) == []


async def test_a_newer_proposal_takes_the_place_of_an_older_one(desk: Desk) -> None:
    await desk.load("July_ATT.csv", definitions("member,shoe_size,Shoe size,int,,,,"))
    [first] = await proposed(desk)
    await desk.load("Same_ATT.csv", definitions("member,shoe_size,Shoe size,int,,,,", "member,hat,Hat,int,,,,"))
    assert [one.id for one in await proposed(desk)][0] == first.id
    await desk.load("August_ATT.csv", definitions("member,shoe_size,Shoe size,decimal,,,,"))
    _, newer = await proposed(desk)
    assert (newer.definition["type"], newer.source) == ("decimal", "file:August_ATT.csv:2")
    with pytest.raises(RedemptionNotFound):
        await apply_attribute_proposals(desk.ctx, ApplyProposals(ids=[first.id]))


@pytest.mark.parametrize(
    ("row", "code", "told"),
    [
        ("shop,a,A,int,,,,", "1300", "entity: must be one of transaction, member"),
        ("member,a b,A,int,,,,", "1300", "member_attributes[0].key"),
        ("member,a,A,float,,,,", "1300", "member_attributes[0].type"),
        ("member,a,A,selection,,,,", "1300", "values: is missing for a selection"),
        ("member,a,A,int,perhaps,,,", "1300", "mandatory: "),
        ("member,points,A,int,,,,", "1300", "is reserved"),
        ("member,status,Status,date,,,,", "1300", "the fixed attribute is of type"),
        ('member,a,A,selection,,,,"""x"', "1300", "selection_values: not readable"),
        # Rules multiply by it, so it cannot become a text.
        ("transaction,quantity,Quantity,string,,,,", "1300", "rule_groups[1].rules[0]"),
        ("member,,A,int,,,,", "999", "key: is missing"),
        ("member,twice,A,date,,,,", "1300", "key: line 2 of the file defines it in another way"),
    ],
)
async def test_a_definition_that_cannot_be_is_refused_alone(desk: Desk, row: str, code: str, told: str) -> None:
    await desk.load("July_ATT.csv", definitions("member,twice,A,int,,,,", row, "member,good,Good,int,,,,"))
    [_, refused, accepted] = desk.results("July_ATT")
    assert (refused["status"], refused["code"], accepted["status"]) == ("REJECTED", code, "ACCEPTED")
    assert told in refused["message"]
    assert sorted(one.definition["key"] for one in await proposed(desk)) == ["good", "twice"]


async def test_what_no_longer_fits_is_refused_when_it_is_applied(desk: Desk) -> None:
    await desk.load("July_ATT.csv", definitions("member,age,Age,int,,,,"))
    [one] = await proposed(desk)
    rule = (
        b"version: 1\nmember_attributes: [{key: age, name: Age, type: string}]\nrule_groups:\n  - name: Age\n    rules:"
        b" [{name: A, when: {attribute: member.age, op: eq, value: old}, award: {type: flat, points: 1}}]\n"
    )
    await apply_configuration(desk.ctx, rule)
    before = await desk.counts()
    with pytest.raises(ConfigurationRefused):
        await apply_attribute_proposals(desk.ctx, ApplyProposals(ids=[one.id]))
    assert await desk.counts() == before
    assert [item.id for item in await proposed(desk)] == [one.id]
