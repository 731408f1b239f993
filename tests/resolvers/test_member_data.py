"""A person is told everything that is stored on them, and nothing that would let anybody in."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from domain.access import PROGRAM_PERMISSIONS, ROLES, Permission
from domain.errors import BadRequest, Forbidden, MemberNotFound
from domain.models import METADATA, audit_entry
from domain.store.member_data import OMITTED, SECTIONS
from resolvers.context import Context
from resolvers.member_data import FORMAT, as_json, export_member_data
from resolvers.password import ImportSecret, import_secret
from tests.resolvers.conftest import Shop, contents
from tests.resolvers.person import ANN, ann

PASSWORD = "a password that nobody is told"


def words(value: Any) -> set[str]:
    """Every text in a document."""
    if isinstance(value, dict):
        return set().union(*(words(one) for one in value.values()), set())
    if isinstance(value, list):
        return set().union(*(words(one) for one in value), set())
    return {str(value)}


async def test_everything_is_told_and_no_secret(shop: Shop) -> None:
    context, member_id, reference = await ann(shop)
    await import_secret(context, ImportSecret(relation_reference="ann-4711", secret=PASSWORD))
    told = orjson.loads(as_json(await export_member_data(context, "ann-4711")))
    assert told["format"] == FORMAT
    assert words(told) >= {str(value) for key, value in ANN.items() if key != "status"} | {"A-LINK-1", "gift-for-bob"}
    assert [one["external_reference"] for one in told["postings"] if one["kind"] == "redemption"] == [reference]
    for name in ("accounts", "transactions", "postings", "lots", "lot_traces", "sub_relations", "passwords"):
        assert told[name], name
    text = orjson.dumps(told).decode()
    for secret in ("4111111111111111", "argon2", PASSWORD, "_hash", "refresh_key"):
        assert secret not in text
    assert told["members"][0]["id"] == member_id


async def test_of_others_nothing_is_told(shop: Shop) -> None:
    context, _, _ = await ann(shop)
    from resolvers.member import EnrollMember, enroll_member

    other = await enroll_member(context, EnrollMember(values={"relation_reference": "bob", "full_name": "Bob Other"}))
    told = await export_member_data(context, "bob")
    assert [one["id"] for one in told["members"]] == [other.member.id]
    assert "ann-4711" not in words(told)
    assert {one["member_id"] for one in told["accounts"]} == {other.member.id}
    with pytest.raises(MemberNotFound):
        await export_member_data(shop.contexts[1], "ann-4711")


async def test_it_stands_in_the_audit_trail_without_what_was_told(shop: Shop) -> None:
    context, member_id, _ = await ann(shop)
    await export_member_data(context, "ann-4711")
    query = select(audit_entry).where(audit_entry.c.action == "member.export")
    [row] = await context.read(lambda tx: tx.execute(query).all())
    assert (row.subject, row.before, row.after, row.actor) == (
        f"member:{member_id}",
        None,
        None,
        context.principal.actor,
    )


@pytest.mark.parametrize(
    "permissions",
    [
        PROGRAM_PERMISSIONS,
        ROLES["program-manager"],
        ROLES["customer-executive"],
        ROLES["program-admin"] - {Permission.PERSONAL_INFORMATION},
    ],
)
async def test_who_may_not_is_told_nothing(permissions: frozenset[Permission], shop: Shop) -> None:
    context, _, _ = await ann(shop)
    before = await contents(context)
    narrow: Context = replace(context, principal=replace(context.principal, permissions=permissions))
    with pytest.raises(Forbidden):
        await export_member_data(narrow, "ann-4711")
    for reference, refusal in (("", BadRequest), ("nobody", MemberNotFound)):
        with pytest.raises(refusal):
            await export_member_data(context, reference)
    assert await contents(context) == before


def test_no_table_that_names_members_is_forgotten() -> None:
    named = {
        table.name for table in METADATA.sorted_tables if {"member_id", "account_id", "entry_id"} & set(table.c.keys())
    }
    told = {section.table.name for section in SECTIONS.values()}
    assert named | {"member"} == told | set(OMITTED)
    assert told & set(OMITTED) == set()
