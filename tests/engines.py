"""One memory of compiled statements for all databases of a test run.

SQLAlchemy keeps what it compiled with the engine, and every test opens a database of its own. So each test would
compile all its statements again, which takes longer than to run them.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import LRUCache

from domain.store import database, sqlite_writer

STATEMENTS = 5_000


def share_compiled_statements() -> None:
    """Let the engines that the product opens in this process from now on share their dialects and statements."""
    known: dict[type[Dialect], Dialect] = {}
    cache: Any = LRUCache(STATEMENTS)

    def joined(engine: Engine) -> None:
        # Statements are remembered by the dialect itself. Its first connection tells it what server there is, and all
        # of a kind are equal; one whose server was away knows nothing.
        kind = type(engine.dialect)
        if kind in known and known[kind].server_version_info:
            engine.dialect = known[kind]
        else:
            known[kind] = engine.dialect
        engine.update_execution_options(compiled_cache=cache)

    def joining(create: Callable[..., Any]) -> Callable[..., Any]:
        def create_joined(*given: Any, **options: Any) -> Any:
            engine = create(*given, **options)
            joined(engine.sync_engine if isinstance(engine, AsyncEngine) else engine)
            return engine

        return create_joined

    for module, name in (
        (database, "create_async_engine"),
        (sqlite_writer, "create_async_engine"),
        (sqlite_writer, "create_engine"),
    ):
        setattr(module, name, joining(getattr(module, name)))
