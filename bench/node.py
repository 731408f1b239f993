"""The peers of B4 on Node: installed as their lock file says, each served by one process."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.report import announce
from bench.subject import Serving, served
from tests.ports import free_port

PEERS = Path(__file__).with_name("peers")
APOLLO, MERCURIUS = "apollo.js", "mercurius.js"

_INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
_INSTALL_LIMIT_S = 300


@contextmanager
def installed_peers() -> Iterator[Path | None]:
    """A folder with the peers and their packages. None, and a sentence that says why, where they cannot be had."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        announce(f"B4: {' and '.join(missing)} not found, so nothing is measured beside servers on Node")
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as name:
        folder = Path(shutil.copytree(PEERS, Path(name) / "peers", ignore=shutil.ignore_patterns("node_modules")))
        announce("B4: installing the servers on Node")
        try:
            done = subprocess.run(
                _INSTALL, cwd=folder, capture_output=True, text=True, check=False, timeout=_INSTALL_LIMIT_S
            )
            trouble = done.stderr[-1000:] if done.returncode else ""
        except subprocess.TimeoutExpired:
            trouble = f"not done within {_INSTALL_LIMIT_S} s"
        if trouble:
            announce(f"B4: npm cannot install them, so nothing is measured beside servers on Node: {trouble}")
        yield None if trouble else folder


@contextmanager
def peer(folder: Path, program: str) -> Iterator[Serving]:
    """One process of a peer, in production mode."""
    port = free_port()
    environment = os.environ | {"NODE_ENV": "production"}
    with served(["node", program, str(port)], environment, folder, port) as serving:
        yield serving
