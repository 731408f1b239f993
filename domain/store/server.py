"""What kind of server the database is: for whoever looks whether everything is in order."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerState:
    """A PostgreSQL: its version as a number (160004), encoding and clock, and whether commits wait for the disk."""

    version: int
    encoding: str
    clock: datetime
    is_durable: bool


def describe_server(tx: Connection) -> ServerState | None:
    """The server; None for SQLite, which has none."""
    if tx.dialect.name != "postgresql":
        return None
    row = tx.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding, "
        "clock_timestamp() AS clock, current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' "
        "AND current_setting('synchronous_commit') <> 'off' AS is_durable"
    ).one()
    return ServerState(version=row.version, encoding=row.encoding, clock=row.clock, is_durable=row.is_durable)
