"""The OpenAPI document in the hands of the tools that integrators use."""

import json
from pathlib import Path

from tests.e2e.conftest import Served
from tests.e2e.programs import run, uv

GENERATOR = "openapi-python-client==0.29.1"
LINTER = "@stoplight/spectral-cli@6.15.0"
PACKAGE = "tessera_rest_v_1_client"
WALK = Path(__file__).with_name("generated_client_walk.py")


def test_spectral_finds_no_error(served: Served, tmp_path: Path) -> None:
    (tmp_path / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    found = json.loads(
        run("npx", "--yes", LINTER, "lint", "--quiet", "--format", "json", str(served.openapi), cwd=tmp_path) or "[]"
    )
    assert [one for one in found if one["severity"] == 0] == []


def test_a_generated_client_walks_from_the_token_to_the_statement(served: Served, tmp_path: Path) -> None:
    said = run(
        *(uv(), "tool", "run", "--from", GENERATOR, "openapi-python-client", "generate"),
        *("--path", str(served.openapi), "--meta", "none", "--output-path", str(tmp_path / PACKAGE)),
        cwd=tmp_path,
    )
    assert "warning" not in said.lower(), said
    identity = (served.credentials.client_id, served.credentials.client_secret)
    # In the generator's own environment, which has all that a generated client needs.
    walked = run(
        *(uv(), "tool", "run", "--from", GENERATOR, "--with", "httpx", "python", str(WALK), served.url, *identity),
        cwd=tmp_path,
    )
    assert json.loads(walked) == {
        "created": True,
        "inserted": True,
        "points_awarded": "50",
        "available": 50,
        "too_much": "121",
        "replayed": True,
        "reversed": True,
        "balance": 50,
    }
