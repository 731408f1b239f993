"""Sixteen keep-alive clients: wrk where it is installed, else a generator of our own; the same for all."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Measured, RoundVoid, cpu_seconds

CLIENTS = 16

_SCRIPT = Path(__file__).with_name("redeem.lua")


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What the clients ask of a server. `members` 0: `prefix` is the one member that all ask for.

    `kind` is `redeem`, with a key of its own for each request, `insert`, a purchase with an id of its own, `read`, or
    `ask`: with `body`, in which `@member` stands for the member.
    """

    url: str
    path: str
    kind: str
    prefix: str
    members: int
    token: str = ""
    body: str = "-"
    clients: int = CLIENTS

    def arguments(self, seed: int) -> list[str]:
        """As the generators want it."""
        # Nanoseconds make the keys of every round differ from those of any other, in any run.
        run = f"{self.kind}-{time.time_ns()}"
        return [self.path, self.token or "-", self.prefix, str(self.members), run, self.kind, str(seed), self.body]


def generator_name() -> str:
    """Which generator makes the load here."""
    return "wrk" if shutil.which("wrk") else "bench.generator"


def put_under_load(load: Load, seconds: int, seed: int, pid: int) -> Measured:
    """Let the clients work for some seconds; `pid` is the server, whose processor time is counted.

    Raises RoundVoid where any request failed or was refused.
    """
    command = [sys.executable, "-m", "bench.generator"]
    if wrk := shutil.which("wrk"):
        command = [wrk, "--latency", "--timeout", "30s", "-t", "1", "-s", str(_SCRIPT)]
    command += ["-c", str(load.clients), "-d", str(seconds), load.url, "--", *load.arguments(seed)]
    before = cpu_seconds(pid)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    used = cpu_seconds(pid) - before
    if done.returncode:
        raise RoundVoid(f"the load generator failed: {done.stdout}{done.stderr}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    if found["refused"] or found["lost"] or not found["requests"]:
        raise RoundVoid(f"{found['refused']} requests were refused and {found['lost']} lost: {found}")
    return Measured(
        operations=found["requests"],
        seconds=found["seconds"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        cpu_us=used / found["requests"] * 1e6,
    )
