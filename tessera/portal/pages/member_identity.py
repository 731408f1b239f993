"""Who a member is: two that are one person are merged, and apart again; a person is forgotten."""

from starlette.responses import Response

from domain.access import Permission
from domain.errors import InvalidRequest, MemberNotFound, TesseraError
from resolvers.erasure import erase_member
from resolvers.member import Member, get_member, list_answering_members, list_members_by_id
from resolvers.merge import MergeMembers, MergePreview, merge_members, preview_merge, undo_merge
from resolvers.merge_record import list_merges
from tessera.portal.pages.member_frame import address, find, member_action, member_page, path_id, show
from tessera.portal.route import Page
from tessera.portal.visit import Visit


async def show_merges(visit: Visit, error: TesseraError | None = None) -> Response:
    """Who was merged into the member, and the form to begin another merge."""
    member, merges = await find(visit), await list_merges(visit.ctx, (await find(visit)).id)
    ids = sorted({one.victim_id for one in merges} | {one.survivor_id for one in merges})
    people = await list_members_by_id(visit.ctx, ids)
    return show(visit, "member_merges.html", member, "merges", error=error, merges=merges, people=people)


async def show_preview(visit: Visit, error: TesseraError | None = None) -> Response:
    """What a merge would move. Nothing is done yet."""
    member = await find(visit)
    try:
        other, preview = await _preview(visit, member)
    except TesseraError as refused:
        return await show_merges(visit, refused)
    return show(visit, "member_merge.html", member, "merges", error=error, other=other, preview=preview)


async def _preview(visit: Visit, member: Member) -> tuple[Member, MergePreview]:
    """Whom the reference names, and what would move. Raises BadRequest, InvalidRequest, MemberNotFound."""
    reference = visit.asked("other") or visit.given("other")
    if not reference:
        raise InvalidRequest("Type the reference of the other member", field="other")
    try:
        other = await get_member(visit.ctx, reference)
        if other.id == member.id:
            raise InvalidRequest("This is the member itself, or one that was merged into it", field="other")
        command = MergeMembers(victim=other.relation_reference, survivor=member.relation_reference)
        return other, await preview_merge(visit.ctx, command)
    except MemberNotFound as error:
        raise MemberNotFound("nobody has this reference", field="other") from error


async def merge(visit: Visit) -> Response:
    """Merge the other member into this one."""
    member = await find(visit)
    command = MergeMembers(
        victim=visit.given("other"), survivor=member.relation_reference, idempotency_key=visit.optional("key")
    )
    try:
        await merge_members(visit.ctx, command)
    except TesseraError as error:
        return await show_preview(visit, error)
    return visit.go(address(visit, member, "merges"), f"{command.victim} is part of {command.survivor} now.")


async def undo(visit: Visit) -> Response:
    """Make two members of one again."""
    member = await find(visit)
    try:
        undone = await undo_merge(visit.ctx, path_id(visit, "merge"))
    except TesseraError as error:
        return await show_merges(visit, error)
    parted = (await list_answering_members(visit.ctx, [undone.victim_id])).get(undone.victim_id)
    name = "The other member" if parted is None else parted.relation_reference
    return visit.go(address(visit, member, "merges"), f"{name} is a member of its own again.")


async def show_privacy(visit: Visit, error: TesseraError | None = None) -> Response:
    """What is kept of the person, and the form to forget it."""
    return show(visit, "member_privacy.html", await find(visit), "privacy", error=error)


async def erase(visit: Visit) -> Response:
    """Forget the person, once its reference was typed."""
    member = await find(visit)
    try:
        if visit.given("confirm") != member.relation_reference:
            raise InvalidRequest("This is not the reference of the member", field="confirm")
        await erase_member(visit.ctx, member.relation_reference)
    except TesseraError as error:
        return await show_privacy(visit, error)
    return visit.go(address(visit, member), "The person is forgotten. Points and postings stay, and name nobody.")


PAGES: tuple[Page, ...] = (
    member_page("merges", show_merges, Permission.MEMBER_MERGE),
    member_page("merge", show_preview, Permission.MEMBER_MERGE),
    member_action("merge", merge, Permission.MEMBER_MERGE),
    member_action("merges/{merge:int}/undo", undo, Permission.MEMBER_MERGE),
    member_page("privacy", show_privacy, Permission.MEMBER_ERASE),
    member_action("erase", erase, Permission.MEMBER_ERASE),
)
