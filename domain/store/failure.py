"""What goes wrong with a database: what is tried again, and when it counts as away."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from domain.errors import ServiceUnavailable

Result = TypeVar("Result")

_RETRYABLE = {"40001", "40P01", "55P03"}
# A migration changed what a statement gives while this process ran, and the driver has forgotten its plans by then.
_OUTDATED = (AsyncAdapt_asyncpg_dbapi.InvalidCachedStatementError, asyncpg.InvalidCachedStatementError)
_RETRIES = 5
_LOST = (OSError, SQLAlchemyError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)


async def retried(ask: Callable[[], Awaitable[Result]]) -> Result:
    """What a database answers, asked again after a deadlock or a migration, by SQLAlchemy or by the driver itself.

    Raises ServiceUnavailable, and what a faulty statement raises.
    """
    for attempt in range(_RETRIES):
        try:
            return await ask()
        except (DBAPIError, asyncpg.PostgresError) as error:
            is_passing = _sqlstate(error) in _RETRYABLE or isinstance(getattr(error, "orig", error), _OUTDATED)
            if not is_passing or attempt == _RETRIES - 1:
                _raise(_translated(error), error)
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter, no secret
        except _LOST as error:
            _raise(_translated(error), error)
    raise AssertionError("the last attempt returns or raises")


def was_undone(error: BaseException) -> bool:
    """Whether a write that ended so has certainly stored nothing: where the database went away nobody knows."""
    return not isinstance(error, ServiceUnavailable) or _sqlstate(error.__cause__) in _RETRYABLE


def _raise(translated: Exception, original: Exception) -> NoReturn:
    if translated is original:
        raise original
    raise translated from original


def _sqlstate(error: BaseException | None) -> str | None:
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state if isinstance(state, str) else None


def _translated(error: Exception) -> Exception:
    """ServiceUnavailable for a database that is away; a programming error stays what it is."""
    if isinstance(error, DBAPIError) and not isinstance(error, OperationalError | InterfaceError):
        return _away(error) if error.connection_invalidated or _is_lost(_sqlstate(error)) else error
    if isinstance(error, SQLAlchemyError) and not isinstance(error, DBAPIError):
        return _away(error) if isinstance(error, TimeoutError) or "QueuePool" in str(error) else error
    return _away(error)


def _is_lost(state: str | None) -> bool:
    return state is not None and (state[:2] in {"08", "53", "57", "58"} or state in _RETRYABLE)


def _away(error: Exception) -> Exception:
    if isinstance(error, asyncpg.PostgresError) and not _is_lost(error.sqlstate):
        return error
    return ServiceUnavailable(retry_after_s=1)
