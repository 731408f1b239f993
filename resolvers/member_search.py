"""The use case that finds members by whatever somebody has of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import BadRequest, Forbidden, InvalidRequest
from domain.member import Member
from domain.rules.fixed import member_definitions
from domain.store.member import find_members
from domain.store.member_page import Narrowing, page_members
from domain.store.program import ProgramState
from domain.store.sub_relation import members_by_value
from domain.store.unique_value import owners
from domain.sub_relation import read_pair
from resolvers.beneficiary import card_hash
from resolvers.context import Context

MAX_SEARCH = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberMatch:
    """A member and what it was found by: the key of an attribute, `card_number` or `sub_relation_identifier`."""

    member: Member
    by: str


async def search_members(ctx: Context, text: str, *, first: int) -> Sequence[MemberMatch]:
    """Members whose reference is or begins with this, or who have it as a unique attribute, a card or an identifier.

    E-mail, phone and cards are known whole only, by keyed hashes, in any letter case; a card with or without its
    blanks. Names are sealed under each member's key, so that nobody is found by one. Exact finds come first.
    Raises Forbidden, InvalidRequest (nothing, or too long).
    """
    ctx.principal.require(Permission.MEMBER_READ)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("the token is bound to one member")
    wanted = text.strip()
    if not 0 < len(wanted) <= MAX_SEARCH or "\0" in wanted:
        raise InvalidRequest(f"search: 1 to {MAX_SEARCH} characters", field="search")

    def body(tx: Connection) -> list[MemberMatch]:
        state = ctx.program(tx)
        found: dict[int, tuple[Member, str]] = {}
        for one, by in _finds(tx, ctx, state, wanted, first):
            found.setdefault(one.id, (one, by))
        kept = list(found.values())[:first]
        shown = ctx.shown(tx, [one for one, _ in kept])
        return [MemberMatch(member=one, by=by) for one, (_, by) in zip(shown, kept, strict=True)]

    return await ctx.read(body)


def _finds(tx: Connection, ctx: Context, state: ProgramState, text: str, first: int) -> Iterator[tuple[Member, str]]:
    keys = ctx.services.keys
    for stored in find_members(tx, keys, state.id, references=[text]):
        yield stored.member, "relation_reference"
    ids: dict[int, str] = {}
    for key in (one.key for one in member_definitions(state.configuration) if one.unique):
        if key != "relation_reference":
            held = owners(tx, state.id, key, [keys.lookup_hash(state.id, key, text)])
            ids |= dict.fromkeys(held.values(), key)
    for digest, identifier, by in _links(ctx, state, text):
        linked = members_by_value(tx, state.id, digest, identifier, first=first, after_id=None)
        ids = {one: by for one in linked} | ids
    for stored in find_members(tx, keys, state.id, ids=list(ids), follow=True) if ids else []:
        yield stored.member, ids[stored.asked_id or stored.member.id]
    begun = Narrowing(prefix=text)
    for member in page_members(
        tx, keys, state.id, first=first, order="reference", descending=False, after=None, only=begun
    ):
        yield member, "relation_reference"


def _links(ctx: Context, state: ProgramState, text: str) -> Iterator[tuple[bytes | None, str | None, str]]:
    """The halves of a pair that the text may be; none where it can be no part of one."""
    try:
        card, identifier = read_pair(text, None), read_pair(None, text)
    except BadRequest:
        return
    if card is not None:
        yield card_hash(ctx.services.keys, state.id, card.card_number), None, "card_number"
    if identifier is not None:
        yield None, identifier.identifier, "sub_relation_identifier"
