"""Foreign programs: those of the machine, and those that packages of Node bring."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_COPIED = shutil.ignore_patterns("node_modules")


def run(*command: str, cwd: Path, expect: int = 0) -> str:
    """Run a foreign program and give what it printed; its complaint is the failure of the test."""
    # A tool that is missing fails here and loudly: `make e2e` skips nothing.
    assert shutil.which(command[0]), f"{command[0]} is not on this machine, and `make e2e` needs it"
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == expect, f"{' '.join(command)}\n{done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def uv() -> str:
    """The uv of the environment that the tests run in."""
    return str(Path(sys.executable).with_name("uv"))


class Packages:
    """A folder of Node packages and scripts, installed from its lock into a scratch folder."""

    def __init__(self, name: str, scratch: Path) -> None:
        self.folder = scratch / name
        shutil.copytree(HERE / name, self.folder, ignore=_COPIED)
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=self.folder)

    def script(self, name: str, *arguments: str) -> Any:
        """What a script of the folder printed, as JSON."""
        return json.loads(run("node", name, *arguments, cwd=self.folder))

    def program(self, name: str, *arguments: str, expect: int = 0) -> str:
        """What a program of the packages printed."""
        # By its path: npx would fetch some package of that name where none is installed.
        return run(str(self.folder / "node_modules" / ".bin" / name), *arguments, cwd=self.folder, expect=expect)
