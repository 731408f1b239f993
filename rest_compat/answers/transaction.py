"""What queued transactions answer, and how it is written down."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import TesseraError
from resolvers.queue import FAILED, ON_HOLD, PARTIAL_HOLD, PENDING, SUCCESS, PolledBatch, PolledItem, QueuedBatch
from rest_compat.answers.shape import GUID, POINTS, TEXT, TEXT_OR_NULL, Schema, list_of, object_of, shown
from rest_compat.element import Element
from rest_compat.envelope import Family, upper_guid

QUEUED_TEXT = "Transactions queued successfully"

_COUNT: Schema = {"type": "integer", "minimum": 0}
_AS_GIVEN = "As it was given; null where it is no text."
_ECHOED = {"member_relation_reference": "M-1001", "transaction_id": "T-1", "transaction_type": "DR"}

QUEUED: Schema = object_of(
    batch_id={**GUID, "description": "What to poll by."},
    message={"type": "string", "const": QUEUED_TEXT},
    total_transactions={"type": "integer", "minimum": 1},
    transactions=list_of(
        object_of(
            **{name: shown(TEXT_OR_NULL, example, _AS_GIVEN) for name, example in _ECHOED.items()},
            request_id={**GUID, "description": "What the transaction is called when the batch is polled."},
        )
    ),
)

MESSAGES: Mapping[str, str] = {
    SUCCESS: "Transaction processed successfully",
    PENDING: "Transaction is waiting to be processed",
    ON_HOLD: "Transaction is on hold for review",
    PARTIAL_HOLD: "Transaction is partly on hold for review",
}
_SUMMARY = {"success": SUCCESS, "failed": FAILED, "pending": PENDING, "on_hold": ON_HOLD, "partial_hold": PARTIAL_HOLD}
_WITH_POINTS = frozenset({SUCCESS, PARTIAL_HOLD})

_EARNED: Schema = {**POINTS, "description": "What it earned, or (negative) took back."}


def _result(*statuses: str, **more: Schema) -> Schema:
    return object_of(request_id=GUID, status={"type": "string", "enum": list(statuses)}, **more)


BATCH: Schema = object_of(
    batch_id=GUID,
    summary=object_of(total=_COUNT, **dict.fromkeys(_SUMMARY, _COUNT)),
    results=list_of(
        {
            "oneOf": [
                _result(SUCCESS, PARTIAL_HOLD, points=_EARNED, message=shown(TEXT, MESSAGES[SUCCESS])),
                _result(PENDING, ON_HOLD, message=TEXT),
                _result(FAILED, error={**TEXT, "description": "The code and its text, as the error table has them."}),
            ]
        }
    ),
    total_points={**POINTS, "description": "The sum of the points."},
)


def queued_answer(batch: QueuedBatch, elements: Sequence[Element]) -> dict[str, Any]:
    """What is answered when transactions were queued."""
    return {
        "batch_id": upper_guid(batch.batch_id),
        "message": QUEUED_TEXT,
        "total_transactions": len(elements),
        "transactions": [
            {**{name: one.shown(name) for name in _ECHOED}, "request_id": upper_guid(request_id)}
            for one, request_id in zip(elements, batch.request_ids, strict=True)
        ],
    }


def batch_answer(batch: PolledBatch, family: Family) -> dict[str, Any]:
    """How far a batch is, with a row for each of its transactions."""
    return {
        "batch_id": upper_guid(batch.batch_id),
        "summary": {
            "total": len(batch.items),
            **{name: batch.counts.get(status, 0) for name, status in _SUMMARY.items()},
        },
        "results": [_row(one, family) for one in batch.items],
        "total_points": batch.points,
    }


def _row(item: PolledItem, family: Family) -> dict[str, Any]:
    row: dict[str, Any] = {"request_id": upper_guid(item.request_id), "status": item.status}
    if item.error is not None:
        return row | {"error": _error_text(item.error, family)}
    if item.status in _WITH_POINTS:
        row["points"] = item.points
    return row | {"message": MESSAGES[item.status]}


def _error_text(error: TesseraError, family: Family) -> str:
    """A refusal as one text: its code in the family, and what `ExceptionMessage` would be."""
    return f"{error.lbms_code if family is Family.LBMS else error.code} {error.text}"
