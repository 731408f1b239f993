"""B4's clients: rounds of one GraphQL document, and the proof that all servers answer it alike."""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

from bench.clients import Load, put_under_load
from bench.measure import Measured, RoundVoid
from bench.scale import Scale
from bench.subject import Serving

PATH = "/graphql"


def fetch(url: str, body: str | None = None, token: str = "") -> Any:
    """The JSON that a server of ours answers."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(  # noqa: S310 - our own server
        url, None if body is None else body.encode(), headers
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
        return json.loads(answer.read())


def prove_alike(answers: Mapping[str, Any]) -> None:
    """Hold the `data` of every server's answer against that of the first. Raises RoundVoid."""
    (first, expected), *others = answers.items()
    for name, answer in ((first, expected), *others):
        if "errors" in answer or not answer.get("data") or None in answer["data"].values():
            raise RoundVoid(f"{name} answers {json.dumps(answer)[:500]}")
        if answer["data"] != expected["data"]:
            found, wanted = json.dumps(answer["data"])[:500], json.dumps(expected["data"])[:500]
            raise RoundVoid(f"{name} answers {found}, and {first} {wanted}")


def asking_round(
    server: Serving, body: str, scale: Scale, number: int, *, prefix: str = "-", members: int = 0, token: str = ""
) -> Measured:
    """A round in which clients send this body, in which `@member` stands for one of the members; warm from the start.

    Raises RoundVoid.
    """
    load = Load(url=server.url, path=PATH, kind="ask", prefix=prefix, members=members, token=token, body=body)
    if number == 0:
        put_under_load(load, scale.warm_up_s, number, server.pid)
    return put_under_load(load, scale.graphql_seconds, number, server.pid)
