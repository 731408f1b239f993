"""Tables for phones: each cell is told the name of its column, so that a row can be shown as a card."""

import re

from markupsafe import Markup

_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
_PART = re.compile(r"<(thead|tbody|tr|t[hd])\b([^>]*)>|</thead>")
_SPAN = re.compile(r'colspan="(\d+)"')
_HIDDEN = "visually-hidden"


def label_cells(html: str) -> str:
    """The page with `data-label` at the cells of its tables; those that span columns, or have one, are as they were."""
    return _TABLE.sub(lambda found: _labelled(found[0]), html)


def _labelled(table: str) -> str:
    head, end, body = table.partition("</thead>")
    if not end:
        return table
    labels, place = [_label(one) for one in re.split(r"<th\b", head.partition("<tr")[2])[1:]], 0

    def mark(found: "re.Match[str]") -> str:
        nonlocal place
        name, attributes = found[1], found[2]
        if name not in {"td", "th"}:
            place = 0
            return found[0]
        span = _SPAN.search(attributes)
        at, place = place, place + (1 if span is None else int(span[1]))
        label = labels[at] if span is None and at < len(labels) else ""
        if not label or "data-label=" in attributes:
            return found[0]
        return f'<{name}{attributes} data-label="{label}">'

    return head + end + _PART.sub(mark, body)


def _label(heading: str) -> str:
    """What a heading says; nothing of one that is for screen readers alone, whose cells speak for themselves."""
    text = heading.partition(">")[2].partition("</th>")[0]
    return "" if _HIDDEN in text else str(Markup.escape(Markup(text).striptags()))  # noqa: S704 - of our own template
