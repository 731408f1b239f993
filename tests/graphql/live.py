"""The world's edge behind a real server in this process, for clients that speak WebSocket and SSE."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from schema.socket import SUBPROTOCOL
from tessera.jobs import JOBS, Job, running_jobs
from tessera.protocol import BoundedProtocol, SocketProtocol
from tests.graphql.world import Caller, World

_NAMES = {"outbox-relay", "feed", "queue"}
WAIT_S = 20.0


@dataclass(frozen=True)
class Live:
    """Where it listens, and the server itself."""

    port: int
    server: uvicorn.Server
    world: World

    @property
    def http(self) -> str:
        """The address for SSE."""
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def ws(self) -> str:
        """The address for WebSockets."""
        return f"ws://127.0.0.1:{self.port}/graphql"

    @asynccontextmanager
    async def connection(self, caller: Caller | None = None, **settings: Any) -> AsyncIterator["Talk"]:
        """A connection, with `connection_init` behind it where a caller is given."""
        async with connect(self.ws, subprotocols=[Subprotocol(SUBPROTOCOL)], proxy=None, **settings) as opened:
            talk = Talk(opened)
            if caller is not None:
                await talk.send(type="connection_init", payload=caller.headers)
                assert await talk.receive() == {"type": "connection_ack"}
            yield talk


@dataclass(frozen=True)
class Talk:
    """Messages of `graphql-transport-ws`, as they are."""

    connection: ClientConnection

    async def send(self, **message: Any) -> None:
        """Send a message."""
        await self.connection.send(json.dumps(message))

    async def subscribe(self, name: str, query: str, **variables: Any) -> None:
        """Begin an operation."""
        await self.send(type="subscribe", id=name, payload={"query": query, "variables": variables})

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(WAIT_S):
            message: dict[str, Any] = json.loads(await self.connection.recv())
            return message

    async def data(self) -> Any:
        """What the next message brings, which is a result without errors."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (field,) = message["payload"]["data"].values()
        return field

    async def refusal(self) -> tuple[str, str, str | None]:
        """code, reason and field of the one error by which the next message ends an operation."""
        message = await self.receive()
        assert message["type"] == "error", message
        (error,) = message["payload"]
        told = error["extensions"]
        return told["code"], told["reason"], told["field"]

    async def closed(self) -> tuple[int | None, str]:
        """How the server ends the connection."""
        with suppress(ConnectionClosed):
            async with asyncio.timeout(WAIT_S):
                while True:
                    await self.connection.recv()
        return self.connection.close_code, self.connection.close_reason or ""


@asynccontextmanager
async def live(world: World) -> AsyncIterator[Live]:
    """Serve the world, with the jobs that subscriptions live of."""
    runtime = SimpleNamespace(services=world.services)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await world.app(scope, receive, send)
            return
        scope["state"]["runtime"] = runtime
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws=SocketProtocol,
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            timeout_graceful_shutdown=10,
        )
        server = uvicorn.Server(config)
        # Only `serve` would take the signals away from the tests.
        task = asyncio.create_task(server._serve([listener]))
        jobs = tuple(_eager(job) for job in JOBS if job.name in _NAMES)
        try:
            async with running_jobs(world.services, jobs):
                while not server.started:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.005)
                yield Live(listener.getsockname()[1], server, world)
        finally:
            server.should_exit = True
            await task


def _eager(job: Job) -> Job:
    return Job(name=job.name, run=job.run, pause_s=min(job.pause_s, 0.05), busy_pause_s=0.0, bell=job.bell)
