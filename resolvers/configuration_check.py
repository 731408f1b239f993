"""Whether a program can change to a configuration that holds by itself: what the database and the time can tell."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from domain.errors import ConfigurationRefused
from domain.ledger.expiry import is_over
from domain.program_zone import load_zone
from domain.rules.examples import ExampleResult, ExamplesFail
from domain.rules.model import Configuration
from domain.rules.problem import shown
from domain.store.program import ProgramState, has_postings
from domain.store.tier import is_held


def check_change(
    tx: Connection, state: ProgramState, configuration: Configuration, *, failed: Sequence[ExampleResult], now: datetime
) -> None:
    """Refuse a change of the program's configuration; `failed` are examples that do. Raises ConfigurationRefused."""
    check_runs(tx, state, configuration)
    expiry = configuration.expiry
    # What is in force already stays as it is: a date that passed meanwhile must not stand in the way of other changes.
    if expiry != state.configuration.expiry and is_over(expiry, now, load_zone(configuration.program.time_zone)):
        raise ConfigurationRefused(f"expiry.date: {expiry.last_day} is past, points would be given expired")
    if failed:
        cause = ExamplesFail(failed)
        raise ConfigurationRefused(str(cause)) from cause
    _check_levels(tx, state, configuration)


def check_runs(tx: Connection, state: ProgramState, configuration: Configuration) -> None:
    """Refuse what this program cannot run, whatever its examples give. Raises ConfigurationRefused."""
    if configuration.program.points_decimals != state.places and has_postings(tx, state.id):
        raise ConfigurationRefused("program.points_decimals: cannot change once points were posted")


def _check_levels(tx: Connection, state: ProgramState, configuration: Configuration) -> None:
    """Refuse to take a level away from members, who would lose it at once, whatever was promised to them."""
    kept = {level.name for level in configuration.tiers.levels}
    for level in state.configuration.tiers.levels if state.configuration.tiers.assessment != "off" else ():
        if level.name not in kept and is_held(tx, state.id, level.name):
            told = "is what members have: let them get another first, or switch the assessment off"
            raise ConfigurationRefused(f"tiers.levels: {shown(level.name)} {told}")
