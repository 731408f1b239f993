"""`/metrics`: what is counted where, who may read it, and what several processes tell together."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from domain.errors import CATALOGUE
from resolvers.figures import MOST_NAMES, OTHER, Figures
from tessera.app import create_app
from tessera.jobs import jobs_with_files
from tessera.settings import Settings
from tests.ports import free_port
from tests.shell.command import Deployment
from tests.shell.test_server import on_postgres, on_sqlite

ROOT = Path(__file__).parents[2]
HERE = ("127.0.0.1", 50_000)
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def client_of(deployment: Deployment, client: tuple[str, int] = HERE, **settings: object) -> TestClient:
    """A client of the application, which comes from an address."""
    given = {name.removeprefix("TESSERA_").lower(): value for name, value in deployment.settings.items()}
    return TestClient(create_app(Settings.model_validate(given | settings)), client=client)


def samples(text: str) -> Samples:
    """What a scraper reads; it refuses what is not in the format."""
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def value(read: Samples, name: str, **labels: str) -> float:
    """One figure."""
    return read[name, frozenset(labels.items())]


@pytest.fixture
def client(deployment: Deployment) -> Iterator[TestClient]:
    """A client on this machine, of an application on either database."""
    with client_of(deployment) as running:
        yield running


def token_of(client: TestClient, deployment: Deployment) -> dict[str, str]:
    """The header of a program's own servers."""
    created = deployment.run("program", "create", "Shop", "--json").json
    form = {"grant_type": "client_credentials"} | {key: created[key] for key in ("client_id", "client_secret")}
    answer = client.post("/oauth/Auth/Token", data=form).json()
    return {"Authorization": f"Bearer {answer['ReturnObject']['token']}"}


def test_requests_are_counted_by_operation_and_code(client: TestClient, deployment: Deployment) -> None:
    headers = token_of(client, deployment)
    assert client.post(
        "/v1/CreateProfileWithAttributes", json={"relation_reference": "A", "status": "1"}, headers=headers
    ).is_success
    for reference in ("A", "nobody", "no-one"):
        client.post("/v1/CheckAvailability", json={"RelationReference": reference}, headers=headers)
    client.get("/v1/NoSuchThing")
    known, query = {"operationName": "Who"}, 'query Who { member(reference: "A") { id } }'
    client.post("/graphql", json={"query": query, **known}, headers=headers)
    client.post("/graphql", json={"query": '{ member(reference: "A") { id } }'}, headers=headers)
    client.post("/graphql", json={"query": query, **known})
    client.post("/graphql", json={"query": "{ nothing }"}, headers=headers)
    read = samples(client.get("/metrics").text)

    def counted(surface: str, operation: str, code: str) -> float:
        return value(read, "tessera_requests_total", surface=surface, operation=operation, code=code)

    assert counted("rest", "CheckAvailability", "000") == 1
    assert counted("rest", "CheckAvailability", "103") == 2
    assert counted("rest", "unknown", "404") == 1
    assert counted("graphql", "Who", "OK") == 1
    assert counted("graphql", "anonymous", "OK") == 1
    # Whoever has no token names nothing.
    assert counted("graphql", "unknown", "UNAUTHENTICATED") == 1
    assert counted("graphql", "unknown", "GRAPHQL_VALIDATION_FAILED") == 1
    times: dict[str, Any] = {"surface": "rest", "operation": "CheckAvailability"}
    assert value(read, "tessera_request_seconds_count", **times) == 3
    assert value(read, "tessera_request_seconds_bucket", le="+Inf", **times) == 3
    assert value(read, "tessera_request_seconds_sum", **times) > 0


def test_events_jobs_and_the_database_are_told(client: TestClient, deployment: Deployment) -> None:
    headers = token_of(client, deployment)
    client.post("/v1/CreateProfileWithAttributes", json={"relation_reference": "A", "status": "1"}, headers=headers)
    read: Samples = {}
    numbered = "tessera_events_total", frozenset({("topic", "member.enrolled")})
    while numbered not in read or value(read, "tessera_feed_lag_seconds"):
        read = samples(client.get("/metrics").text)
    assert value(read, "tessera_events_total", topic="member.enrolled") == 1
    assert value(read, "tessera_job_runs_total", job="outbox-relay") >= 1
    assert value(read, "tessera_job_items_total", job="outbox-relay") >= 1
    assert value(read, "tessera_job_last_success_timestamp_seconds", job="outbox-relay") > 1_700_000_000
    assert value(read, "tessera_database_up") == 1
    assert value(read, "tessera_feed_lag_seconds") == 0
    assert value(read, "tessera_queue_pending") == 0
    used = {dict(labels)["kind"] for name, labels in read if name == "tessera_database_use"}
    assert used == ({"waiting"} if deployment.is_sqlite else {
        f"{kind}_{state}" for kind in ("statements", "reads", "calls") for state in ("busy", "open")
    })  # fmt: skip


def test_without_a_database_the_rest_is_told(empty_deployment: Deployment) -> None:
    with client_of(empty_deployment) as client:
        answer = client.get("/metrics")
        assert answer.status_code == 200
        assert value(samples(answer.text), "tessera_database_up") == 0


def test_rows_of_files_are_told(client: TestClient, deployment: Deployment) -> None:
    created = deployment.run("program", "create", "Shop", "--json").json
    file = deployment.folder / "New_CPD.csv"
    file.write_text("relation_reference,status\nA,1\nB,1\n,1\n")
    deployment.run("batch", "load", str(file), "--program", str(created["program_id"]))
    read = samples(client.get("/metrics").text)
    assert value(read, "tessera_batch_rows", type="CPD", outcome="accepted") == 2
    assert value(read, "tessera_batch_rows", type="CPD", outcome="rejected") == 1
    assert value(read, "tessera_batches", type="CPD", status="FINISHED") == 1


@on_sqlite
class TestAccess:
    """Nobody reads them from elsewhere unless the deployment says so."""

    @pytest.mark.parametrize(
        ("address", "settings", "headers", "status"),
        [
            ("127.0.0.1", {}, {}, 200),
            ("::1", {}, {}, 200),
            ("10.1.2.3", {}, {}, 403),
            ("no address", {}, {}, 403),
            # A proxy on this machine that nobody told of: whoever is behind it comes from here.
            ("127.0.0.1", {}, {"X-Forwarded-For": "127.0.0.1"}, 403),
            ("127.0.0.1", {}, {"Forwarded": "for=127.0.0.1"}, 403),
            ("10.1.2.3", {"metrics_networks": "10.1.0.0/16"}, {}, 200),
            ("127.0.0.1", {"metrics_networks": "10.1.0.0/16"}, {}, 403),
            ("127.0.0.1", {"metrics_token": "a token of some length"}, {}, 403),
            ("10.1.2.3", {"metrics_token": "a token of some length"}, {"Authorization": "Bearer a token of some"}, 403),
            ("10.1.2.3", {"metrics_token": "a token of some length"}, {"Authorization": "a token of some length"}, 403),
            (
                "10.1.2.3",
                {"metrics_token": "a token of some length"},
                {"Authorization": "bearer a token of some length"},
                200,
            ),
        ],
    )
    def test_who_may_read(
        self,
        deployment: Deployment,
        address: str,
        settings: dict[str, str],
        headers: dict[str, str],
        status: int,
    ) -> None:
        with client_of(deployment, (address, 1), **settings) as client:
            answer = client.get("/metrics", headers=headers)
        assert answer.status_code == status
        assert ("tessera_info" in answer.text) is (status == 200)
        assert "a token" not in answer.text


def test_names_that_clients_choose_are_bounded() -> None:
    figures = Figures()
    names = [figures.bounded(f"Query{number}") for number in range(MOST_NAMES + 50)]
    assert len(set(names)) == MOST_NAMES + 1
    assert names[-1] == OTHER
    assert figures.bounded("Query0") == "Query0"
    assert Figures().bounded("N" * 65) == OTHER


@on_postgres
def test_processes_behind_one_port_tell_together(deployment: Deployment) -> None:
    with deployment.serving("serve", "--workers", "2"):
        for _ in range(40):
            assert deployment.get("/v1/GetMemberProfile").status_code == 401
        # Whichever answers knows its own as of now, and the other's of a moment ago.
        counted = 0.0
        while counted < 40:
            read = samples(deployment.get("/metrics").text)
            counted = sum(
                one for (name, labels), one in read.items()
                if name == "tessera_requests_total" and ("operation", "GetMemberProfile") in labels
            )  # fmt: skip
        assert counted == 40


@on_postgres
@pytest.mark.parametrize("command", ["worker", "sftp"])
def test_other_processes_have_a_port_of_their_own(command: str, deployment: Deployment) -> None:
    port = free_port()
    settings = deployment.settings | {"TESSERA_METRICS_PORT": str(port)}
    watched = Deployment(deployment.folder, settings | {"TESSERA_PORT": str(port)})
    with Deployment(deployment.folder, watched.settings).serving(command):
        read = samples(watched.get("/metrics").text)
        assert value(read, "tessera_database_up") == 1
        assert watched.get("/healthz").status_code == 200
        if command == "worker":
            while ("tessera_job_runs_total", frozenset({("job", "files")})) not in read:
                read = samples(watched.get("/metrics").text)


def test_alerts_ask_for_what_there_is(client: TestClient) -> None:
    [group] = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text())["groups"]
    rules = {one["alert"]: one for one in group["rules"]}
    families = re.findall(r"^# TYPE (tessera_\w+) (\w+)", client.get("/metrics").text, re.MULTILINE)
    there = {name for name, _ in families} | {f"{name}_bucket" for name, kind in families if kind == "histogram"}
    asked = {name for one in rules.values() for name in re.findall(r"tessera_\w+", one["expr"])}
    assert asked - there == set()
    assert len(asked) > 5
    # A name that is misspelled would never be seen.
    named = re.search(r'job=~"([^"]+)"', rules["JobStandsStill"]["expr"])
    assert named is not None
    jobs = set(named[1].split("|"))
    assert jobs - {job.name for job in jobs_with_files(Path())} == set()
    named = re.search(r'code=~"([^"]+)"', rules["TooManyFaults"]["expr"])
    assert named is not None
    codes = {code for one in CATALOGUE.values() if one.status >= 500 for code in (one.code, one.graphql_code)}
    assert set(named[1].split("|")) <= codes
    manual = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in rules if f"`{name}`" not in manual] == []


def test_the_manual_names_every_metric(client: TestClient) -> None:
    manual = (ROOT / "docs" / "operations.md").read_text()
    told = set(re.findall(r"^# TYPE (tessera_\w+?)(?:_total)? ", client.get("/metrics").text, re.MULTILINE))
    assert [name for name in sorted(told) if f"`{name}`" not in manual] == []
