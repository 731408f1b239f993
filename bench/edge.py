"""B4 (i), our side: the product's GraphQL edge over a schema of its own, whose resolvers touch no database.

`uvicorn bench.edge:app` serves it: the same view, cache of documents, execution and rendering as `/graphql` of the
product. What the cache counted is at `/documents`. The peers in `bench/peers/` serve the same schema and values.
"""

from types import SimpleNamespace

import orjson
import strawberry
from starlette.types import Receive, Scope, Send

from resolvers.figures import Figures
from schema.app import build_graphql_app
from schema.build import TesseraSchema
from schema.document import Documents, ReadyDocument
from tessera.memory import settle_memory

COUNTS_PATH = "/documents"


@strawberry.type
class Entry:
    """What the rows are: all fields plain."""

    id: strawberry.ID
    narration: str
    points: int


_ENTRIES = [
    Entry(id=strawberry.ID(str(number)), narration=f"Purchase {number}", points=10 * number) for number in range(1, 21)
]


@strawberry.type
class Member:
    """An object with a field that is awaited."""

    reference: str

    @strawberry.field
    async def entries(self) -> list[Entry]:
        """Twenty rows."""
        return _ENTRIES


@strawberry.type
class Query:
    """The two things to ask for."""

    @strawberry.field
    def ping(self) -> str:
        """One field."""
        return "pong"

    @strawberry.field
    async def member(self, reference: str) -> Member | None:
        """A member with rows."""
        return Member(reference=reference)


schema = TesseraSchema(query=Query, extensions=[ReadyDocument])
documents = Documents(schema, introspection=False)
_graphql = build_graphql_app(introspection=False, documents=documents)
# No caller has a token, so nothing is asked of any service.
_STATE = {"runtime": SimpleNamespace(services=SimpleNamespace(figures=Figures()))}
settle_memory()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The edge, and beside it what its cache counted."""
    if scope["path"] == COUNTS_PATH:
        await _send_counts(send)
    else:
        await _graphql({**scope, "state": _STATE}, receive, send)


async def _send_counts(send: Send) -> None:
    body = orjson.dumps(documents.counts)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
