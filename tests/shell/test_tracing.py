"""Traces reach a collector, belong to the trace of the caller, and hold no personal data."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.ports import free_port
from tests.shell.command import Deployment
from tests.shell.test_metrics import client_of, token_of

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PERSONAL = ("ann-4711", "Ann Example", "ann@example.org", "+491701234567")


class Collector:
    """Takes what an exporter posts."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[Span]:
        """All that arrived."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span for one in requests for resource in one.resource_spans
            for scope in resource.scope_spans for span in scope.spans
        ]  # fmt: skip


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def test_a_request_and_its_transactions_are_one_trace(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        with client_of(deployment, tracing=True) as client:
            headers = token_of(client, deployment) | {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "R-7"}
            values = dict(zip(("relation_reference", "full_name", "email_id", "mobile_number"), PERSONAL, strict=True))
            assert client.post("/v1/CreateProfileWithAttributes", json=values, headers=headers).is_success
            query = 'query Who { member(reference: "ann-4711") { fullName emailId } }'
            assert client.post("/graphql", json={"query": query}, headers=headers).is_success
            client.get("/v1/GetMemberProfile/ann-4711?pstrRelationReference=ann-4711", headers=headers)
        # Leaving the application has sent what was left.
        spans = [one for one in collector.spans if one.trace_id.hex() == TRACE]
        requests = {one.name: one for one in spans if one.parent_span_id.hex() == PARENT}
        assert set(requests) == {"POST /v1/CreateProfileWithAttributes", "POST /graphql", "GET unknown"}
        for one in requests.values():
            beneath = [each.name for each in spans if each.parent_span_id == one.span_id]
            assert set(beneath) <= {"database read", "database write"}
        enrolment = requests["POST /v1/CreateProfileWithAttributes"]
        written = [one for one in spans if one.parent_span_id == enrolment.span_id and one.name == "database write"]
        assert written
        told = {one.key: one.value for one in enrolment.attributes}
        assert told["tessera.request_id"].string_value == "R-7"
        assert told["http.response.status_code"].int_value == 200
        sent = b"".join(collector.bodies)
        assert b"CreateProfileWithAttributes" in sent
        assert [one for one in PERSONAL if one.encode() in sent] == []


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_collector_that_is_away_holds_up_nothing(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with client_of(deployment, tracing=True) as client:
        assert client.get("/healthz").status_code == 200


def test_nothing_of_it_is_loaded_where_it_is_off() -> None:
    made = "tessera.app.create_app(tessera.app.Settings(_env_file=None))"
    program = f"import sys, tessera.app; {made}; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=120).returncode == 0
