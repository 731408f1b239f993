"""BNS: bonus points, and open lots of another Tessera, which are told by the column `expires_at`."""

from collections.abc import Mapping
from datetime import date, datetime

from domain.errors import BadRequest, InvalidRequest
from domain.ledger.posting import ADJUSTMENT, BONUS, PARTNER, PURCHASED, SPEND
from ingestion.columns.row import IDEMPOTENCY_KEY, MEMBER, FileType, Row, exact, moment
from resolvers.bonus import CarriedTerms, PostBonus

_TYPES = {"BONUS": BONUS, "PARTNER": PARTNER, "PURCHASED": PURCHASED}
_CARRIED_TYPES = {"SPEND": SPEND, **_TYPES, "OTHER": ADJUSTMENT}
_NEVER = "NEVER"


def _bonus(row: Row) -> PostBonus:
    row.require(*BONUSES.required)
    points = row.read("bonus_points", exact)
    awarded_at = row.read_if_given("award_date", moment)
    expires = row.read_if_given("expiry_date", _whole_day)
    carried = _carried(row)
    # What cannot be read is told before what is not allowed.
    return PostBonus(
        relation_reference=row.values[MEMBER],
        points=points,
        bonus_type=_type(row.get("bonus_type"), _TYPES if carried is None else _CARRIED_TYPES),
        awarded_at=awarded_at,
        # The exact instant says more than its day.
        expires=expires if carried is None else None,
        narration=row.get("narration"),
        idempotency_key=row.get(IDEMPOTENCY_KEY),
        source=row.source,
        carried=carried,
    )


def _carried(row: Row) -> CarriedTerms | None:
    """The terms of an open lot of another Tessera; None: the row is a bonus. Raises BadRequest."""
    available_at = row.read_if_given("available_at", _instant)
    if "expires_at" not in row.values:
        if available_at is not None:
            raise BadRequest("available_at: has no meaning without expires_at", field="available_at")
        return None
    is_never = row.values["expires_at"].upper() == _NEVER
    return CarriedTerms(
        expires_at=None if is_never else row.read("expires_at", _instant),
        available_at=available_at,
    )


def _type(given: str | None, types: Mapping[str, int]) -> int:
    by_number = {str(number): number for number in types.values()}
    found = BONUS if given is None else {**types, **by_number}.get(given.upper())
    if found is None:
        names = ", ".join(f"{number} or {name}" for name, number in types.items())
        raise InvalidRequest(f"bonus_type: one of {names}", field="bonus_type")
    return found


def _instant(text: str) -> datetime:
    found = moment(text)
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise ValueError("an instant with an offset or Z")
    return found


def _whole_day(text: str) -> date:
    found = moment(text)
    if isinstance(found, datetime):
        raise ValueError("a day without a time: YYYY-MM-DD")
    return found


BONUSES = FileType(
    columns=frozenset(
        {MEMBER, "bonus_points", "bonus_type", "award_date", "expiry_date", "narration", IDEMPOTENCY_KEY}
        | {"expires_at", "available_at"}
    ),
    required=(MEMBER, "bonus_points"),
    command=_bonus,
)
