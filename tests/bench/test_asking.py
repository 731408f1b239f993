"""B4 measures servers that answer alike, by clients that notice a failure."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from bench import clients
from bench.asking import asking_round, fetch, prove_alike
from bench.edge import schema
from bench.home_screen import DOCUMENT, screen_pasts
from bench.measure import RoundVoid
from bench.node import PEERS, installed_peers
from bench.resolving import QUESTIONS, measure_resolving
from bench.scale import Scale
from bench.subject import Serving, uvicorn_worker
from schema.build import schema as product_schema
from schema.document import Documents

SCALE = Scale(members=0, rounds=1, seconds=1, histories=(), open_lots=0, screens=2, graphql_seconds=1)


def test_the_peers_serve_the_schema_that_ours_serves() -> None:
    assert (PEERS / "schema.graphql").read_text() == schema.as_str() + "\n"


def test_the_peers_are_of_exact_versions_and_the_lock_file_names_no_registry() -> None:
    wanted = json.loads((PEERS / "package.json").read_text())["dependencies"]
    locked = json.loads((PEERS / "package-lock.json").read_text())["packages"]
    assert locked[""]["dependencies"] == wanted
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert not any("resolved" in one for one in locked.values())
    assert all("integrity" in one for name, one in locked.items() if name)


def test_the_home_screen_is_a_document_of_the_product() -> None:
    prepared = Documents(product_schema, introspection=False).prepare(DOCUMENT)
    assert prepared.operation(None).cost({}) == 23
    assert [past.reference for past in screen_pasts(SCALE)] == ["S-1", "S-2"]


def test_answers_that_differ_make_the_round_void() -> None:
    good: dict[str, Any] = {"data": {"ping": "pong"}}
    prove_alike({"ours": good | {"extensions": {"cost": 1}}, "theirs": good})
    for bad in ({"data": {"ping": "gnop"}}, {"data": {"ping": None}}, {"data": None}, good | {"errors": []}):
        with pytest.raises(RoundVoid):
            prove_alike({"ours": good, "theirs": bad})
    with pytest.raises(RoundVoid):
        prove_alike({"ours": {"data": {"ping": None}}, "theirs": {"data": {"ping": None}}})


def test_without_node_our_side_is_measured_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with installed_peers() as folder:
        assert folder is None
    assert "node and npm not found" in " ".join(capsys.readouterr().err.split())
    lines = measure_resolving(SCALE)
    assert [(line.number, list(line.floors)) for line in lines] == [("B4", [])] * len(QUESTIONS)
    assert all(line.rounds[0].operations > 0 for line in lines)
    told = " ".join(capsys.readouterr().err.split())
    total = sum(line.rounds[0].operations for line in lines)
    assert "were parsed and validated already" in told
    assert total > 0


def test_our_side_answers_with_twenty_rows_of_three_fields() -> None:
    with uvicorn_worker("bench.edge:app", {}, "--lifespan", "off") as server:
        member = fetch(server.url + "/graphql", json.dumps({"query": QUESTIONS["a member with 20 rows of 3 fields"]}))
        entries = member["data"]["member"]["entries"]
        assert [set(one) for one in entries] == [{"id", "points", "narration"}] * 20
        assert fetch(f"{server.url}/documents") == {"hits": 0, "misses": 1}


@pytest.fixture(params=["wrk", "bench.generator"])
def generator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either generator; wrk where it is installed."""
    if request.param != "wrk":
        monkeypatch.setattr(shutil, "which", lambda _: None)
    elif clients.generator_name() != "wrk":
        pytest.skip("wrk is not installed")


@pytest.mark.usefixtures("generator")
@pytest.mark.parametrize("members", [0, 3])
def test_clients_ask_for_the_members(members: int) -> None:
    with _answering({"data": {"ping": "pong"}}) as (server, asked):
        body = json.dumps({"query": "{ping}", "variables": {"who": "@member"}})
        measured = asking_round(server, body, SCALE, 1, prefix="M-", members=members)
    assert 0 < measured.operations <= len(asked)
    expected = {"M-1", "M-2", "M-3"} if members else {"M-"}
    assert {json.loads(one)["variables"]["who"] for one in asked} == expected


@pytest.mark.usefixtures("generator")
def test_a_failure_that_comes_with_status_200_makes_the_round_void() -> None:
    with (
        _answering({"data": None, "errors": [{"message": "no"}]}) as (server, _),
        pytest.raises(RoundVoid, match="were refused"),
    ):
        asking_round(server, '{"query": "{ping}"}', SCALE, 1, prefix="M-", members=3)


@contextmanager
def _answering(answer: dict[str, Any]) -> Iterator[tuple[Serving, list[bytes]]]:
    """A server that gives the same answer to everybody, and what it was asked."""
    raw, asked = json.dumps(answer).encode(), list[bytes]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(raw)}\r\n\r\n"
            self.wfile.write(head.encode() + raw)

    class Server(ThreadingHTTPServer):
        request_queue_size = 64
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Serving(f"http://127.0.0.1:{server.server_port}", os.getpid()), asked
        finally:
            server.shutdown()
            thread.join()
