"""Members: the list, the search, enrolling by hand, the profile, cards and ids, sessions, messages, the trail."""

import html
import re

import pytest
from sqlalchemy import select

from domain.access import Permission
from domain.models import audit_entry
from resolvers.member import EnrollMember, Member, enroll_member, get_member
from resolvers.role import save_role
from resolvers.sub_relation import list_sub_relations
from tests.portal.world import Browser, World

ANN = {"relation_reference": "ANN", "status": 1, "full_name": "Ann Lee", "email_id": "ann@shop.example"}


@pytest.fixture
async def ann(world: World) -> Member:
    """A member of program 1; program 2 has one of the same reference, with an id that program 1 has not."""
    written = await enroll_member(world.contexts[0], EnrollMember(values=ANN))
    for reference in ("FOREIGN-1", "FOREIGN-2"):
        await enroll_member(world.contexts[1], EnrollMember(values={"relation_reference": reference}))
    return written.member


async def audited(world: World) -> list[tuple[str, str]]:
    """What administrators did to members: who and what."""
    query = select(audit_entry.c.actor, audit_entry.c.action).where(audit_entry.c.subject.like("member:%"))
    rows = await world.services.db.read(lambda tx: tx.execute(query.order_by(audit_entry.c.seq)).all())
    return [tuple(row) for row in rows]


async def test_an_empty_program_says_what_to_do(ada: Browser) -> None:
    shown = await ada.get("members")
    assert shown.status == 200
    assert "No members yet" in shown.text
    assert "Enrol a member" in shown.text


async def test_the_list_goes_on_over_pages_and_back_again(world: World, ada: Browser) -> None:
    for number in range(60):
        values = {"relation_reference": f"M-{number:02}", "status": 1 + number % 2}
        await enroll_member(world.contexts[0], EnrollMember(values=values))
    seen, address = [], "members"
    first = await ada.get(address)
    pages = [first]
    while (older := _link(pages[-1].source, "Older")) is not None:
        pages.append(await ada.get(older))
    for shown in pages:
        seen += [one for one in shown.text.split() if one.startswith("M-")]
    assert seen == [f"M-{number:02}" for number in reversed(range(60))]
    back = await ada.get(_link(pages[-1].source, "Newer") or "")
    assert back.text == pages[-2].text
    assert (await ada.get(_link(back.source, "Newer") or "")).text == first.text
    suspended = await ada.get("members?status=2")
    assert "M-59" in suspended.text
    assert "M-58" not in suspended.text
    assert "status=2" in (_link(suspended.source, "Older") or "")


def _link(source: str, text: str) -> str | None:
    """Where a link of this text leads."""
    found = re.search(rf'href="([^"]*)">{text}<', source)
    return None if found is None else html.unescape(found[1])


@pytest.mark.parametrize(
    "query", ["before=x", "before=9" + "9" * 30, "status=9", "segment=Nobody", "status=1&segment=Nobody"]
)
async def test_a_list_that_there_is_not_is_refused(ada: Browser, query: str) -> None:
    assert (await ada.get(f"members?{query}")).status == 400


async def test_a_member_is_found_and_shown(ada: Browser, ann: Member) -> None:
    shown = await ada.get("members?q=ANN%40shop.example")
    assert "Ann Lee" in shown.text
    assert f"members/{ann.id}" in shown.source
    assert "Nobody is found" in (await ada.get("members?q=ann")).text
    member = await ada.get(f"members/{ann.id}")
    assert "Ann Lee" in member.text
    assert "ann@shop.example" in member.text


@pytest.mark.parametrize(
    "page",
    ["", "profile", "statement", "points", "transactions", "tier", "links", "orders", "requests", "sessions",
     "messages", "merges", "audit", "privacy", "adjust", "award", "redeem", "status"],
)  # fmt: skip
async def test_a_member_without_anything_has_all_pages(ada: Browser, ann: Member, page: str) -> None:
    shown = await ada.get(f"members/{ann.id}/{page}".rstrip("/"))
    assert shown.status == 200
    assert "Ann Lee" in shown.text


@pytest.mark.parametrize("member", [None, "99999", "9" * 30])
async def test_a_member_of_another_program_answers_as_one_that_there_is_not(
    world: World, ada: Browser, ann: Member, member: str | None
) -> None:
    member = member or str((await get_member(world.contexts[1], "FOREIGN-2")).id)
    before = await world.contents()
    for page in ("", "/profile", "/statement", "/merges", "/adjust"):
        shown = await ada.get(f"members/{member}{page}")
        assert (shown.status, "FOREIGN" in shown.source) == (404, False)
    for action, form in (
        ("profile", {"attribute:full_name": "X"}),
        ("adjust", {"points": "5", "direction": "give", "reason": "x"}),
        ("erase", {"confirm": "FOREIGN-2"}),
        ("status", {"status": "4"}),
    ):
        assert (await ada.post(f"members/{member}/{action}", form)).status == 404
    assert await world.contents() == before


async def test_a_member_is_enrolled_once(world: World, ada: Browser) -> None:
    form = {
        "attribute:relation_reference": "NEW-1",
        "attribute:full_name": "Émilie <b>",
        "attribute:shirt_size": "M",
        "attribute:dob": "1990-05-01",
        "status": "1",
        "key": "once",
    }
    shown = await ada.post("members/new", form)
    assert shown.status == 303
    member = await get_member(world.contexts[0], "NEW-1")
    assert (member.full_name, member.attributes, str(member.dob)) == ("Émilie <b>", {"shirt_size": "M"}, "1990-05-01")
    assert shown.target.endswith(f"/members/{member.id}")
    assert (await ada.post("members/new", form)).target == shown.target
    assert await audited(world) == [("admin:ada@shop.example", "member.enroll")]
    page = await ada.get(f"members/{member.id}")
    assert "<b>" not in page.source
    assert "Émilie <b>" in page.text


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"attribute:relation_reference": ""}, "999"),
        ({"attribute:relation_reference": "ANN"}, "1201"),
        ({"attribute:email_id": "ANN@shop.example"}, "1205"),
        ({"attribute:email_id": "no address"}, "106"),
        ({"attribute:dob": "yesterday"}, "106"),
        ({"status": "9"}, "998"),
    ],
)
async def test_a_refused_enrolment_keeps_what_was_typed(
    world: World, ada: Browser, ann: Member, form: dict[str, str], code: str
) -> None:
    before = await world.contents()
    given = {"attribute:relation_reference": "NEW-2", "attribute:full_name": "Bea", "status": "1", "key": "k"} | form
    shown = await ada.post("members/new", given)
    assert shown.status >= 400
    assert f"<code>{code}</code>" in shown.source
    assert shown.values("attribute:full_name") == ["Bea"]
    assert shown.values("key") == ["k"]
    assert await world.contents() == before


async def test_the_profile_writes_what_changed_and_says_so_in_the_trail(
    world: World, ada: Browser, ann: Member
) -> None:
    page = f"members/{ann.id}/profile"
    assert (await ada.get(page)).values("attribute:full_name") == ["Ann Lee"]
    form = {"attribute:full_name": "Ann Bell", "attribute:email_id": "ann@shop.example", "attribute:gender": "F"}
    assert (await ada.post(page, form)).status == 303
    member = await get_member(world.contexts[0], "ANN")
    assert (member.full_name, member.gender, member.email_id) == ("Ann Bell", "F", "ann@shop.example")
    assert (await ada.post(page, {"attribute:full_name": ""})).status == 303
    assert (await get_member(world.contexts[0], "ANN")).full_name is None
    before = await world.contents()
    assert (await ada.post(page, {"attribute:gender": "F"})).status == 303
    refused = await ada.post(page, {"attribute:mobile_number": "abc"})
    assert refused.status == 400
    assert refused.values("attribute:mobile_number") == ["abc"]
    assert await world.contents() == before
    trail = await ada.get(f"members/{ann.id}/audit")
    assert "admin:ada@shop.example" in trail.text
    assert "Gender F" in trail.text
    assert "Ann Bell" not in trail.text.partition("What was done")[2]


async def test_who_may_not_see_persons_sees_and_writes_none(world: World, ann: Member) -> None:
    permissions = frozenset({Permission.MEMBER_READ, Permission.MEMBER_WRITE})
    await save_role(world.contexts[0], "desk", permissions)
    bob = await world.administrator("desk", email="bob@shop.example")
    for page in ("members", "members?q=ann%40shop.example", f"members/{ann.id}"):
        shown = await bob.get(page)
        assert shown.status == 200
        assert "ANN" in shown.text
        assert "Ann Lee" not in shown.source
        assert "ann@shop.example" not in shown.text
    profile = await bob.get(f"members/{ann.id}/profile")
    assert profile.values("attribute:full_name") == []
    form = {"attribute:full_name": "***", "attribute:gender": "F"}
    assert (await bob.post(f"members/{ann.id}/profile", form)).status == 303
    member = await get_member(world.contexts[0], "ANN")
    assert (member.full_name, member.gender) == ("Ann Lee", "F")


async def test_cards_are_linked_and_unlinked_and_never_shown(world: World, ada: Browser, ann: Member) -> None:
    page = f"members/{ann.id}/links"
    form = {"sub_relation_type": "CARD", "card_number": "4111 1111 1111 1111", "product_code": "GOLD"}
    assert (await ada.post(page, form)).status == 303
    shown = await ada.get(page)
    assert "•••• 1111" in shown.text
    assert "4111 1111" not in shown.source
    before = await world.contents()
    refused = await ada.post(page, {"sub_relation_type": "CARD", "expiry_date": "soon", "card_number": "5"})
    assert refused.status == 400
    assert (await ada.post(page, {"sub_relation_type": "CARD"})).status == 400
    assert await world.contents() == before
    [linked] = await list_sub_relations(world.contexts[0], "ANN")
    assert (await ada.post(f"{page}/{linked.id}/unlink")).status == 303
    assert await list_sub_relations(world.contexts[0], "ANN") == []
    assert await audited(world) == [
        ("admin:ada@shop.example", "sub-relation.link"),
        ("admin:ada@shop.example", "sub-relation.unlink"),
    ]
    assert (await ada.post(f"{page}/{linked.id}/unlink")).status == 404
