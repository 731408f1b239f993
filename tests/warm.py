"""Processes of `tessera` that need not import it first.

To import all of the product takes two seconds of a processor, and the tests start it hundreds of times. So one process
has imported it and forks for each start: what runs then is `python -m tessera` with an environment, folder, streams,
session and sockets of its own, which can be killed like any other. What an import does is for the tests that take
`subprocess`.
"""

import atexit
import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from tessera.cli import COMMANDS

# What commands import when they need it.
MODULES = ("tessera.server", "tessera.demo", "tessera.parity.run", "domain.migrations", "uvloop")
_STREAMS = 3
# Process ids and exit statuses are told by it.
_NUMBER = struct.Struct("=i")


class WarmProcess:
    """A process like those of `subprocess`. It ends when whoever started it is gone."""

    def __init__(
        self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, out: IO[bytes] | None = None
    ) -> None:
        """Start `tessera` with these arguments; what it writes goes to `out`, else can be read from here."""
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        self.returncode: int | None = None
        own, given = socket.socketpair()
        pipes = [] if out else [os.pipe(), os.pipe()]
        with Path(os.devnull).open("rb") as nothing, given:
            written = [out.fileno()] * 2 if out else [pipe[1] for pipe in pipes]
            socket.send_fds(_server(), [b"+"], [given.fileno(), nothing.fileno(), *written])
        for _, end in pipes:
            os.close(end)
        if pipes:
            self.stdout, self.stderr = (os.fdopen(pipe[0], encoding="utf-8") for pipe in pipes)
        self._own = own
        own.sendall(json.dumps({"arguments": list(arguments), "env": dict(env), "cwd": str(cwd)}).encode() + b"\n")
        self.pid = _told(own)

    def poll(self) -> int | None:
        """Its exit status if it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status when it has ended, less than 0 for a signal. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._own.settimeout(timeout)
            try:
                self.returncode = _told(self._own)
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired("tessera", timeout or 0) from None
            self._own.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it writes until it ends. One that takes longer is killed: raises subprocess.TimeoutExpired."""
        with ThreadPoolExecutor(2) as readers:
            reads = [readers.submit(_rest_of, stream) for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            out, err = (read.result() for read in reads)
        return out, err

    def send_signal(self, which: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            # It may end at this moment.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, which)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _told(socket: socket.socket) -> int:
    """The next number that comes, whole or not at all. Raises struct.error where the forking process is gone."""
    return int(_NUMBER.unpack(socket.recv(_NUMBER.size))[0])


def _rest_of(stream: IO[str] | None) -> str:
    if stream is None or stream.closed:
        return ""
    with stream:
        return stream.read()


@cache
def _server() -> socket.socket:
    """The way to the process that forks: one for each that runs tests, started with the first need."""
    own, given = socket.socketpair()
    with given:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm"], stdin=given.fileno(), cwd=Path(__file__).parents[1]
        )

    @atexit.register
    def end() -> None:
        own.close()
        process.wait()

    return own


def _serve() -> None:
    for module in (*MODULES, *(f"tessera.commands.{module}" for module, _ in COMMANDS.values())):
        import_module(module)
    gc.collect()
    gc.freeze()
    if threading.active_count() > 1:
        raise RuntimeError("a process with threads cannot be forked")
    control = socket.socket(fileno=0)
    while received := socket.recv_fds(control, 1, 1 + _STREAMS)[1]:
        if os.fork() == 0:
            control.close()
            _keep(socket.socket(fileno=received[0]), received[1:])
            return
        for each in received:
            os.close(each)
        _reap(os.WNOHANG)
    _reap(0)


def _reap(options: int) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def _keep(starter: socket.socket, streams: Sequence[int]) -> None:
    """Start the process, tell how it ended, and end it when nobody is there any more to hear of it."""
    with starter.makefile("r") as told:
        asked = json.loads(told.readline())
    if (pid := os.fork()) == 0:
        starter.close()
        _become(asked, streams)
        return
    for each in streams:
        os.close(each)
    starter.sendall(_NUMBER.pack(pid))
    threading.Thread(target=_end_when_alone, args=(starter, pid), daemon=True).start()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(OSError):
        starter.sendall(_NUMBER.pack(status))
    os._exit(0)


def _end_when_alone(starter: socket.socket, pid: int) -> None:
    starter.recv(1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _become(asked: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Be `python -m tessera`: whatever it raises goes on to the interpreter."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.argv = ["tessera", *asked["arguments"]]
    runpy.run_module("tessera", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
