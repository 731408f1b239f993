"""What a member owns, under every name that a request can have for it, and requests that are built of such names.

A request is built from the route table: a field that names something is known by its own name, so that a new row is
covered as soon as its fields are. A row that names nothing known fails in `naming_fields`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from rest_compat.field import Field, FieldTable, Need
from rest_compat.operation import Operation
from tests.rest.background import work
from tests.rest.world import World

KINDS: Mapping[str, str] = {
    "relationreference": "reference",
    "pstrrelationreference": "reference",
    "relation_reference": "reference",
    "member_relation_reference": "reference",
    "fromrelationreference": "reference",
    "torelationreference": "reference",
    "pstruniqueattributevalue": "reference",
    "uniquerefid": "login",
    "id": "id",
    "externalreference": "guid",
    "cardnumber": "card",
    "card_number": "card",
    "pstrcardnumber": "card",
    "subrelationidentifier": "link",
    "sub_relation_identifier": "link",
    "pstrsubrelationidentifier": "link",
    "transaction_id": "transaction",
    "requestid": "request",
    "batch_id": "batch",
}
"""What a field names, by its own name in lower case."""

_SETTLED: Mapping[str, Any] = {
    "pstrUniqueAttributeKey": "relation_reference",
    "product_code": None,
    "ProductCode": None,
    "OtpType": "LOGIN",
    "SourceAddress": None,
    "DestinationAddress": None,
}
"""Values of fields that name nothing, where the documented example is not for the world of these tests.

All would come from one address, of which the codes that are sent and tried are limited.
"""


@dataclass(frozen=True)
class Owned:
    """A member and what it has; `get` takes a kind, and the operation that the name is for."""

    names: Mapping[str, Any]

    def get(self, kind: str, operation: Operation) -> Any:
        """The name of a thing of this kind."""
        if kind == "login":
            by_reference = "RelationReference" in operation.name
            return self.names["reference" if by_reference else "email"]
        return self.names[kind]


async def owned_by(world: World, marker: str = "OWNER") -> Owned:
    """A new member that owns one of everything that the route table can name."""
    unique = uuid4().hex[:12]
    email = f"{marker}-{unique}@example.com".lower()
    reference = await world.member(points=1000, full_name=f"{marker} {unique}", email_id=email)
    card, link = str(int(unique, 16) % 10**12), f"L-{unique}"
    await world.link(reference, card_number=card, type="CARD")
    await world.link(reference, sub_relation_identifier=link, type="ACCOUNT")
    purchase = world.purchase(reference, 2)
    assert (await world.call("InsertTransactionData", purchase)).status == 200
    redeemed = {"RelationReference": reference, "Points": 4, "MerchantName": "Corner Shop", "LoyaltyTxnType": 30}
    profile = await world.call("GetMemberProfile", query={"pstrRelationReference": reference})
    paid = {"RelationReference": reference, "Points": 5, "Amount": 5, "MerchantName": "Corner Shop"}
    queued = await world.call("InsertTransactionDataV2", [world.purchase(reference, 2)])
    # Else a test of somebody else's would do it.
    await work(world)
    names: dict[str, Any] = {
        "reference": reference,
        "email": email,
        "id": profile.value["Id"],
        "guid": (await world.call("RedeemPoints", redeemed)).value,
        "card": card,
        "link": link,
        "transaction": purchase["transaction_id"],
        "request": (await world.call("CreatePayWithRewards", paid)).value["RequestId"],
        "batch": queued.value["batch_id"],
    }
    return Owned(names)


def nothing(like: Owned) -> Owned:
    """Well-formed names of nothing, none of them used before."""
    unique = uuid4().hex[:12]
    made: Mapping[str, Callable[[], Any]] = {
        "id": lambda: 10**9 + int(unique, 16) % 10**9,
        "guid": lambda: str(uuid4()).upper(),
        "card": lambda: str(int(unique, 16) % 10**12),
        "email": lambda: f"{unique}@example.com",
    }
    return Owned({kind: made[kind]() if kind in made else _like(value, unique) for kind, value in like.names.items()})


def _like(value: Any, unique: str) -> Any:
    """Another value of the same form as one whose form this module does not know."""
    if isinstance(value, int):
        return value + 10**9
    return str(uuid4()).upper() if len(str(value)) == 36 else f"N-{unique}"


def _tables(operation: Operation) -> list[FieldTable]:
    return [table for table in (operation.query, operation.body) if table is not None]


def fields_of(operation: Operation) -> list[Field]:
    """The fields of query and body."""
    return [field for table in _tables(operation) for field in table.fields]


def kind_of(field: Field) -> str | None:
    """What the field names; None for one that names nothing."""
    return KINDS.get(field.name.lower())


def naming_fields(operation: Operation) -> list[str]:
    """The fields that name something which may be somebody else's."""
    found = [field.name for field in fields_of(operation) if kind_of(field)]
    assert found or operation.is_public, (
        f"{operation.name} has no field that names anything: add what its fields name to KINDS, and how to own one "
        "to owned_by, so that it is shown to be out of reach of others"
    )
    return found


def asked(
    operation: Operation, own: Owned, other: Owned | None = None, named: Collection[str] = (), **changed: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Query and body of a request about what is one's own, but for the fields `named`, which name another's.

    Of an operation that takes an array the body is one element.
    """
    one_of = {name for table in _tables(operation) for name in table.one_of}
    # Where one of several has to be there, the first will do.
    needed = {field.name for field in fields_of(operation) if field.need is not Need.OPTIONAL}
    needed |= {name for table in _tables(operation) for name in table.one_of[:1]}

    def value(field: Field) -> Any:
        kind = kind_of(field)
        if field.name in changed:
            return changed[field.name]
        if kind is None:
            return _SETTLED.get(field.name, field.example)
        if other is not None and field.name in named:
            return other.get(kind, operation)
        is_needed = field.name in needed and not (field.name in one_of and one_of & set(named))
        return own.get(kind, operation) if is_needed else None

    def filled(fields: Collection[Field]) -> dict[str, Any]:
        return {field.name: given for field in fields if (given := value(field)) is not None}

    query = filled(operation.query.fields) if operation.query is not None else {}
    body = filled(operation.body.fields) if operation.body is not None else {}
    return query, body
