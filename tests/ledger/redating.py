"""Which postings may give a lot another date than it had."""

from typing import Any

from sqlalchemy import Row


def may_move(entry: Row[Any], trace: Row[Any], date: Any) -> bool:
    """Whether a posting may change the date of a lot: by inactivity purchases put it off, refunds put it back.

    At the end of a merge a lot returns with the date that it got meanwhile.
    """
    if entry.kind == "earn":
        return bool(trace.points == 0 and trace.expires_at > date)
    if entry.kind == "refund":
        return bool(trace.expires_at < date)
    return bool(entry.kind == "reversal" or (entry.kind == "transfer" and trace.points > 0))
