"""Runs a scenario: three programs, a door each, beside each other; then the comparison."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tessera.parity.comparison import Comparison, compare
from tessera.parity.deployment import Deployment, running_deployment
from tessera.parity.door import Account, Answer, Door
from tessera.parity.graphql import GraphQLDoor
from tessera.parity.rest import RestDoor
from tessera.parity.scenario import Scenario
from tessera.parity.sftp import SftpDoor

OPENERS: Mapping[str, Callable[[Account], Door]] = {"rest": RestDoor, "graphql": GraphQLDoor, "sftp": SftpDoor}

Progress = Callable[[str, int], None]
"""Told after each file which door has answered how many rows more."""


def run_scenario(scenario: Scenario, database_url: str | None = None, progress: Progress | None = None) -> Comparison:
    """Send a scenario through all doors of a deployment of its own, and compare.

    Raises CommandRefused, SettingsRefused, ConfigurationRefused, DoorFailed.
    """
    with running_deployment(database_url) as deployment:
        accounts = {door: deployment.new_account(f"{scenario.name} by {door}") for door in OPENERS}
        # Each program goes at its own pace: none of them sees anything of the others.
        with ThreadPoolExecutor(len(OPENERS)) as executor:
            played = {
                door: executor.submit(_play, deployment, door, accounts[door], scenario, progress) for door in OPENERS
            }
            answers = {door: one.result() for door, one in played.items()}
        ledgers = {door: deployment.ledger(account) for door, account in accounts.items()}
    return compare(scenario, answers, ledgers)


def _play(
    deployment: Deployment, name: str, account: Account, scenario: Scenario, progress: Progress | None
) -> list[Answer]:
    """Take the steps in one program. Raises ConfigurationRefused, DoorFailed."""
    answers: list[Answer] = []
    with closing(OPENERS[name](account)) as door:
        for step in scenario.steps:
            if isinstance(step, bytes):
                deployment.configure(account, step)
                continue
            answers += door.send(step)
            if progress is not None:
                progress(name, len(step.lines))
    return answers
