"""What a server and a command log while a person is served: lines of JSON with ids, and nothing of the person."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from domain.access import system_principal
from resolvers.context import Context
from resolvers.password import ImportSecret, import_secret
from tessera.runtime import find_program, open_runtime
from tessera.settings import Settings
from tests.rest.test_member_auth import answering, asking
from tests.servers import CONFIGURATION, NO_CERTIFICATES, SECRET, Credentials, Deployment, Server
from tests.shell.command import Outcome, run_command

PERSON = {
    "full_name": "Ann Quaintrelle",
    "email_id": "ann.quaintrelle@example.org",
    "mobile_number": "+491701234567",
    "address": "12 Sycamore Street",
    "dob": "1985-12-10",
}
# Telling who somebody is without being an id: nothing of it may ever stand in a log.
PASSWORD, WRONG, CARD = "a password that is right", "a password that is wrong", "4111111111111111"
REQUEST = "request-of-the-test-"


class Client:
    """Sends requests, each under an id of its own, and knows which it has sent."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, verify=NO_CERTIFICATES, timeout=30)
        self.sent: list[str] = []

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def post(self, path: str, **more: Any) -> httpx2.Response:
        """Post to a path; the answer names the request."""
        self.sent.append(f"{REQUEST}{len(self.sent)}")
        answer = self.http.post(path, **more, headers={"x-request-id": self.sent[-1]})
        assert answer.headers["x-request-id"] == self.sent[-1]
        return answer


def use_everything(client: Client, deployment: Deployment, credentials: Credentials) -> set[str]:
    """Enrol, change, sign in, redeem and fail in many ways; all that is secret or of the person."""
    form = {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
    token = client.post("/oauth/Auth/Token", data={"grant_type": "client_credentials"} | form).json()["access_token"]
    client.post("/oauth/Auth/Token", data={"grant_type": "client_credentials"} | form | {"client_secret": WRONG})
    client.http.headers["authorization"] = f"Bearer {token}"
    assert client.post("/v1/CreateProfileWithAttributes", json={"relation_reference": "M1", "status": "1"}).is_success
    profile = client.http.get("/v1/GetMemberProfile", params={"RelationReference": "M1"}).json()
    change = {"id": profile["ReturnObject"]["Id"], "data": PERSON}
    assert client.post("/v1/UpdateProfileWithAttributes", json=change).is_success
    asyncio.run(_set_password(deployment, credentials))
    for password in (WRONG, PASSWORD):
        body = {"UniquerefID": "M1", "Password": password, "RelationType": 4, "ProgramId": credentials.program_id}
        client.post("/v1/CheckMembershipCredentialsByRelationReference", json=body)
    assert client.post("/v1/GenerateOTPByRelationReference", json=asking("M1")).is_success
    outbox = deployment.data_dir / "otp_outbox.jsonl"
    while not outbox.exists() or not outbox.read_text().endswith("\n"):
        client.post("/v1/CheckAvailability", json={"RelationReference": "M1"})
    code = str(json.loads(outbox.read_text().splitlines()[-1])["code"])
    assert client.post("/v1/VerifyOTPByRelationReference", json=answering("M1", code)).is_success
    earned = {"transaction_id": "T1", "transaction_type": "DR", "amount": 50, "transaction_date": "2026-01-05"}
    earned |= {"product_code": "PLAIN", "member_relation_reference": "M1"}
    assert client.post("/v1/InsertTransactionData", json=earned).is_success
    redeemed = {"RelationReference": "M1", "Points": 5, "Amount": 5, "MerchantName": "Shop", "LoyaltyTxnType": 30}
    assert client.post("/v1/RedeemPoints", json=redeemed).is_success
    query = "query Look($m: String!) { member(reference: $m) { fullName emailId } }"
    assert "Quaintrelle" in client.post("/graphql", json={"query": query, "variables": {"m": "M1"}}).text
    _fail(client)
    assert client.http.get("/v1/GetMemberProfile", params={"pstrRelationReference": PERSON["email_id"]}).is_error
    return {*PERSON.values(), PASSWORD, WRONG, CARD, token, credentials.client_secret, f'"{code}"', f" {code} "}


def _fail(client: Client) -> None:
    """What is wrong in a request is told to whoever sent it."""
    for body in (
        {"relation_reference": "M2", "email_id": PERSON["email_id"] + " is no address", "dob": "never"},
        {"relation_reference": PERSON["email_id"] * 40},
        {"relation_reference": "M1", "nothing_known": PERSON["full_name"]},
    ):
        client.post("/v1/CreateProfileWithAttributes", json=body)
    client.post("/v1/RedeemPoints", content=json.dumps(PERSON)[:-5])
    client.post(
        "/v1/CreateSubRelation", json={"RelationReference": "M1", "CardNumber": CARD, "Name": PERSON["full_name"]}
    )
    document = f'{{ member(reference: "{PERSON["email_id"]}") {{ nothing }} }}'
    client.post("/graphql", json={"query": document})
    client.post("/graphql", json={"query": "query ($m: Int!) { __typename }", "variables": {"m": PERSON["full_name"]}})
    client.post(f"/nothing/{REQUEST}")


async def _set_password(deployment: Deployment, credentials: Credentials) -> None:
    own: dict[str, Any] = {"database_url": deployment.database_url, "data_dir": deployment.data_dir}
    async with open_runtime(Settings(**own | {"secret_key": SECRET, "_env_file": None})) as runtime:
        program = await find_program(runtime, credentials.program_id)
        principal = system_principal(program.id, program.public_id, program.environment, "test")
        ctx = Context(services=runtime.services, principal=principal, source="cli", request_id="test")
        await import_secret(ctx, ImportSecret(relation_reference="M1", secret=PASSWORD))


def load_file(deployment: Deployment, credentials: Credentials) -> Outcome:
    """A file of people as a command loads it, some of whom are refused."""
    file = deployment.data_dir / "People_CPD.csv"
    header = ["relation_reference", "status", *PERSON]
    rows = [["M3", "1", *PERSON.values()], ["M4", "nothing", *PERSON.values()], ["", "1", *PERSON.values()]]
    file.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    settings = {name: value for name, value in deployment.environment.items() if name.startswith("TESSERA_")}
    return run_command(
        deployment.data_dir, settings, "batch", "load", str(file), "--program", str(credentials.program_id)
    )


def test_logs_tell_which_request_and_nothing_of_whom(database_url: str, tmp_path: Path) -> None:
    deployment = Deployment(database_url, tmp_path, log_format="json", log_level="debug", access_log="true")
    credentials = deployment.create_program("shop", CONFIGURATION)
    server = Server(deployment)
    server.start()
    try:
        with Client(server.url) as client:
            secrets = use_everything(client, deployment, credentials)
        loaded = load_file(deployment, credentials)
    finally:
        server.stop()
    assert loaded.status == 1, "some rows were to be rejected"
    logged = (tmp_path / "server.log").read_text()
    lines = [json.loads(line) for line in logged.splitlines()]
    told = {line["request_id"] for line in lines if line["event"] == "request"}
    assert set(client.sent) <= told, "a request that nobody finds in the log"
    assert {line["path"] for line in lines if line["event"] == "request"} >= {"/v1/RedeemPoints", "/graphql"}
    assert all({"level", "timestamp", "logger"} <= line.keys() for line in lines)
    for place in [*logged.splitlines(), *loaded.err.splitlines()]:
        assert [one for one in secrets if one in place] == [], place


@pytest.mark.parametrize("path", ["/", "/healthz", "/docs/errors", "/nothing", "/metrics"])
@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_pages_name_their_request_too(path: str, database_url: str, tmp_path: Path) -> None:
    from starlette.testclient import TestClient

    from tessera.app import create_app

    own: dict[str, Any] = {"database_url": database_url, "data_dir": tmp_path, "secret_key": SECRET, "_env_file": None}
    with TestClient(create_app(Settings(**own))) as client:
        assert client.get(path, headers={"x-request-id": "R-1"}).headers["x-request-id"] == "R-1"
        made = {client.get(path, headers={"x-request-id": "no id"}).headers["x-request-id"] for _ in range(2)}
        assert len(made) == 2
        assert all(len(one) == 32 for one in made)
