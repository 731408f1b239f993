"""BNS: bonus points."""

from datetime import date, datetime

from domain.errors import InvalidRequest
from domain.ledger.posting import BONUS, PARTNER, PURCHASED
from ingestion.columns.row import IDEMPOTENCY_KEY, MEMBER, FileType, Row, exact, moment
from resolvers.bonus import PostBonus

_TYPES = {"BONUS": BONUS, "PARTNER": PARTNER, "PURCHASED": PURCHASED}
_BY_NAME_OR_NUMBER = {**_TYPES, **{str(number): number for number in _TYPES.values()}}


def _bonus(row: Row) -> PostBonus:
    row.require(*BONUSES.required)
    points = row.read("bonus_points", exact)
    awarded_at = row.read_if_given("award_date", moment)
    expires = row.read_if_given("expiry_date", _whole_day)
    # What cannot be read is told before what is not allowed.
    return PostBonus(
        relation_reference=row.values[MEMBER],
        points=points,
        bonus_type=_type(row.get("bonus_type")),
        awarded_at=awarded_at,
        expires=expires,
        narration=row.get("narration"),
        idempotency_key=row.get(IDEMPOTENCY_KEY),
        source=row.source,
    )


def _type(given: str | None) -> int:
    found = BONUS if given is None else _BY_NAME_OR_NUMBER.get(given.upper())
    if found is None:
        names = ", ".join(f"{number} or {name}" for name, number in _TYPES.items())
        raise InvalidRequest(f"bonus_type: one of {names}", field="bonus_type")
    return found


def _whole_day(text: str) -> date:
    found = moment(text)
    if isinstance(found, datetime):
        raise ValueError("a day without a time: YYYY-MM-DD")
    return found


BONUSES = FileType(
    columns=frozenset(
        {MEMBER, "bonus_points", "bonus_type", "award_date", "expiry_date", "narration", IDEMPOTENCY_KEY}
    ),
    required=(MEMBER, "bonus_points"),
    command=_bonus,
)
