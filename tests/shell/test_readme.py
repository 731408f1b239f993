"""The README, word for word: every block of commands runs, in order, beside a served demo."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.shell.command import Deployment, free_ports

SOURCE = Path(__file__).parents[2]
LAST_LINE = "Ctrl-C stops the server; the data stays.\n"


def _blocks(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", (SOURCE / page).read_text(), re.DOTALL | re.MULTILINE)


BLOCKS = _blocks("README.md")
# What a partner gets, and an answer to the question whether the server is who it says.
PARTNER = r"""
mkdir partner bin && cd partner
cat > ../bin/sftp <<'END'
#!/bin/sh
exec "$SFTP" -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=hosts "$@"
END
chmod +x ../bin/sftp
export SFTP=$(command -v sftp) PATH="$PWD/../bin:$PATH"
ssh-keygen -q -t ed25519 -N '' -f key
eval "$(cd .. && .venv/bin/tessera sftp-login create PROGRAM --public-key partner/key.pub --json | python3 -c '
import json, sys
login, demo = json.load(sys.stdin), json.load(open("var/demo.json"))["sftp"]
print("HOST=%s PORT=%s LOGIN=%s KEY=key" % (demo["host"], demo["port"], login["username"]))')"
"""

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="the steps use curl"),
    pytest.mark.skipif(shutil.which("sftp") is None, reason="the steps use OpenSSH"),
    # One demo serves all of them.
    pytest.mark.xdist_group("readme"),
]


@dataclass(frozen=True)
class Demo:
    """A folder that looks like a checkout, with a served demo, and what the demo printed."""

    deployment: Deployment
    printed: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """What stands after `make run`."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    (folder / "tessera").symlink_to(SOURCE / "tessera")
    deployment = Deployment(folder=folder, settings=free_ports())
    with deployment.serving("demo") as server:
        assert server.stdout is not None
        printed = ""
        while not printed.endswith(LAST_LINE):
            assert (line := server.stdout.readline()), printed
            printed += line
        yield Demo(deployment, printed.removesuffix(LAST_LINE))


def test_every_step_of_the_readme_works_word_for_word(demo: Demo) -> None:
    make, *steps = BLOCKS
    assert make.split()[:2] == ["make", "run"]
    # The last step serves until it is stopped, so it is left to the tests of the server.
    out = _run(demo, "\n".join(steps).replace(".venv/bin/tessera serve\n", ""))
    check, reversal, home, sent, verified = [json.loads(line) for line in out if line.startswith('{"')]
    assert check["ReturnObject"] > 25
    assert reversal["ReturnObject"] is sent["ReturnObject"] is verified["ReturnObject"] is True
    assert int(home["data"]["member"]["balance"]["available"]) == check["ReturnObject"]
    newest = home["data"]["member"]["ledger"]["edges"][0]["node"]
    assert (newest["kind"], newest["points"]) == ("REVERSAL", "25")
    assert "exit status 1" in out
    assert any(re.fullmatch(r"accepted +1", line) for line in out)
    assert any(re.fullmatch(r"rejected +1", line) for line in out)
    assert "The ledger holds: every balance, lot, trace and hash chain." in out
    assert "Configuration version 2 is in force." in out


def test_the_calls_that_the_demo_prints_work_as_they_stand(demo: Demo) -> None:
    calls = demo.printed[demo.printed.index("TOKEN=") :]
    check, redeem, home = [json.loads(line) for line in _run(demo, calls) if line]
    assert check["IsSucessful"]
    assert redeem["IsSucessful"]
    assert int(home["data"]["member"]["balance"]["available"]) == check["ReturnObject"] - 1


def test_the_session_of_the_partners_page_works_word_for_word(demo: Demo) -> None:
    known = json.loads((demo.deployment.folder / "var" / "demo.json").read_text())
    setting = PARTNER.replace("PROGRAM", str(known["program_id"]))
    out = _run(demo, "\n".join([setting, *_blocks("docs/partners.md")]))
    rows = [line.split(",")[:5] for line in out if re.match(r"\d,", line)]
    assert rows == [
        ["2", "ACCEPTED", "000", "Success", "29"],
        ["3", "ACCEPTED", "000", "Success", "13"],
        ["4", "REJECTED", "103", "Member does not exist", "0"],
        ["2", "ACCEPTED", "000", "Success", "7"],
    ]
    page = (SOURCE / "docs" / "partners.md").read_text()
    assert all(",".join(row) in page for row in rows[:3])


def _run(demo: Demo, script: str) -> list[str]:
    """Run commands as typed into a shell, and return what they print; a failing one ends it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TESSERA_")}
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", script],
        cwd=demo.deployment.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()
