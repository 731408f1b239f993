"""One item or section of a configuration: the document that comes of it, races, and the audit trail."""

import asyncio
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from domain.errors import ConfigurationChanged, ConfigurationRefused
from domain.models import audit_entry
from domain.rules.join import join_documents
from resolvers.attribute_file import read_csv, read_json, write_csv, write_json
from resolvers.configuration import get_configuration
from resolvers.configuration_item import (
    SaveConfigurationItem,
    remove_item,
    save_configuration_item,
    save_item,
)
from tests.resolvers.conftest import Shop

TIERS = {"assessment": "manual", "levels": [{"name": "Silver", "from": 0}, {"name": "Gold", "from": "500.5"}]}


@pytest.mark.parametrize("section", ["aggregates", "segments", "campaigns", "examples", "product_codes"])
def test_items_keep_their_places(section: str) -> None:
    by = {"aggregates": "key", "product_codes": "code"}.get(section, "name")
    document: dict[str, Any] = {"version": 1}
    for name in ("A", "B", "C"):
        document = save_item(document, section, {by: name, "old": True})
    document = save_item(document, section, {by: "B"})
    assert document == {"version": 1, section: [{by: "A", "old": True}, {by: "B"}, {by: "C", "old": True}]}
    assert [one[by] for one in remove_item(document, section, "A")[section]] == ["B", "C"]
    with pytest.raises(ConfigurationRefused, match="'D'"):
        remove_item(document, section, "D")


def test_levels_ascend_wherever_one_is_added() -> None:
    added = save_item({"tiers": TIERS}, "levels", {"name": "Bronze", "from": 100})
    assert [one["name"] for one in added["tiers"]["levels"]] == ["Silver", "Bronze", "Gold"]
    assert added["tiers"]["assessment"] == "manual"
    assert [one["name"] for one in remove_item(added, "levels", "Silver")["tiers"]["levels"]] == ["Bronze", "Gold"]
    joined = join_documents({"tiers": TIERS}, {"tiers": {"levels": [{"name": "Bronze", "from": 100}]}})
    assert joined == added
    for strange in ({"name": "X"}, {"name": "X", "from": "many"}, {"name": "X", "from": None}):
        assert save_item({"tiers": TIERS}, "levels", strange)["tiers"]["levels"][-1] == strange


def test_tiers_are_merged_and_their_levels_given_whole() -> None:
    saved = save_item({"tiers": TIERS}, "tiers", {"levels": [{"name": "Gold", "from": 1}]})
    assert saved["tiers"] == {"assessment": "manual", "levels": [{"name": "Gold", "from": 1}]}
    assert save_item({}, "referrals", {"enabled": True}) == {"referrals": {"enabled": True}}


async def test_of_two_changes_from_one_version_one_is_stored(shop: Shop) -> None:
    ctx = shop.contexts[0]
    version = (await get_configuration(ctx)).version

    async def save(code: str) -> int | type[Exception]:
        command = SaveConfigurationItem(section="product_codes", item={"code": code}, expected_version=version)
        try:
            return (await save_configuration_item(ctx, command)).version
        except ConfigurationChanged as refusal:
            return type(refusal)

    outcomes = await asyncio.gather(*(save(f"P{number}") for number in range(4)))
    assert sorted(map(str, outcomes)) == sorted(map(str, [version + 1, *[ConfigurationChanged] * 3]))


async def test_changes_that_name_no_version_are_all_stored(shop: Shop) -> None:
    ctx = shop.contexts[0]
    commands = [SaveConfigurationItem(section="product_codes", item={"code": f"P{number}"}) for number in range(4)]
    await asyncio.gather(*(save_configuration_item(ctx, command) for command in commands))
    codes = {one["code"] for one in (await get_configuration(ctx)).document["product_codes"]}
    assert codes == {"MUSIC", "P0", "P1", "P2", "P3"}


async def test_the_audit_trail_says_what_was_changed(shop: Shop) -> None:
    ctx = shop.contexts[0]
    rule = {"name": "Two", "award": {"type": "flat", "points": 2}}
    saved = await save_configuration_item(ctx, SaveConfigurationItem(section="rules", group="Base", item=rule))

    def last(tx: Connection) -> Any:
        own = select(audit_entry).where(audit_entry.c.program_id == ctx.principal.program)
        return tx.execute(own.order_by(audit_entry.c.seq.desc()).limit(1)).one()

    entry = await ctx.read(last)
    assert (entry.action, entry.subject) == ("configuration.apply", f"configuration:{saved.version}")
    assert entry.before["version"] == saved.version - 1
    assert entry.after["change"] == {"action": "save", "section": "rules", "group": "Base", "name": "Two"}


_NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Co", "Cn"]), min_size=1, max_size=8) | st.sampled_from(
    ["=1+1", "'=1", "''@x", "+", "-1", "a;b", '"q"', "'plain"]
)


@given(
    st.lists(st.fixed_dictionaries({"name": _NAMES, "values": st.lists(_NAMES, min_size=1, max_size=3)}), max_size=4)
)
def test_what_is_written_is_read_back_equal_and_is_no_formula(drawn: list[dict[str, Any]]) -> None:
    given_ones = [
        {
            "key": f"k{number}",
            "name": normalize("NFC", one["name"]),
            "type": "selection",
            "mandatory": False,
            "unique": number % 2 == 0,
            "pi": True,
            "values": [normalize("NFC", value) for value in one["values"]],
        }
        for number, one in enumerate(drawn)
    ]
    document = {"version": 1, "transaction_attributes": [], "member_attributes": given_ones}
    assert read_json(write_json(document)) == document
    text = write_csv(document)
    assert read_csv(text) == document
    assert read_csv("\ufeff" + text) == document
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in text.replace('"', "").split(","))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "line 1: no column entity"),
        ("entity,key,name,data_type,colour\n", "unknown column 'colour'"),
        ("entity,key,name,data_type,key\n", "line 1: a column stands twice"),
        ("entity,key,name,data_type\nmember,a,A\n", "line 2: 3 cells"),
        ("entity,key,name,data_type\ncard,a,A,int\n", "line 2: entity"),
        ("entity,key,name,data_type\n,a,A,int\n", "line 2: entity"),
        ("entity,key,name,data_type,pi\n\nmember,a,A,int,perhaps\n", "line 3: pi"),
        ('entity,key,name,data_type\nmember,"a\n', "not readable as CSV"),
        ('entity,key,name,data_type,selection_values\nmember,a,A,selection,"""x""y"\n', "line 2: selection_values"),
        (f"entity,key,name,data_type\nmember,a,{'x' * 200_000},int\n", "line 2: not readable as CSV"),
        ("entity,key,name,data_type\n" + "member,a,A,int\n" * 100_000, "larger than 1 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(content: str, told: str) -> None:
    with pytest.raises(ConfigurationRefused) as refusal:
        read_csv(content)
    assert told in refusal.value.text
