"""The REST door: each row is what an integrator of v1 would call.

Bonuses go by GraphQL, because v1 has no operation for them.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from ingestion.columns.member import ACTION
from ingestion.columns.row import IDEMPOTENCY_KEY, MEMBER
from tessera.parity.door import SUCCESS, Account, Answer, Caller, row_key
from tessera.parity.graphql import GraphQLDoor
from tessera.parity.scenario import Upload

_STATUSES = {"SUSPEND": "2", "CLOSE": "4", "REACTIVATE": "1"}
_SUB_RELATION = {
    MEMBER: "RelationReference",
    "card_number": "CardNumber",
    "sub_relation_identifier": "SubRelationIdentifier",
    "sub_relation_type": "SubRelationType",
    "last_six_digits": "LastSixDigits",
    "product_code": "ProductCode",
    "expiry_date": "ExpiryDate",
    "status": "Status",
}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,10})?")
_JSON = {"Content-Type": "application/json"}

Columns = Mapping[str, str]


class RestDoor:
    """Calls of one program's own server in the family `v1`."""

    def __init__(self, account: Account) -> None:
        self._caller = Caller(account)
        self._graphql = GraphQLDoor(account)
        self._rows: Mapping[str, Callable[[Columns, str], Answer]] = {
            "CPD": self.member,
            "CRD": self.sub_relation,
            "TXN": self.transaction,
        }

    def send(self, upload: Upload) -> list[Answer]:
        """A call, or for members two or three, for each row. Raises DoorFailed."""
        if upload.type == "BNS":
            return self._graphql.send(upload)
        row = self._rows[upload.type]
        return [row(line.columns, row_key(upload, index)) for index, line in enumerate(upload.lines)]

    def close(self) -> None:
        """Hang up."""
        self._caller.close()
        self._graphql.close()

    def member(self, columns: Columns, _key: str) -> Answer:
        """Enrol or change a member, as the action says; without one, whichever fits."""
        action = columns.get(ACTION, "").upper()
        data = {name: value for name, value in columns.items() if name != ACTION}
        if action == "NEW":
            return self._post("CreateProfileWithAttributes", data)
        found, member_id = self._find(data.pop("relation_reference", ""))
        if not action and found.code == _UNKNOWN:
            return self._post("CreateProfileWithAttributes", {**data, **_reference(columns)})
        if not found.is_success:
            return found
        data |= {"status": _STATUSES[action]} if action in _STATUSES else {}
        return self._post("UpdateProfileWithAttributes", {"id": member_id, "data": data})

    def sub_relation(self, columns: Columns, _key: str) -> Answer:
        """Link a card or change what is linked."""
        return self._post("CreateSubRelation", {_SUB_RELATION[name]: value for name, value in columns.items()})

    def transaction(self, columns: Columns, key: str) -> Answer:
        """Submit a transaction."""
        body: dict[str, Any] = {IDEMPOTENCY_KEY: key, **columns}
        amount = body.get("amount")
        if amount is not None and _NUMBER.fullmatch(amount):
            # A number of JSON with the digits that were written, as integrators send it.
            body["amount"] = orjson.Fragment(amount)
        return self._post("InsertTransactionData", body)

    def _find(self, reference: str) -> tuple[Answer, int | None]:
        envelope = self._caller.call("GET", "/v1/GetMemberProfile", params={"pstrRelationReference": reference})
        return _answer(envelope), (envelope["ReturnObject"] or {}).get("Id")

    def _post(self, operation: str, body: Mapping[str, Any]) -> Answer:
        return _answer(self._caller.call("POST", f"/v1/{operation}", content=orjson.dumps(body)))


_UNKNOWN = "103"


def _reference(columns: Columns) -> dict[str, str]:
    return {name: columns[name] for name in ("relation_reference",) if name in columns}


def _answer(envelope: Any) -> Answer:
    return Answer(SUCCESS) if envelope["IsSucessful"] else Answer(envelope["ErrorCode"], envelope["ExceptionMessage"])
