"""The application as a whole: what stands where, and what every answer carries."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from domain.rules.schema import schema_text
from tessera.app import create_app
from tessera.settings import Settings
from tests.postgres import running_postgres
from tests.shell.command import Deployment

PAGES = ("/", "/docs", "/docs/errors")
SOURCE = Path(__file__).parents[2]


def client_of(deployment: Deployment, **settings: object) -> TestClient:
    """A client of the application, which runs from `with` on."""
    given = {name.removeprefix("TESSERA_").lower(): value for name, value in deployment.settings.items()}
    return TestClient(create_app(Settings.model_validate(given | settings)))


@pytest.fixture
def client(deployment: Deployment) -> Iterator[TestClient]:
    """A client of a running application on either database."""
    with client_of(deployment) as running:
        yield running


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
class TestPages:
    """What does not ask the database is tested on one."""

    def test_the_landing_page_leads_to_what_there_is(self, client: TestClient) -> None:
        page = client.get("/").text
        assert "<title>Tessera</title>" in page
        links = re.findall(r'href="(/[^"]*)"', page)
        assert set(links) >= {"/graphql", "/docs", "/openapi.json", "/docs/errors", "/healthz", "/readyz"}
        for link in links:
            assert client.get(link, headers={"accept": "text/html"}).status_code < 300

    def test_the_docs_list_every_operation_of_the_served_document(self, client: TestClient) -> None:
        served = client.get("/openapi.json")
        assert served.text.strip()
        assert served.json() == client.get("/openapi.json").json()
        page = client.get("/docs").text
        for path in served.json()["paths"]:
            assert path in page
        links = set(re.findall(r'href="(/docs/rest/[^"]*)"', page))
        assert len(links) * 2 == len(served.json()["paths"])
        for link in links:
            answer = client.get(link)
            assert answer.status_code == 200
            assert f"<h1>{link.rpartition('/')[2]}</h1>" in answer.text
            assert "<td>Exception occurred</td>" in answer.text

    def test_the_errors_are_a_page_or_json_by_what_is_accepted(self, client: TestClient) -> None:
        page = client.get("/docs/errors", headers={"accept": "text/html"})
        table = client.get("/docs/errors", headers={"accept": "application/json"})
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["vary"] == "accept"
        assert {row["code"] for row in table.json()} >= {"103", "121", "997", "1201"}
        assert all(row["message"] in page.text.replace("&#x27;", "'") for row in table.json())

    def test_the_schema_of_configuration_files_is_served(self, client: TestClient) -> None:
        served = client.get("/docs/configuration.schema.json")
        assert served.headers["content-type"] == "application/schema+json"
        assert served.text == schema_text()
        Draft202012Validator.check_schema(served.json())

    @pytest.mark.parametrize("path", [*PAGES, "/nope", "/healthz", "/readyz", "/v1/Nope", "/graphql", "/oauth/x"])
    def test_every_answer_carries_the_security_headers(self, path: str, client: TestClient) -> None:
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "strict-transport-security" not in headers
        assert len([name for name, _ in headers.multi_items() if name == "content-security-policy"]) == 1

    def test_strict_transport_is_asked_for_behind_tls_only(self, deployment: Deployment) -> None:
        with client_of(deployment) as client:
            client.base_url = "https://testserver"
            assert "max-age=" in client.get("/healthz").headers["strict-transport-security"]

    @pytest.mark.parametrize("path", PAGES)
    def test_the_pages_keep_their_own_policy(self, path: str, client: TestClient) -> None:
        page = client.get(path).text
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|https?://", page)
        for asset in re.findall(r"(?:src|href)=[\"']?(/assets/[^\"' >]+)", page):
            assert client.get(asset).status_code == 200

    def test_the_envelope_of_rest_stays_in_rest(self, client: TestClient) -> None:
        assert client.get("/v1/Nope").json()["IsSucessful"] is False
        assert client.get("/LBMS-ingress/Nope").json()["results"]["IsSucessful"] is False
        for path in ("/nope", "/v1x", "/graphql/nope", "/healthz", "/readyz", "/docs/nope", "/graphql"):
            for method in ("GET", "POST", "DELETE"):
                assert "IsSucessful" not in client.request(method, path).text
        assert "IsSucessful" in client.post("/v1/RedeemPoints").text

    @pytest.mark.parametrize(
        "path",
        [
            "//v1/RedeemPoints",
            "///v1/RedeemPoints",
            "/v1//RedeemPoints",
            "/v1%2fRedeemPoints",
            "/%76%31/RedeemPoints",
            "/%2fv1/RedeemPoints",
            "//lbms-ingress/pg-lm/API/PG/RedeemPoints",
            "/lbms-ingress%2Fpg-lm/API/PG/RedeemPoints",
            "/%6cbms-ingress/pg-lm/API/PG/RedeemPoints",
            "//oauth/Auth/Token",
            "/%6fauth/Auth/Token",
        ],
    )
    def test_a_path_in_disguise_is_none_of_rest(self, path: str, client: TestClient) -> None:
        answer = client.post(f"http://testserver{path}", json={})
        told = answer.json()["results"] if "bms-ingress" in path else answer.json()
        assert (answer.status_code, told["ErrorCode"]) == (404, "404")
        assert told["IsSucessful"] is False
        assert "IsSucessful" in client.post("/v1/Redeem%50oints", json={}).text

    @pytest.mark.parametrize("path", ["//graphql", "/%67raphql", "/graphql%2f", "/graphql//"])
    def test_a_path_in_disguise_is_none_of_graphql(self, path: str, client: TestClient) -> None:
        answer = client.post(f"http://testserver{path}", json={"query": "{ me { id } }"})
        assert answer.status_code == 404
        assert answer.json()["errors"]

    def test_the_access_log_holds_ids_and_no_query_string(
        self, deployment: Deployment, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with client_of(deployment, access_log=True, log_format="json") as client:
            client.get("/v1/GetMemberProfile?pstrRelationReference=ann@example.com", headers={"x-request-id": "R-1"})
        lines = [line for line in capsys.readouterr().err.splitlines() if '"tessera.access"' in line]
        assert len(lines) == 1
        assert '"request_id": "R-1"' in lines[0]
        assert '"status": 401' in lines[0]
        assert "ann@example.com" not in lines[0]


def test_alive_and_ready(client: TestClient) -> None:
    alive, ready = client.get("/healthz"), client.get("/readyz")
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert ready.headers["cache-control"] == "no-store"


def test_a_database_without_a_schema_is_not_ready(empty_deployment: Deployment) -> None:
    with client_of(empty_deployment) as client:
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "tessera db upgrade" in ready.json()["detail"]
        assert client.get("/healthz").status_code == 200


def test_a_stopped_database_is_not_ready_and_is_ready_again_when_it_is_back(empty_deployment: Deployment) -> None:
    from domain.migrations import upgrade

    with running_postgres() as server:
        url = server.create_database("stopped")
        upgrade(url)
        empty_deployment.settings["TESSERA_DATABASE_URL"] = url
        with client_of(empty_deployment) as client:
            assert client.get("/readyz").status_code == 200
            server.stop()
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
            assert client.get("/healthz").status_code == 200
            assert client.post("/oauth/Auth/Token", json=_CREDENTIALS).status_code == 503
            server.start()
            assert client.get("/readyz").status_code == 200
            assert client.post("/oauth/Auth/Token", json=_CREDENTIALS).status_code == 401


_CREDENTIALS = {"grant_type": "client_credentials", "client_id": "unknown", "client_secret": "unknown"}


def test_the_served_openapi_is_the_committed_one(client: TestClient) -> None:
    import json

    assert client.get("/openapi.json").json() == json.loads((SOURCE / "rest_compat" / "openapi.json").read_text())
