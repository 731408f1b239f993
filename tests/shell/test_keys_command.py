"""`tessera keys`: the next key comes into force while a server runs."""

from dataclasses import replace
from typing import Any

import httpx2
import jwt

from tests.shell.command import Deployment


def _token(deployment: Deployment, issued: dict[str, Any]) -> str:
    form = {"grant_type": "client_credentials"} | {name: issued[name] for name in ("client_id", "client_secret")}
    answer = httpx2.post(f"{deployment.base_url}/oauth/Auth/Token", data=form, timeout=10)
    return str(answer.json()["access_token"])


def _is_good(deployment: Deployment, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    query = {"query": "{program {name}}"}
    answer = httpx2.post(f"{deployment.base_url}/graphql", json=query, headers=headers, timeout=10)
    return "errors" not in answer.json()


def test_a_running_server_goes_on_with_both_keys(deployment: Deployment) -> None:
    deployment = replace(deployment, settings=deployment.settings | {"TESSERA_TOKEN_ALGORITHM": "EdDSA"})
    issued = deployment.run("program", "create", "Keys", "--json").json
    with deployment.serving():
        former = _token(deployment, issued)
        assert jwt.get_unverified_header(former)["kid"] == "sandbox-1-ed25519"
        rotated = deployment.run("keys", "rotate", "--json")
        assert (rotated.status, rotated.json["kid"]) == (0, "sandbox-2-ed25519"), rotated.err
        assert _token(deployment, issued) == former
        assert _is_good(deployment, former)
        reset = deployment.run("credentials", "reset", str(issued["program_id"]), "--json").json
        renewed = _token(deployment, reset)
        assert jwt.get_unverified_header(renewed)["kid"] == "sandbox-2-ed25519"
        assert _is_good(deployment, renewed)
        listed = deployment.run("keys", "list", "--json").json
        assert [key["kid"] for key in listed] == ["sandbox-2-ed25519", "sandbox-1-ed25519"]


def test_an_environment_that_is_not_served_is_refused(deployment: Deployment) -> None:
    outcome = deployment.run("keys", "rotate", "--environment", "live")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == "998 Invalid request (environment: only sandbox)\n"
    told = deployment.run("keys", "rotate")
    assert told.out.splitlines()[0].split() == ["kid", "sandbox-2"]
    assert deployment.run("keys", "list").out.splitlines()[1].split()[0] == "sandbox-2"
