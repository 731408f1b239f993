"""`doctor`: is everything there that this deployment needs?"""

import os
import platform
import socket
import sqlite3
import stat
from collections.abc import Callable

import typer

from domain.errors import TesseraError
from tessera.commands.doctor_host import backup_programs, database_server, folder_mode, free_space, time_zones
from tessera.commands.finding import Finding
from tessera.commands.serving import find_schema_state
from tessera.console import REFUSED, begin, note, show
from tessera.locking import CommandRefused, server_pid
from tessera.migration import SENTENCES, USABLE
from tessera.settings import SECRET_KEY_FILE, Settings, SettingsRefused

# Older libraries can corrupt a write-ahead log that two connections write back at the same instant.
_SQLITE_FIXED = (3, 51, 3)


def doctor() -> None:
    """Check settings, machine, data folder, keys, database and ports; exit status 1 if something is wrong."""
    settings = begin()
    findings = [check(settings) for check in _CHECKS]
    for finding in findings:
        show(f"{finding.verdict:<6} {finding.text}")
    wrong = sum(finding.verdict == "wrong" for finding in findings)
    note("Nothing is wrong." if not wrong else f"{wrong} of {len(findings)} checks found something wrong.")
    if wrong:
        raise typer.Exit(REFUSED)


def _environment(settings: Settings) -> Finding:
    return Finding("ok", f"Python {platform.python_version()}, environment {settings.env}.")


def _data_folder(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    if not folder.exists():
        return Finding("note", f"The data folder {folder} does not exist yet; it is made when needed.")
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding("wrong", f"The data folder {folder} cannot be written to.")
    return Finding("ok", f"The data folder is {folder}.")


def _secret_key(settings: Settings) -> Finding:
    if settings.secret_key is not None:
        return Finding("ok", "The secret key comes from the settings.")
    file = settings.data_dir / SECRET_KEY_FILE
    if not file.exists():
        return Finding("note", "There is no secret key yet; this sandbox makes one when needed.")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        return Finding("wrong", f"{file} can be read by others: chmod 600 {file}")
    return Finding("ok", f"The secret key is kept in {file}.")


def _sqlite_library(settings: Settings) -> Finding:
    version = sqlite3.sqlite_version
    if settings.sqlite_file is None:
        return Finding("ok", "SQLite is not in use.")
    if sqlite3.sqlite_version_info < _SQLITE_FIXED:
        return Finding("note", f"SQLite {version}: writers take turns at write.lock; let no other program write.")
    return Finding("ok", f"SQLite {version}.")


def _database(settings: Settings) -> Finding:
    if settings.sqlite_file is not None and not settings.sqlite_file.exists():
        return Finding("note", f"There is no database at {settings.sqlite_file} yet: run `tessera db upgrade`.")
    try:
        state = find_schema_state(settings)
    except TesseraError as error:
        return Finding("wrong", f"{settings.shown_database_url} cannot be reached: {error}")
    except CommandRefused as refusal:
        return Finding("wrong", str(refusal))
    return Finding("ok" if state in USABLE else "wrong", f"{settings.shown_database_url}: {SENTENCES[state]}")


def _port(settings: Settings) -> Finding:
    return _listening(settings, settings.host, settings.port)


def _sftp_port(settings: Settings) -> Finding:
    return _listening(settings, settings.effective_sftp_host, settings.sftp_port)


def _listening(settings: Settings, host: str, port: int) -> Finding:
    place = f"{host} port {port}"
    pid = server_pid(settings)
    if pid is not None:
        return Finding("ok", f"Process {pid} serves this database.")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding("note", f"A server could not listen on {place} now: {error.strerror or error}.")
    return Finding("ok", f"A server can listen on {place}.")


def _documents(settings: Settings) -> Finding:
    if settings.graphql_documents is None:
        return Finding("ok", "GraphQL runs documents of all clients.")
    # Importing the edge takes a moment, which only this check needs.
    from tessera.documents import open_documents

    try:
        count = len(open_documents(settings).trusted)
    except SettingsRefused as refusal:
        return Finding("wrong", str(refusal))
    others = "and no others" if settings.graphql_trusted_only else "and those of all clients"
    return Finding("ok", f"GraphQL runs the {count} documents of {settings.graphql_documents}, {others}.")


_CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _environment,
    _data_folder,
    folder_mode,
    free_space,
    time_zones,
    _secret_key,
    _sqlite_library,
    _database,
    database_server,
    backup_programs,
    _port,
    _sftp_port,
    _documents,
)
