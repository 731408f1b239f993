"""What Schemathesis is told of this schema: values of its scalars, and what every answer must be.

Loaded by Schemathesis itself, in its own process, as its hooks.
"""

import atexit
import json
import os
from collections import Counter
from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any

import graphql
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from domain.errors import CATALOGUE

COUNTED = "TESSERA_TEST_FUZZING_COUNTS"
"""The variable that names the file which counts are written to."""

_seen: Counter[str] = Counter()

_numbers = st.one_of(
    st.integers(0, 200),
    st.integers(-(10**15), 10**15),
    st.decimals(-(10**6), 10**6, places=2, allow_nan=False, allow_infinity=False),
)
_zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_moments = st.datetimes(timezones=st.just(UTC) | _zones).filter(lambda one: 1800 <= one.year <= 9000)
_dates = st.dates().filter(lambda one: 1800 <= one.year <= 9000)
_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
_plain = st.one_of(
    _texts.map(nodes.String), st.integers(-(2**31), 2**31).map(nodes.Int), st.booleans().map(nodes.Boolean)
)
_names = st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True)


def _object(items: dict[str, graphql.ValueNode]) -> graphql.ObjectValueNode:
    return nodes.Object(
        [graphql.ObjectFieldNode(name=graphql.NameNode(value=name), value=value) for name, value in items.items()]
    )


_json = st.recursive(
    _plain,
    lambda inner: st.lists(inner, max_size=3).map(nodes.List) | st.dictionaries(_names, inner, max_size=3).map(_object),
    max_leaves=6,
)

SCALARS: dict[str, st.SearchStrategy[graphql.ValueNode]] = {
    "Points": _numbers.map(lambda one: nodes.String(format(one, "f"))) | st.integers(0, 100).map(nodes.Int),
    "Decimal": _numbers.map(lambda one: nodes.String(format(one, "f"))),
    "DateTime": _moments.map(lambda one: nodes.String(one.isoformat())),
    "Date": _dates.map(nodes.String),
    "ClearableDate": _dates.map(nodes.String) | st.just(nodes.String("")),
    "Time": st.times().map(lambda one: nodes.String(one.isoformat("minutes"))),
    "UUID": st.uuids().map(nodes.String),
    "AttributeScalar": _plain,
    "JSON": _json,
}

for _name, _strategy in SCALARS.items():
    schemathesis.graphql.scalar(_name, _strategy)


@schemathesis.check
def catalogued(context: Any, response: Any, case: Any) -> None:
    """Every answer is one of GraphQL, and each of its errors one that the catalogue has, none a surprise."""
    operation = case.operation.label.partition(".")[0].lower()
    _seen[operation] += 1
    assert response.status_code in {200, 400}, f"status {response.status_code}"
    body = json.loads(response.content)
    errors = body.get("errors", [])
    assert errors or "data" in body
    for error in errors:
        told = error["extensions"]
        assert told["code"] != "INTERNAL_SERVER_ERROR", error
        assert told["reason"] in CATALOGUE, error
        assert told["v1Code"] == CATALOGUE[told["reason"]].code, error
        assert told["httpStatus"] < 500, error
        assert told["requestId"] == response.headers["x-request-id"][0], error
    reasons = {error["extensions"]["reason"] for error in errors}
    _seen.update(f"{operation} {reason}" for reason in reasons)
    if any(value is not None for value in (body.get("data") or {}).values()):
        _seen[f"{operation} done"] += 1
        _seen[case.operation.label] += 1


@atexit.register
def _write() -> None:
    if path := os.environ.get(COUNTED):
        Path(path).write_text(json.dumps(_seen))
