"""The published JSON Schema of the configuration, and its faults with our paths."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from domain.rules.problem import MAX_PROBLEMS, Problem, child, shown

SCHEMA_NAME = "configuration.schema.json"


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) as published."""
    return files("domain.rules").joinpath(SCHEMA_NAME).read_text(encoding="utf-8")


def shape_problems(document: Any, schema: str | None = None) -> list[Problem]:
    """Where the document departs from a schema: unknown keys, missing ones, wrong types and ranges.

    `schema` None: that of configurations.
    """
    errors = islice(_validator(schema).iter_errors(document), MAX_PROBLEMS)
    return [problem for error in errors for problem in _problems_of(error)]


@cache
def _validator(schema: str | None) -> Validator:
    checker: TypeChecker = Draft202012Validator.TYPE_CHECKER
    checker = checker.redefine("number", _is_number).redefine("integer", _is_integer)
    extended: Any = extend  # the library's own types end here
    validator: Validator = extended(Draft202012Validator, type_checker=checker)(json.loads(schema or schema_text()))
    return validator


def _is_number(_: TypeChecker, value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_integer(_: TypeChecker, value: object) -> bool:
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def _problems_of(error: ValidationError) -> Iterator[Problem]:
    path = _path(error.absolute_path)
    schema: Any = error.schema
    given: Any = error.instance
    if error.validator == "additionalProperties":
        known = schema["properties"]
        yield from (Problem(child(path, key), "unknown key") for key in given if key not in known)
    elif error.validator == "required":
        # One error for each missing key, and the key only in its text.
        for key in schema["required"]:
            if key not in given:
                yield Problem(child(path, key), "is missing")
    else:
        yield Problem(path, _message(error))


def _path(parts: Iterable[str | int]) -> str:
    path = ""
    for part in parts:
        path = child(path, part)
    return path


def _message(error: ValidationError) -> str:
    limit: Any = error.validator_value
    match error.validator:
        case "type":
            wanted = " or ".join([limit] if isinstance(limit, str) else limit)
            article = "an" if wanted[0] in "aio" else "a"
            return f"must be {article} {wanted}, not {shown(error.instance)}"
        case "enum":
            return f"must be one of {', '.join(map(str, limit))}, not {shown(error.instance)}"
        case "const":
            return f"must be {limit}, not {shown(error.instance)}"
        case "minimum":
            return f"must be at least {limit}"
        case "exclusiveMinimum":
            return f"must be more than {limit}"
        case "maximum":
            return f"must be at most {limit}"
        case "minItems" | "minLength" | "minProperties":
            return "must not be empty"
        case "maxItems" | "maxLength" | "maxProperties":
            return f"must have no more than {limit} elements"
        case _:
            return f"{shown(error.instance)} is not allowed here"
