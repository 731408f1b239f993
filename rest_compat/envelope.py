"""The envelope on every answer, and how points and dates look in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from domain.errors import TesseraError
from domain.points import plain_text

SUCCESS_CODE = "000"
QUEUED_CODE = "001"
SUCCESS_TEXT = "Success"


class Family(Enum):
    """The two path families; they differ in the paths and in the wrapping of the answer."""

    V1 = "v1"
    LBMS = "lbms"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What an operation answers when it succeeds.

    `count` is the number of all records on lists. `beside` stands next to the envelope, and `bare`
    takes the place of the envelope in the lbms family.
    """

    return_object: Any
    count: int = 0
    headers: tuple[tuple[bytes, bytes], ...] = ()
    beside: Mapping[str, Any] | None = None
    bare: bool = False


def render_answer(answer: Answer, family: Family, code: str = SUCCESS_CODE) -> bytes:
    """The body of a success."""
    if answer.bare and family is Family.LBMS:
        return render({"results": answer.return_object, **(answer.beside or {})})
    envelope = {
        "IsSucessful": True,
        "ErrorCode": code,
        "ExceptionMessage": SUCCESS_TEXT,
        "ReturnObject": answer.return_object,
        "Count": answer.count,
    }
    return _wrapped(envelope, family, answer.beside)


def render_error(error: TesseraError, family: Family, beside: Mapping[str, Any] | None = None) -> bytes:
    """The body of a refusal; `beside` stands next to the envelope."""
    envelope = {
        "IsSucessful": False,
        "ErrorCode": error.lbms_code if family is Family.LBMS else error.code,
        "ExceptionMessage": error.text,
        "ReturnObject": None,
        "Count": 0,
    }
    return _wrapped(envelope, family, beside)


def render(value: Any) -> bytes:
    """JSON in which a decimal is a number with all its digits, and neither exponent nor trailing zeros."""
    return orjson.dumps(value, default=_as_number)


def local_time(instant: datetime, zone: ZoneInfo) -> str:
    """The program's local time without a zone: three decimals, or none when they are zero."""
    local = instant.astimezone(zone).replace(tzinfo=None)
    return local.isoformat(timespec="milliseconds" if local.microsecond >= 1000 else "seconds")


def local_time_or_none(instant: datetime | None, zone: ZoneInfo) -> str | None:
    """`local_time`, or None for what has not happened."""
    return None if instant is None else local_time(instant, zone)


def date_as_time(day: date | None) -> str | None:
    """A calendar date as the date-time that the published answers carry."""
    return None if day is None else f"{day.isoformat()}T00:00:00"


def upper_guid(reference: UUID) -> str:
    """A UUID as REST writes it."""
    return str(reference).upper()


def _wrapped(envelope: Mapping[str, Any], family: Family, beside: Mapping[str, Any] | None) -> bytes:
    body = {"results": envelope} if family is Family.LBMS else envelope
    return render({**body, **beside} if beside else body)


def _as_number(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(plain_text(value))
    raise TypeError(f"{type(value).__name__} has no JSON form")
