"""Link cards, accounts and devices, and find them."""

from domain.errors import (
    BadRequest,
    CancelledMemberUpdate,
    InvalidRequest,
    MemberNotFound,
    SubRelationLinked,
)
from tests.rest.golden.case import Ask, Case, asking, changed, key_reused, of_member, refusal, repeated, success
from tests.rest.world import World

_CARD = {
    "CardNumber": "4111111111111111",
    "SubRelationIdentifier": "A-1",
    "SubRelationType": "CARD",
    "ProductCode": "GOLD",
    "ExpiryDate": "2030-01-31",
}
_LINK = of_member(_CARD)
_FILE = of_member(
    {"cardNumber": "123456", "subRelationType": "DEBIT", "lastSixDigits": "123456"}, named="memberRelationRef"
)


async def _shared(world: World) -> None:
    for name in ("Ada", "Bob"):
        await world.link(await world.member(full_name=name), type="DEVICE", sub_relation_identifier="D-1")
    await world.link("M-2", type="LOAN", sub_relation_identifier="L-1", status="open")


async def _by_member(world: World) -> Ask:
    await _shared(world)
    return Ask(query={"pstrRelationReference": "M-2"})


async def _by_value(world: World) -> Ask:
    await _shared(world)
    return Ask(query={"pstrCardNumber": "0", "pstrSubRelationIdentifier": "D-1"})


async def _linked_otherwise(world: World) -> Ask:
    ask = await _LINK(world)
    await world.link("M-1", type="CARD", card_number="4111111111111111")
    return ask


_CREATE, _FIND = "CreateSubRelation", "GetSubRelations"

CASES: tuple[Case, ...] = (
    success(_CREATE, _LINK),
    success(_CREATE, _FILE, "names-of-the-card-file"),
    success(_CREATE, repeated(_LINK, _CREATE), "replayed"),
    refusal(_CREATE, BadRequest, changed(_LINK, {"CardNumber": 0, "SubRelationIdentifier": None})),
    refusal(_CREATE, InvalidRequest, changed(_LINK, {"SubRelationType": "SHOE"})),
    key_reused(_LINK, _CREATE, {"ProductCode": "SILVER"}),
    refusal(_CREATE, MemberNotFound, changed(_LINK, {"RelationReference": "nobody"})),
    refusal(_CREATE, CancelledMemberUpdate, of_member(_CARD, status=4)),
    refusal(_CREATE, SubRelationLinked, _linked_otherwise),
    success(_FIND, _by_member),
    success(_FIND, _by_value, "by-value"),
    refusal(_FIND, BadRequest, asking()),
    refusal(_FIND, InvalidRequest, changed(_by_member, query={"pstrCardNumber": "1"})),
    refusal(_FIND, MemberNotFound, asking(query={"pstrRelationReference": "nobody"})),
)
