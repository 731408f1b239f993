"""Generated requests, good and bad, alone and in chains: every answer is one that the document describes."""

import json
import subprocess
import sys
from pathlib import Path

import httpx2

from rest_compat.envelope import Family
from tests.callers import callers
from tests.scale import long_run
from tests.servers import CONFIGURATION, Credentials, Deployment, Server, running_servers

EXAMPLES = 1_000 if long_run else 10
# The document says which refusals an operation has, but not for which values: what the program's data decides
# (a product code, a balance) no schema can tell. What it says is bad must be refused.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "413", "415", "422", "429"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "409", "413", "415", "422", "429"]
"""
# What the examples of the document name.
MEMBERS = ("M-1001", "M-1002")
SHOP = CONFIGURATION.replace(b"[{code: PLAIN}]", b"[{code: PLAIN}, {code: MUSIC}]")


async def test_schemathesis_finds_nothing(database_url: str, tmp_path: Path, family: Family) -> None:
    deployment = Deployment(database_url, tmp_path)
    credentials = deployment.create_program("Shop", SHOP)
    with running_servers(deployment) as [server]:
        token = await _prepared(server, credentials)
        said = _fuzzed(tmp_path, server.url, token, family)
        assert server.is_running
        assert "Stateful" in said
        assert "(not applicable)" not in said


async def _prepared(server: Server, credentials: Credentials) -> str:
    """Members with points, so that the examples get beyond their first refusal; a token for them."""
    async with callers([server], credentials) as [caller]:
        for reference in MEMBERS:
            await caller.enroll(reference)
            await caller.earn(reference, 1_000_000, f"of {reference}")
        return caller.token


def _fuzzed(folder: Path, url: str, token: str, family: Family) -> str:
    """What Schemathesis said; that it finds something is the failure of the test."""
    document = httpx2.get(f"{url}/openapi-tolerant.json", trust_env=False).json()
    document["paths"] = {
        path: item
        for path, item in document["paths"].items()
        if path.startswith("/lbms-ingress") is (family is Family.LBMS)
    }
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "schemathesis.toml").write_text(SETTINGS)
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", "schemathesis.toml", "run", "openapi.json", "--url", url),
            *("--header", f"Authorization: Bearer {token}", "--checks", "all", "--max-examples", str(EXAMPLES)),
            *("--phases", "examples,coverage,fuzzing,stateful", "--seed", "1", "--no-color"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * 3600 if long_run else 600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
