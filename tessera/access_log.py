"""One message per request, where the settings ask for it: ids and figures, no bodies, no query strings."""

from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger("tessera.access")


def logged(app: ASGIApp) -> ASGIApp:
    """The application with a log of its requests. Query strings stay out: they hold personal data."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        start = perf_counter()
        answer: dict[str, str | int] = {"status": 500}

        async def send_message(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                answer["status"] = message["status"]
                answer["request_id"] = headers.get(b"x-request-id", b"").decode("latin-1")
            await send(message)

        try:
            await app(scope, receive, send_message)
        finally:
            took_ms = round((perf_counter() - start) * 1000, 1)
            _log.info("request", method=scope["method"], path=scope["path"], took_ms=took_ms, **answer)

    return serve
