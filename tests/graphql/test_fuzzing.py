"""Operations that Schemathesis generates from the served schema: no surprise, each refusal a catalogued one."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from graphql import build_schema, is_scalar_type, is_specified_scalar_type

from schema.sdl import export_sdl
from tests.callers import callers
from tests.graphql.fuzzing import COUNTED, SCALARS
from tests.scale import long_run, scaled
from tests.servers import CONFIGURATION, Credentials, Deployment, Server, running_servers

OPERATIONS = 2_000
# Of each field of Query and Mutation, for each of two callers.
EXAMPLES = 20 if long_run else 1
MEMBERS = ("M-1001", "M-1002")
SHOP = CONFIGURATION.replace(b"[{code: PLAIN}]", b"[{code: PLAIN}, {code: MUSIC}]")
# What generated documents name, so that they get beyond the first refusal now and then.
SETTINGS = """
[generation]
allow-x00 = {nul}

[dictionaries]
references = {{ values = ["M-1001", "M-1002", "M-1003"] }}
products = {{ values = ["MUSIC", "PLAIN"] }}
sizes = {{ values = [1, 20, 100] }}
keys = {{ values = ["K-1", "K-2", "K-3", "K-4", "K-5", "K-6", "K-7", "K-8", "K-9"] }}
ids = {{ values = {ids} }}

[parameters]
"*.*.reference" = {{ dictionary = "references", probability = 0.8 }}
"*.*.victim" = {{ dictionary = "references", probability = 0.8 }}
"*.*.survivor" = {{ dictionary = "references", probability = 0.8 }}
"*.*.input.relationReference" = {{ dictionary = "references", probability = 0.8 }}
"*.*.input.memberRelationReference" = {{ dictionary = "references", probability = 0.8 }}
"*.*.input.productCode" = {{ dictionary = "products", probability = 0.8 }}
"*.*.input.idempotencyKey" = {{ dictionary = "keys", probability = 0.8 }}
"*.*.first" = {{ dictionary = "sizes", probability = 0.8 }}
"*.*.last" = {{ dictionary = "sizes", probability = 0.8 }}
"*.*.id" = {{ dictionary = "ids", probability = 0.8 }}
"*.*.ids[*]" = {{ dictionary = "ids", probability = 0.8 }}
"""
IDS = "{members {edges {node {id ledger {edges {node {id}}} transactions {edges {node {id}}}}}}}"


def test_every_scalar_of_ours_has_values() -> None:
    ours = build_schema(export_sdl()).type_map.values()
    assert {one.name for one in ours if is_scalar_type(one) and not is_specified_scalar_type(one)} == set(SCALARS)


# PostgreSQL is the stricter of the two about what it takes, so it is the one of every day.
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"] if long_run else ["postgresql"], scope="session")
async def test_schemathesis_meets_no_surprise(database_url: str, tmp_path: Path) -> None:
    # Generated operations come as fast as they are answered: what holds them back is tested elsewhere.
    limits = {"rate_limit_per_second": "100000", "rate_burst": "1000000"}
    deployment = Deployment(database_url, tmp_path, **limits)
    credentials = deployment.create_program("Shop", SHOP)
    with running_servers(deployment) as [server]:
        token, ids = await _prepared(server, credentials)
        program = {"Authorization": f"Bearer {token}"}
        counts = _fuzzed(tmp_path / "program", server.url, program, SETTINGS.format(ids=ids, nul="true"))
        issued = json.loads(deployment.command("admin-token", "create", "--role", "program-admin", "--json"))
        administrator = {"Authorization": f"Bearer {issued['token']}", "X-Program-Id": str(credentials.program_id)}
        counts += _fuzzed(tmp_path / "administrator", server.url, administrator, SETTINGS.format(ids=ids, nul="false"))
        assert server.is_running
        assert counts["query"] + counts["mutation"] >= scaled(OPERATIONS), counts
        assert min(counts["query"], counts["mutation"]) >= scaled(OPERATIONS) // 5, counts
        # Most of what is generated means nothing, yet some of both kinds is carried out.
        assert counts["query done"] >= counts["query"] // 10, counts
        assert counts["mutation done"] > 0, counts


async def _prepared(server: Server, credentials: Credentials) -> tuple[str, str]:
    """Members with points: a token of their program, and ids of what there is, as a list."""
    async with callers([server], credentials) as [caller]:
        for reference in MEMBERS:
            await caller.enroll(reference)
            await caller.earn(reference, 1_000_000, f"of {reference}")
        answer = await caller.client.post("/graphql", json={"query": IDS})
        ids = re.findall(r'"id":"([^"]+)"', answer.text)
        assert len(ids) == 3 * len(MEMBERS), answer.text
        return caller.token, json.dumps(ids)


def _fuzzed(folder: Path, url: str, headers: dict[str, str], settings: str) -> Counter[str]:
    """What was sent and answered; that Schemathesis finds something is the failure of the test."""
    folder.mkdir()
    (folder / "schemathesis.toml").write_text(settings)
    counts = folder / "counts.json"
    given = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    # Refusals of the state of things are no failures of the server, which is what its own check takes them for.
    checks = "catalogued,response_schema_conformance,negative_data_rejection"
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", "schemathesis.toml", "run", f"{url}/graphql", *given, "--checks", checks),
            *("--max-examples", str(EXAMPLES), "--phases", "fuzzing", "--seed", "1", "--no-color"),
            *("--continue-on-failure", "--no-shrink", "--generation-database", "none"),
        ],
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.graphql.fuzzing", COUNTED: str(counts)},
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * 3600 if long_run else 600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Counter(json.loads(counts.read_text()))
