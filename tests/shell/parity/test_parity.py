"""`tessera parity`, run as a person runs it: real servers, real clients, both databases."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from domain.clock import system_clock
from domain.crypto import KeyRing
from domain.models import ledger_entry
from domain.rules.document import load_document
from domain.rules.join import join_documents, parse_joined
from domain.rules.model import DEFAULT_SEGMENTS, Configuration
from domain.rules.render import to_document
from domain.store.database import open_database
from domain.store.program import ProgramCache
from resolvers.context import Services
from resolvers.verification import verify_ledger
from tessera.parity.door import Answer
from tessera.parity.graphql import GraphQLDoor
from tessera.parity.rest import RestDoor
from tessera.parity.scenario import Upload, read_scenario
from tests.servers import SECRET
from tests.shell.command import Deployment, Outcome
from tests.shell.parity.features import features_of, features_there_are, words_to_ask
from tests.shell.parity.scenario import every_feature

EXAMPLE = Path(__file__).parents[3] / "examples" / "parity" / "corner_shop.yaml"
SEED = 6


def _run(deployment: Deployment, file: Path) -> Outcome:
    url = deployment.settings["TESSERA_DATABASE_URL"]
    return deployment.run("parity", str(file), "--json", "--database-url", url)


async def test_every_feature_of_rules_gives_equal_ledgers_through_all_doors(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "every.json"
    file.write_text(json.dumps(every_feature(SEED, datetime.now(UTC).date())))
    outcome = _run(deployment, file)
    told = outcome.json
    assert (outcome.status, told["differences"], told["posting_differences"]) == (0, [], []), outcome.err
    assert told["equal"]
    assert told["rows"] >= 500
    assert len(set(told["digests"].values())) == 1
    assert set(told["postings"].values()) == {told["postings"]["sftp"]}
    # The table of equivalents stands for few of them: those whose mistakes are about types.
    assert told["equivalent"] < 25
    assert len(told["codes"]) >= 15
    await _assert_all_rules_gave(deployment, file)


async def _assert_all_rules_gave(deployment: Deployment, file: Path) -> None:
    """Every rule that is on matched, every factor multiplied and every cap cut in some posting; the ledger holds."""
    db = open_database(deployment.settings["TESSERA_DATABASE_URL"], data_dir=deployment.folder, read_only=True)
    try:
        services = Services(
            db=db, clock=system_clock, keys=KeyRing(SECRET), programs=ProgramCache(), environment="sandbox"
        )
        assert await verify_ledger(services) == []
        details = await db.read(lambda tx: tx.scalars(select(ledger_entry.c.detail).distinct()).all())
    finally:
        await db.close()
    explained = [json.loads(one) for one in details if one and "rules" in one]
    matched = {rule["rule"] for one in explained for rule in one["rules"]}
    configuration = _configurations(file)[0]
    there_are = {
        rule.name for group in configuration.rule_groups if group.enabled for rule in group.rules if rule.enabled
    }
    assert there_are - matched == set()
    assert {one["of"] for rows in explained for one in rows.get("factors", ())} == {"tier", "campaign", "rule"}
    cut = {one["cap"] for rows in explained for one in rows.get("caps", ())}
    assert cut == {"transaction", "day", "month", "lifetime", "program_month"}


def test_the_scenario_touches_every_feature_that_there_is() -> None:
    """A feature that is added to rules has to be added to the scenario."""
    document = json.dumps(every_feature(SEED, datetime.now(UTC).date()))
    configurations = _configurations_of(document.encode())
    found = frozenset().union(*map(features_of, configurations))
    assert features_there_are() - found == set()
    assert words_to_ask(configurations[0]) - found == set()


def test_a_door_that_does_something_else_is_noticed(
    empty_deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_rest, by_graphql = RestDoor.transaction, GraphQLDoor.transaction

    def another_amount(door: RestDoor, columns: Mapping[str, str], key: str) -> Answer:
        changed = {"amount": "28.33"} if columns["transaction_id"] == "T-1" else {}
        return by_rest(door, {**columns, **changed}, key)

    def another_product(door: GraphQLDoor, upload: Upload, columns: Mapping[str, str], key: str) -> Answer:
        changed = {"product_code": "BOOK"} if columns["transaction_id"] == "T-2" else {}
        return by_graphql(door, upload, {**columns, **changed}, key)

    monkeypatch.setattr(RestDoor, "transaction", another_amount)
    monkeypatch.setattr(GraphQLDoor, "transaction", another_product)
    outcome = empty_deployment.run("parity", str(EXAMPLE))
    assert outcome.status == 1
    assert "11 of 12 rows have equal codes" in outcome.out
    [row] = [line.split() for line in outcome.out.splitlines() if line.startswith("Parity_3_TXN:3")]
    assert row[2:5] == ["000", "105", "000"]
    postings = [line.split() for line in outcome.out.splitlines() if " earn" in line]
    assert ["M-1", "28"] in [[line[0], line[2]] for line in postings]
    assert outcome.out.endswith("Not equal.\n")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True, scope="session")
def test_a_database_with_programs_is_refused(deployment: Deployment) -> None:
    deployment.run("program", "create", "Shop")
    outcome = _run(deployment, EXAMPLE)
    assert (outcome.status, outcome.out) == (2, "")
    assert "wants an empty database" in outcome.err
    wrong = deployment.run("parity", str(EXAMPLE), "--database-url", "mysql://x/y")
    assert wrong.status == 2
    assert "--database-url must be sqlite:///FILE or" in wrong.err


def _configurations(file: Path) -> list[Configuration]:
    return _configurations_of(file.read_bytes())


def _configurations_of(source: bytes) -> list[Configuration]:
    """What is in force after each of the steps that change it."""
    document: Any = to_document(Configuration(segments=DEFAULT_SEGMENTS))
    found = []
    for step in read_scenario(source).steps:
        if isinstance(step, bytes):
            given = load_document(step)
            found.append(parse_joined(given, document))
            document = join_documents(document, given)
    return found
