"""The GraphQL door: each row is a mutation."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.program_zone import to_instant
from domain.rules.value import read_date
from ingestion.columns.member import ACTION
from ingestion.columns.row import IDEMPOTENCY_KEY, MEMBER
from tessera.parity.door import SUCCESS, Account, Answer, Caller, row_key
from tessera.parity.scenario import FIXED_MEMBER_KEYS, Upload

_MEMBER = "query($reference: String!) { member(reference: $reference) { relationReference } }"
_MUTATION = "mutation($input: {type}Input!) {{ {field}(input: $input) {{ replayed }} }}"
_STATUSES = {"SUSPEND": "SUSPENDED", "CLOSE": "CANCELLED", "REACTIVATE": "ACTIVE"}
_STATUS_NAMES = {
    "1": "ACTIVE",
    "2": "SUSPENDED",
    "3": "LOGIN_BLOCKED",
    "4": "CANCELLED",
    "5": "INACTIVE",
    "6": "MEMBERSHIP_BLOCKED",
}
_BONUS_NAMES = {"2": "BONUS", "12": "PARTNER", "13": "PURCHASED"}
_CARDS = frozenset({"CREDIT", "DEBIT"})
_TRANSACTION_KEYS = frozenset(
    {MEMBER, "transaction_id", "amount", "card_number", "sub_relation_identifier", "product_code", "sub_product_code"}
)

Columns = Mapping[str, str]


class GraphQLDoor:
    """Mutations of one program's own server."""

    def __init__(self, account: Account) -> None:
        self._caller = Caller(account)
        self._rows: Mapping[str, Callable[[Upload, Columns, str], Answer]] = {
            "CPD": self.member,
            "CRD": self.sub_relation,
            "TXN": self.transaction,
            "BNS": self.bonus,
        }

    def send(self, upload: Upload) -> list[Answer]:
        """An operation, or for members two or three, for each row. Raises DoorFailed."""
        row = self._rows[upload.type]
        return [row(upload, line.columns, row_key(upload, index)) for index, line in enumerate(upload.lines)]

    def close(self) -> None:
        """Hang up."""
        self._caller.close()

    def member(self, _upload: Upload, columns: Columns, _key: str) -> Answer:
        """Enrol or change a member, as the action says; without one, whichever fits."""
        action = columns.get(ACTION, "").upper()
        if action == "NEW" or (not action and not self._knows(columns)):
            return self._mutate("memberEnroll", _profile(columns) | _status(columns.get("status")))
        status = _status(columns.get("status")) if action in {"", "UPDATE"} else {"status": _STATUSES[action]}
        profile = _profile(columns)
        answer = Answer(SUCCESS)
        if len(profile) > 1:
            answer = self._mutate("memberUpdate", profile)
        if status and answer.is_success:
            answer = self._mutate("memberStatusChange", _reference(columns) | status)
        return answer

    def sub_relation(self, _upload: Upload, columns: Columns, _key: str) -> Answer:
        """Link a card or change what is linked."""
        given = {name: value for name, value in columns.items() if name not in {MEMBER, "sub_relation_type"}}
        kind = columns["sub_relation_type"].upper()
        named = {"relationReference": columns.get(MEMBER), "type": "CARD" if kind in _CARDS else kind}
        if "expiry_date" in given:
            given["expiry_date"] = given["expiry_date"].partition("T")[0]
        return self._mutate("subRelationLink", _camel(given) | named)

    def transaction(self, upload: Upload, columns: Columns, key: str) -> Answer:
        """Submit a transaction."""
        fields: dict[str, Any] = {name: columns[name] for name in _TRANSACTION_KEYS & columns.keys()}
        fields["transaction_type"] = columns.get("transaction_type", "").upper() or None
        fields["transaction_date"] = _moment(columns.get("transaction_date"), upload.zone)
        fields["idempotency_key"] = columns.get(IDEMPOTENCY_KEY, key)
        own = columns.keys() - _TRANSACTION_KEYS - {"transaction_type", "transaction_date", IDEMPOTENCY_KEY}
        return self._mutate("transactionSubmit", _camel(fields) | _attributes(columns, own))

    def bonus(self, upload: Upload, columns: Columns, key: str) -> Answer:
        """Give bonus points."""
        kind = columns.get("bonus_type", "BONUS").upper()
        return self._mutate(
            "bonusPost",
            {
                "relationReference": columns.get(MEMBER),
                "points": columns.get("bonus_points"),
                "type": _BONUS_NAMES.get(kind, kind),
                "awardedAt": _moment(columns.get("award_date"), upload.zone),
                "expires": columns.get("expiry_date"),
                "narration": columns.get("narration"),
                "idempotencyKey": columns.get(IDEMPOTENCY_KEY, key),
            },
        )

    def _knows(self, columns: Columns) -> bool:
        found = self._call(_MEMBER, {"reference": columns.get("relation_reference", "")})
        return bool((found.get("data") or {}).get("member"))

    def _mutate(self, field: str, values: Mapping[str, Any]) -> Answer:
        document = _MUTATION.format(type=field[0].upper() + field[1:], field=field)
        answered = self._call(document, {"input": values})
        if not answered.get("errors"):
            return Answer(SUCCESS)
        [error, *_] = answered["errors"]
        return Answer(error["extensions"]["v1Code"], error["message"])

    def _call(self, document: str, variables: Mapping[str, Any]) -> Any:
        return self._caller.call("POST", "/graphql", json={"query": document, "variables": variables})


def _profile(columns: Columns) -> dict[str, Any]:
    """What stands about a member, but for its status."""
    fixed = {key: columns[key] for key in FIXED_MEMBER_KEYS - {"status"} if key in columns}
    return _camel(fixed) | _attributes(columns, columns.keys() - FIXED_MEMBER_KEYS - {ACTION})


def _reference(columns: Columns) -> dict[str, Any]:
    return {"relationReference": columns.get("relation_reference")}


def _status(given: str | None) -> dict[str, str]:
    return {} if given is None else {"status": _STATUS_NAMES.get(given, given)}


def _attributes(columns: Columns, keys: Any) -> dict[str, Any]:
    own = [{"key": key, "value": columns[key]} for key in sorted(keys)]
    return {"attributes": own} if own else {}


def _moment(given: str | None, zone: ZoneInfo) -> str | None:
    """An instant with its offset, as GraphQL wants it; what is none goes as it is, to be refused there."""
    if given is None:
        return None
    try:
        instant: datetime = to_instant(read_date(given), zone)
    except ValueError:
        return given
    return instant.isoformat()


def _camel(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same under the names of GraphQL."""
    return {_camel_name(name): value for name, value in values.items()}


def _camel_name(column: str) -> str:
    first, *others = column.split("_")
    return first + "".join(map(str.capitalize, others))
