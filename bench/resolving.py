"""B4 (i): GraphQL without a database, beside the same schema on Apollo Server and on Mercurius with its compiler.

What of it is execution is compiled (docs/adr/0015); the rest is HTTP. Ratios are told here, and none is asked for.
"""

import json
from contextlib import ExitStack
from functools import partial

from bench.asking import PATH, asking_round, fetch, prove_alike
from bench.edge import COUNTS_PATH
from bench.measure import RoundVoid, alternate
from bench.node import APOLLO, MERCURIUS, installed_peers, peer
from bench.report import Floor, Line, announce
from bench.scale import Scale
from bench.subject import Serving, uvicorn_worker

QUESTIONS = {
    "a member with 20 rows of 3 fields": 'query {member(reference: "M-1") {reference entries {id narration points}}}',
    "one field": "{ping}",
}

_NAMES = {APOLLO: "Apollo Server 5", MERCURIUS: "Mercurius, compiled by graphql-jit"}
_OURS = "Tessera"


def measure_resolving(scale: Scale) -> list[Line]:
    """Every question by turns with the peers, or alone where there is no Node."""
    with ExitStack() as stack:
        folder = stack.enter_context(installed_peers())
        serving = {_OURS: stack.enter_context(uvicorn_worker("bench.edge:app", {}, "--lifespan", "off"))}
        if folder is not None:
            serving |= {name: stack.enter_context(peer(folder, program)) for program, name in _NAMES.items()}
        lines = [_asked(question, document, serving, scale) for question, document in QUESTIONS.items()]
        _prove_cached(serving[_OURS], len(QUESTIONS))
    return lines


def _asked(question: str, document: str, serving: dict[str, Serving], scale: Scale) -> Line:
    body = json.dumps({"query": document})
    _prove(serving, body)
    turns = [partial(asking_round, server, body, scale) for server in serving.values()]
    ours, *theirs = alternate(scale.rounds, *turns)
    _prove(serving, body)
    floors = [Floor(name, rounds) for name, rounds in zip(list(serving)[1:], theirs, strict=True)]
    return Line("B4", f"GraphQL, resolvers only: {question}", ours, floors)


def _prove(serving: dict[str, Serving], body: str) -> None:
    prove_alike({name: fetch(server.url + PATH, body) for name, server in serving.items()})


def _prove_cached(ours: Serving, documents: int) -> None:
    """Ask our cache whether each document was prepared only once. Raises RoundVoid."""
    counts = fetch(ours.url + COUNTS_PATH)
    announce(f"B4: of {sum(counts.values()):,} documents {counts['hits']:,} were parsed and validated already")
    if counts["misses"] != documents:
        raise RoundVoid(f"{documents} documents were prepared {counts['misses']} times")
