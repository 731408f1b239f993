"""A page of documentation for each operation, in Markdown, made from the table that serves the requests."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rest_compat.envelope import Family
from rest_compat.example import alternatives, example_body, example_of
from rest_compat.field import Field, FieldTable, Need
from rest_compat.openapi import envelope_of
from rest_compat.operation import JSON_TYPE, Operation
from rest_compat.refusal import errors_of
from rest_compat.routes import OPERATIONS
from rest_compat.value import key

_NEEDS = {
    Need.OPTIONAL: "no",
    Need.REQUIRED: "yes",
    Need.UNLESS_BOUND: "yes, but with a member's token",
    Need.UNLESS_BASIC: "yes, but with HTTP Basic",
}


def operation_pages() -> Mapping[str, str]:
    """The page of every operation by its name."""
    return {row.name: operation_page(row) for row in OPERATIONS}


def index_page() -> str:
    """All operations by group, as `docs/rest/README.md` holds it."""
    lines = [
        "# REST v1: the operations",
        "",
        "Generated from the route table. What a table does not say is in [the guide](../rest.md).",
    ]
    for group in dict.fromkeys(row.group for row in OPERATIONS):
        rows = [
            (str(row.number), f"[{row.name}]({row.name}.md)", row.method, row.summary)
            for row in OPERATIONS
            if row.group == group
        ]
        lines += ["", f"## {group.capitalize()}", "", *_table(("#", "Operation", "Method", "What"), rows)]
    return "\n".join(lines) + "\n"


def operation_page(operation: Operation) -> str:
    """One operation: where it stands, what it reads and answers, and every error in order of precedence."""
    paths = [(family.value, f"`{operation.method} {operation.path(family)}`") for family in Family]
    lines = [
        f"# {operation.name}",
        "",
        f"{operation.summary}. {_callers(operation)}",
        "",
        *_table(("Family", "Where"), paths),
        "",
        "## Request",
        "",
        *_request(operation),
        "## Answer",
        "",
        *_answer(operation),
        "## Errors",
        "",
        "Where several apply, the first of these is answered. The row of `998` is for two: one for the form of a "
        "value (its length, its choices, no UUID) comes right behind `403`, one for what it means in the program or "
        "for the member later.",
        "",
        *_table(("v1", "lbms", "HTTP", "Message", "When"), [*_errors(operation)]),
    ]
    return "\n".join(lines) + "\n"


def _callers(operation: Operation) -> str:
    if operation.is_public:
        return "Called with the program's credentials, without a token."
    return (
        "A token that is bound to a member may call it for that member."
        if operation.for_members
        else "A token that is bound to a member is refused (`403`)."
    )


def _request(operation: Operation) -> Iterator[str]:
    body = "elements of the array in the body" if operation.is_array else "body"
    for place, table in (("query", operation.query), (body, operation.body)):
        if table is not None:
            yield from (f"Fields of the {place}:", "", *_fields(table), "")
    if operation.free_keys:
        yield from ("Other keys of the body are attributes that the program defines.", "")
    if operation.keyed:
        most = key().schema["maxLength"]
        yield from (f"The header `Idempotency-Key` (1 to {most} characters) makes a repeat harmless.", "")
    yield from ("```http", *_example_request(operation), "```", "")


def _fields(table: FieldTable) -> list[str]:
    rows = [(f"`{one.name}`", kind_of(one.kind.schema), _need(table, one), _described(one)) for one in table.fields]
    return _table(("Field", "Type", "Needed", "Meaning"), rows)


def _need(table: FieldTable, one: Field) -> str:
    return f"one of {len(table.one_of)}" if one.name in table.one_of else _NEEDS[one.need]


def _described(one: Field) -> str:
    aliases = ", ".join(f"`{alias}`" for alias in one.aliases)
    default = "" if one.default is None else f" Default: `{one.default}`."
    return one.description + (f" Also as {aliases}." if aliases else "") + default


def kind_of(schema: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    kind = schema.get("type", "any")
    words = kind if isinstance(kind, str) else " or ".join(kind)
    if "maxLength" in schema:
        words += f", at most {schema['maxLength']} characters"
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    if lowest is not None and lowest == highest:
        return f"`{lowest}`"
    return f"{words}, from {lowest}" if lowest is not None and lowest >= 0 else words


def _example_request(operation: Operation) -> Iterator[str]:
    query = "&".join(
        f"{one.name}={one.example}" for one in (operation.query.fields if operation.query else ()) if one.example
    )
    yield f"{operation.method} {operation.path(Family.V1)}{'?' * bool(query)}{query}"
    if not operation.is_public:
        yield "Authorization: Bearer <token>"
    if operation.body is not None:
        yield f"Content-Type: {JSON_TYPE.decode()}"
    if operation.keyed:
        yield "Idempotency-Key: order-1001"
    if operation.body is not None:
        yield ""
        example = example_body(operation.body)
        yield _json([example] if operation.is_array else example)


def _answer(operation: Operation) -> Iterator[str]:
    for choice in alternatives(operation.answer):
        fields = [*_answered(choice, "")]
        if fields:
            yield from (f"`ReturnObject` is {_article(choice)}:", "", *_table(("Field", "Type", "Meaning"), fields), "")
        else:
            yield from (f"`ReturnObject`: {_leaf(choice)}", "")
    if "anyOf" in operation.answer:
        yield from (operation.answer["description"], "")
    if operation.ok_headers:
        yield from (*_table(("Header", "Meaning"), [(f"`{k}`", v) for k, v in operation.ok_headers.items()]), "")
    yield from ("```json", _json(example_of(envelope_of(operation, Family.V1))), "```", "")
    if operation.is_public:
        yield from ("In the lbms family, where form-encoded and Basic requests get the OAuth fields as well:", "")
        yield from ("```json", _json(example_of(envelope_of(operation, Family.LBMS))), "```", "")
    else:
        yield from ('In the lbms family the same stands in `{"results": …}`.', "")


def _article(schema: Mapping[str, Any]) -> str:
    return "an array; each element has" if schema.get("type") == "array" else "an object"


def _leaf(schema: Mapping[str, Any]) -> str:
    return f"{kind_of(schema)}. {schema.get('description', '')}".strip()


def _answered(schema: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    """The fields of an object or of the elements of an array, nested ones with a dot."""
    inner = schema["items"] if schema.get("type") == "array" else schema
    fields: dict[str, Mapping[str, Any]] = {}
    for name, one in (
        (name, one) for choice in alternatives(inner) for name, one in choice.get("properties", {}).items()
    ):
        known = fields.get(name, {})
        fields[name] = {**one, "enum": [*known.get("enum", ()), *one["enum"]]} if "enum" in one else one
    for name, one in fields.items():
        path = f"{prefix}{name}"
        yield f"`{path}`", kind_of(one), one.get("description", "")
        yield from _answered(one, f"{path}[]." if one.get("type") == "array" else f"{path}.")


def _errors(operation: Operation) -> Iterator[Sequence[str]]:
    for error in errors_of(operation):
        meaning = " ".join((error.__doc__ or "").split())
        yield f"`{error.code}`", f"`{error.lbms_code}`", str(operation.status_of(error)), error.message, meaning


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads), *(f"| {' | '.join(row)} |" for row in cells)]
