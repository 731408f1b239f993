"""Traces by OpenTelemetry: a span for each request and each database transaction in it. Loaded where it is on."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, TypeVar

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import Connection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.store.asking import Asking
from domain.store.database import PostgresDatabase, SqliteDatabase

Result = TypeVar("Result")

_PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """The tracer of one process, which the standard `OTEL_*` variables configure."""

    def __init__(self) -> None:
        resource = Resource.create({SERVICE_VERSION: version("tessera-loyalty")})
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "tessera"}))
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("tessera")

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def traced(self, app: ASGIApp, routes: Mapping[str, str]) -> ASGIApp:
        """The application with a span around each request. `routes`: their names by paths in lower case.

        Another path may be whatever somebody made up, and is not told.
        """

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            carrier = {name: given[name] for name in ("traceparent", "tracestate") if name in given}
            route = routes.get(scope["path"].lower(), "unknown")
            with self._tracer.start_as_current_span(
                f"{scope['method']} {route}",
                context=_PROPAGATOR.extract(carrier),
                kind=SpanKind.SERVER,
                attributes={"http.request.method": scope["method"], "http.route": route},
                record_exception=False,
            ) as span:
                await app(scope, receive, _noting(send, span))

        return serve

    @contextmanager
    def transaction(self, name: str, system: str) -> Iterator[None]:
        """A span around a database transaction of a request; jobs, which look for work all the time, have none."""
        if not get_current_span().get_span_context().is_valid:
            yield
            return
        attributes = {"db.system.name": system}
        # What an error says may quote what was stored.
        with self._tracer.start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise


def _noting(send: Send, span: Span) -> Send:
    async def send_message(message: Message) -> None:
        if message["type"] == "http.response.start":
            span.set_attribute("http.response.status_code", message["status"])
            request_id = dict(message["headers"]).get(b"x-request-id", b"")
            span.set_attribute("tessera.request_id", request_id.decode("latin-1"))
            if message["status"] >= 500:
                span.set_status(Status(StatusCode.ERROR))
        await send(message)

    return send_message


class _Traced:
    tracing: Tracing
    dialect: str

    async def read(self, body: Callable[[Connection], Result]) -> Result:
        with self.tracing.transaction("database read", self.dialect):
            return await super().read(body)  # type: ignore[misc, no-any-return]  # of the database it stands before

    async def ask(self, *begin: Callable[[], Asking[Any]]) -> list[Any]:
        with self.tracing.transaction("database read", self.dialect):
            return await super().ask(*begin)  # type: ignore[misc, no-any-return]  # as above

    async def write(self, body: Callable[[Connection], Result]) -> Result:
        with self.tracing.transaction("database write", self.dialect):
            return await super().write(body)  # type: ignore[misc, no-any-return]  # as above


class _TracedSqlite(_Traced, SqliteDatabase):
    pass


class _TracedPostgres(_Traced, PostgresDatabase):
    async def call(self, statement: str, *values: Any, about: Any) -> Any:
        with self.tracing.transaction("database write", self.dialect):
            return await super().call(statement, *values, about=about)


def trace_database(database: SqliteDatabase | PostgresDatabase, tracing: Tracing) -> None:
    """Have a database that was opened make spans from now on."""
    kinds = {SqliteDatabase: _TracedSqlite, PostgresDatabase: _TracedPostgres}
    database.__class__ = kinds[type(database)]
    database.tracing = tracing  # type: ignore[union-attr]  # it is one of these now
