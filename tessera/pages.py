"""The pages of the shell: a landing page, the list of operations, the tables of errors, statuses and reversals.

Plain HTML with one local style sheet: nothing inline, no script, nothing from elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time
from html import escape
from pathlib import Path
from typing import Any

import orjson
from markdown_it import MarkdownIt

from domain.errors import CATALOGUE
from domain.ledger.reversal_table import AWARDED_AT, GRACE, REDEEMED, REDEEMED_AT, SCENARIOS, Outcome, Scenario, play
from domain.member_status import STATUS_NAMES, STATUS_TABLE

STYLE = (Path(__file__).parent / "assets" / "page.css").read_bytes()

_PRODUCT = "Tessera"
OPERATION_PAGES = "/docs/rest"
TOLERANT_OPENAPI = "/openapi-tolerant.json"
CONFIGURATION_SCHEMA = "/docs/configuration.schema.json"

_LANDING = (
    ("/graphql", "GraphQL", "Queries and mutations; in a browser, GraphiQL."),
    ("/docs", "REST operations", "The list of operations, in both path families."),
    ("/openapi.json", "OpenAPI", "The same as an OpenAPI document, for tools."),
    (TOLERANT_OPENAPI, "Tolerant OpenAPI", "All that is accepted, also what nobody should send, for fuzzers."),
    ("/docs/errors", "Errors", "Every error code with its HTTP status and GraphQL code."),
    (CONFIGURATION_SCHEMA, "Configuration schema", "The JSON Schema of configuration files, for editors and tools."),
    ("/healthz", "Alive", "Answers as long as the process runs."),
    ("/readyz", "Ready", "Answers 200 while the database can be reached and its schema is current."),
)
_METHODS = {"get", "post", "put", "patch", "delete"}
_ERROR_COLUMNS = ("code", "lbms", "http", "graphql", "reason", "message", "meaning")
_SPELLED = {"lbms": "LBMS", "http": "HTTP", "graphql": "GraphQL"}
_CODES = _ERROR_COLUMNS[:5]


def landing_page() -> bytes:
    """What stands where."""
    rows = [(_link(path, title), escape(purpose)) for path, title, purpose in _LANDING]
    return _page(_PRODUCT, "A GraphQL-native loyalty platform.", _table(("Where", "What"), rows))


def operations_page(openapi: Mapping[str, Any]) -> bytes:
    """Every operation of the OpenAPI document, by group."""
    groups: dict[str, list[Sequence[str]]] = {}
    for path, item in openapi["paths"].items():
        for method in sorted(_METHODS & item.keys()):
            operation = item[method]
            group = (operation.get("tags") or ["operations"])[0]
            name = operation["operationId"].removeprefix("v1").removeprefix("lbms")
            row = (_code(method.upper()), _link(f"{OPERATION_PAGES}/{name}", path), escape(operation["summary"]))
            groups.setdefault(group, []).append(row)
    tables = [f"<h2>{escape(name)}</h2>{_table(('Method', 'Path', 'What'), groups[name])}" for name in groups]
    note = f"Each has a page with its fields, answers and errors; for tools: {_link('/openapi.json', 'openapi.json')}."
    return _page("REST operations", note, "".join(tables))


def markdown_page(text: str) -> bytes:
    """A page of the documentation that is written in Markdown, its title in the first line."""
    title, _, rest = text.partition("\n")
    note = f"{_link('/docs', 'All operations')}, {_link('/docs/errors', 'all errors')}"
    return _page(title.removeprefix("# "), note, MarkdownIt("commonmark").enable("table").render(rest))


def errors_page() -> bytes:
    """The table of errors for people."""
    rows = [
        [_code(text) if column in _CODES else escape(text) for column, text in _cells(row).items()]
        for row in error_table()
    ]
    note = f"Declared once, rendered by every surface. Also as {_link('/docs/errors.json', 'JSON')}."
    return _page("Errors", note, _table([_SPELLED.get(column, column.capitalize()) for column in _ERROR_COLUMNS], rows))


def errors_json() -> bytes:
    """The table of errors for programs."""
    return orjson.dumps(error_table(), option=orjson.OPT_INDENT_2)


def errors_markdown() -> str:
    """The table of errors as `docs/errors.md` holds it."""
    lines = [
        "# Errors",
        "",
        "Every refusal that any surface can give, as declared in `domain/errors.py`. `code` is the code of REST",
        "v1 and `v1Code` in GraphQL, `lbms` that of the published path family, `graphql` is `extensions.code`",
        "and `reason` is `extensions.reason`. Codes 1300 to 1399 are ours. Where a meaning names the header",
        "`Retry-After`, GraphQL says the same in `extensions.retryAfter`.",
        "",
        "| code | lbms | http | graphql | reason | message | meaning |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in error_table():
        lines.append("| " + " | ".join(text.replace("|", "\\|") for text in _cells(row).values()) + " |")
    return "\n".join(lines) + "\n"


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    """A row of the table of errors as people read it: with every code that GraphQL has for it."""
    return {column: str(row[column]) for column in _ERROR_COLUMNS} | {"graphql": ", ".join(row["graphql_codes"])}


def status_markdown() -> str:
    """What each member status lets happen, as `docs/status.md` holds it."""
    heads = [f"{status} {name}" for status, name in STATUS_NAMES.items()]
    lines = [
        "# Member status",
        "",
        "What may be done to or by a member of each status, by every door alike, as declared in",
        "`domain/member_status.py`. A code is the refusal ([errors.md](errors.md)); `yes`: the status says",
        "nothing against it. A program with `accrue_cancelled` lets cancelled members earn.",
        "",
        f"| operation | {' | '.join(heads)} |",
        "| --- |" + " --- |" * len(heads),
    ]
    for operation, by_status in STATUS_TABLE.items():
        refusals = [by_status[status] for status in STATUS_NAMES]
        cells = [operation.replace("_", " "), *("yes" if one is None else one.code for one in refusals)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def reversals_markdown() -> str:
    """What a reversal does with points that expired meanwhile, as `docs/reversals.md` holds it."""
    heads = ("policy", "lots past", "taken", "reversed", "postings", "receipt of each lot", "lots then", "balance")
    lines = [
        "# Reversal after expiry",
        "",
        "A redemption is reversed whole, into the lots that it took. What becomes of those that are past their date",
        "is the program's `reversal_of_expired` ([rules.md](rules.md#program)). Every row is computed by the ledger's",
        "core and played over both databases by the tests.",
        "",
        f"In each row a member has two lots of 60 points and redeems {REDEEMED} on {_when(REDEEMED_AT)}. Times are in",
        "UTC; points are good before the instant behind `until`. The 20 that stay in the second lot expire at its own",
        f"date, whatever becomes of the redemption. `extend` makes a lot that is past its date good for {GRACE.days}",
        "days (`reversal_grace_days`) from the reversal. A lot that is past and not extended comes back and expires in",
        "the same step, and the statement shows both. `forfeit` and `original` come to the same: no lot gets another",
        "date. A transferred lot has the dates that it had with the sender, and goes back to the member who",
        f"redeemed it. Every lot was earned on {_when(AWARDED_AT)}, and stays so.",
        "",
        f"| {' | '.join(heads)} |",
        "| --- |" + " --- |" * (len(heads) - 1),
        *(reversal_row(one, play(one)) for one in SCENARIOS),
    ]
    return "\n".join(lines) + "\n"


def reversal_row(scenario: Scenario, outcome: Outcome) -> str:
    """One row of `docs/reversals.md`."""
    cells = (
        f"`{scenario.policy}`",
        scenario.past,
        "; ".join(f"{points} until {_when(until)}" for points, until in outcome.taken),
        _when(scenario.reversed_at),
        "; ".join(f"{kind} {points:+} of {_when(at)}" for kind, points, at in outcome.postings),
        "; ".join(
            f"{points} until {_when(until)}" + (f", {expired} expired" if expired else "")
            for points, until, expired in outcome.receipts
        ),
        "; ".join(f"{points} until {_when(until)}" for points, _, until in outcome.lots) or "none",
        str(outcome.balance),
    )
    return f"| {' | '.join(cells)} |"


def _when(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d" if instant.time() == time() else "%Y-%m-%d %H:%M")


def error_table() -> list[dict[str, Any]]:
    """Every declared error, ordered by code."""
    rows = [
        {
            "code": error.code,
            "lbms": error.lbms_code,
            "http": error.status,
            "graphql": error.graphql_code,
            "graphql_codes": error.graphql_codes,
            "reason": error.reason,
            "message": error.message,
            "meaning": " ".join((error.__doc__ or "").split()),
        }
        for error in CATALOGUE.values()
    ]
    return sorted(rows, key=lambda row: (int(str(row["code"])), str(row["reason"])))


def _page(title: str, note: str, body: str) -> bytes:
    named = title if title == _PRODUCT else f"{title} – {_PRODUCT}"
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{escape(named)}</title><link rel=stylesheet href=/assets/page.css></head>"
        f"<body><h1>{escape(title)}</h1><p class=note>{note}</p><div class=wide>{body}</div></body></html>"
    ).encode()


def _table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _link(path: str, title: str) -> str:
    return f'<a href="{escape(path)}">{escape(title)}</a>'


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
