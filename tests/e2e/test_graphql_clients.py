"""GraphQL over HTTP as the specification's audit and the stock clients see it, on a server in production."""

import json
import sys
from collections import Counter
from pathlib import Path

from tests.e2e.conftest import Rich
from tests.e2e.programs import Packages, run

GQL_WALK, GQL_LIVE_WALK = (Path(__file__).with_name(name) for name in ("gql_walk.py", "gql_live_walk.py"))
AUDITS = 61
WALKED = {"reference": "M-1", "redeemed": "2", "replayed": [False, True], "same": True, "difference": 2} | {
    "refused": "INSUFFICIENT_POINTS"
}


def test_the_audit_of_graphql_over_http_passes_whole(production: Rich, clients: Packages) -> None:
    results = clients.script("audit.mjs", production.graphql)
    assert [one for one in results if one["status"] != "ok"] == []
    assert len(results) >= AUDITS
    levels = Counter(one["name"].split()[0] for one in results)
    assert set(levels) == {"MUST", "SHOULD", "MAY"}


def test_stock_clients_of_node_query_mutate_and_are_refused(production: Rich, clients: Packages) -> None:
    walked = clients.script("http.mjs", production.graphql, production.token, "M-1")
    assert set(walked) == {
        *("apollo", "apollo by GET", "urql", "urql by GET"),
        *("graphql-request", "graphql-request by GET"),
    }
    told = [float(one.pop("told")) for one in walked.values()]
    assert told == [told[0] - 2 * number for number in range(len(told))]
    for name, one in walked.items():
        assert one == WALKED | {"status": "ACTIVE"}, name


def test_gql_queries_mutates_and_is_refused(production: Rich, tmp_path: Path) -> None:
    given = (production.graphql, production.token, "M-1")
    said = run(sys.executable, str(GQL_WALK), *given, cwd=tmp_path)
    assert json.loads(said) == WALKED


def test_stock_clients_of_node_subscribe_and_go_on_where_they_were(production: Rich, clients: Packages) -> None:
    walked = clients.script("live.mjs", production.graphql, production.token, "M-2")
    assert set(walked) == {"graphql-ws", "graphql-sse", "urql over WebSocket", "urql over SSE", "apollo"}
    for number, (name, one) in enumerate(walked.items(), 2):
        assert one == {"topic": "points.redeemed", "points": [f"-{number}", f"-{number}0"], "later": True}, name


def test_graphql_ws_queries_and_mutates_over_its_socket_and_is_refused(production: Rich, clients: Packages) -> None:
    walked = clients.script("socket.mjs", production.graphql, production.token, "M-2")
    assert walked == {
        "member": "M-2",
        "redeemed": "8",
        "refused": "INSUFFICIENT_POINTS",
        "another": None,
        "closed": 4403,
    }


def test_gql_subscribes_and_goes_on_where_it_was(production: Rich, tmp_path: Path) -> None:
    given = (production.graphql, production.token, "M-2")
    said = run(sys.executable, str(GQL_LIVE_WALK), *given, cwd=tmp_path)
    assert json.loads(said) == {"points": ["-7", "-70"], "later": True}
