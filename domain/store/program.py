"""Programs with their configuration: read once, compiled once, checked again in every database transaction."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from domain.errors import ProgramNotFound
from domain.models import feed, ledger_entry, program, program_config
from domain.models.types import to_json
from domain.rules.asked import asked_by_rules, asked_by_segments
from domain.rules.compile import CompiledRules, compile_rules
from domain.rules.fixed import member_definitions
from domain.rules.model import Configuration, ProgramTerms
from domain.rules.parse import parse_stored
from domain.rules.tally_plan import TallyPlan
from domain.store.asking import Asking, need
from domain.store.member import PERSONAL
from domain.store.reading import Reading, read
from domain.store.turn import VERSION, VERSION_IN_FORCE, wait_alone

_CACHED = 256
# Facts that cost a statement of their own, so that they are read only where a condition asks for them.
_AGGREGATE = "aggregate."
_OF_PURCHASES = frozenset({"member.purchases", "member.days_since_last_purchase"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgramState:
    """A program in one environment with the configuration that is in force.

    `asks_for_person`: whether a rule may ask what is stored encrypted of a member. `asks_for_purchases`: whether one
    may ask how much and when a member bought; `segments_ask_for_purchases`: whether a segment may, which then decides
    on members and not on what they earn.
    """

    id: int
    public_id: int
    environment: str
    name: str
    config_version: int
    configuration: Configuration
    rules: CompiledRules
    zone: ZoneInfo
    document: Mapping[str, Any]
    created_at: datetime
    tally_plan: TallyPlan
    asks_for_person: bool = True
    asks_for_purchases: bool = False
    segments_ask_for_purchases: bool = False

    @property
    def terms(self) -> ProgramTerms:
        """What the program says about itself."""
        return self.configuration.program

    @property
    def merchant(self) -> str:
        """Where points are redeemed, where nobody says where: the configured merchant, or else the program's name."""
        return self.configuration.program.default_merchant or self.name

    @property
    def places(self) -> int:
        """Decimals of a point."""
        return self.configuration.program.points_decimals


class ProgramCache:
    """Compiled configurations by program; a version is immutable, so only its number is asked for again."""

    def __init__(self) -> None:
        self._states: OrderedDict[int, ProgramState] = OrderedDict()

    def peek(self, program_id: int) -> ProgramState | None:
        """What is cached, however old: for work that has its version checked by the database later."""
        return self._states.get(program_id)

    def current(self, tx: Connection, program_id: int, *, in_force: bool = False) -> ProgramState:
        """The program as of this database transaction. Raises ProgramNotFound.

        `in_force`: no other configuration comes into force before this database transaction ends.
        """
        version = read(tx, _version_of(program_id, in_force=in_force))
        if version is None:
            raise ProgramNotFound
        cached = self._states.get(program_id)
        if cached is None or cached.config_version != version:
            cached = _load(tx, program_id)
            self.keep(cached)
        return cached

    def asking(self, program_id: int) -> Asking[ProgramState]:
        """The program as it is, asked together with other things. Raises ProgramNotFound."""
        version = yield from need(_version_of(program_id, in_force=False))
        cached = self._states.get(program_id)
        if cached is not None and cached.config_version == version:
            return cached
        return (yield from need(lambda tx: self.current(tx, program_id)))

    def keep(self, state: ProgramState) -> None:
        """Take a program whose configuration was stored: nobody has to compile it again."""
        self._states[state.id] = state
        if len(self._states) > _CACHED:
            self._states.popitem(last=False)


@lru_cache(maxsize=_CACHED)
def _version_of(program_id: int, *, in_force: bool) -> Reading[int | None]:
    """The same object each time: who needs it at once with others asks once."""
    statement = VERSION_IN_FORCE if in_force else VERSION
    return Reading(statement, {"program_id": program_id}, lambda rows: next((row[0] for row in rows), None))


def _load(tx: Connection, program_id: int) -> ProgramState:
    row = tx.execute(select(program).where(program.c.id == program_id)).one()
    document = tx.scalars(
        select(program_config.c.document).where(
            program_config.c.program_id == row.id, program_config.c.version == row.config_version
        )
    ).one()
    return ProgramState(
        id=row.id,
        public_id=row.public_id,
        environment=row.environment,
        name=row.name,
        config_version=row.config_version,
        created_at=row.created_at,
        **_decided_by(parse_stored(document), document),
    )


def message_events(tx: Connection, program_id: int) -> set[str]:
    """The events that the program's templates of messages are for."""
    document = tx.scalar(
        select(program_config.c.document)
        .join(
            program,
            (program.c.id == program_config.c.program_id) & (program.c.config_version == program_config.c.version),
        )
        .where(program.c.id == program_id)
    )
    return {one["event"] for one in (document or {}).get("messages") or ()}


def under(state: ProgramState, configuration: Configuration, document: Mapping[str, Any]) -> ProgramState:
    """The program as it would be with another configuration; the version stays the one in force."""
    return replace(state, **_decided_by(configuration, document))


def _decided_by(configuration: Configuration, document: Mapping[str, Any]) -> dict[str, Any]:
    """What of a program's state follows from its configuration."""
    asked, rules = asked_by_rules(configuration), compile_rules(configuration)
    aggregates = frozenset(path.removeprefix(_AGGREGATE) for path in asked if path.startswith(_AGGREGATE))
    return {
        "configuration": configuration,
        "rules": rules,
        "tally_plan": TallyPlan(rules, aggregates),
        "zone": ZoneInfo(configuration.program.time_zone),
        "document": document,
        "asks_for_person": not asked.isdisjoint(_of_person(configuration)),
        "asks_for_purchases": not _OF_PURCHASES.isdisjoint(asked),
        "segments_ask_for_purchases": not _OF_PURCHASES.isdisjoint(asked_by_segments(configuration)),
    }


def _of_person(configuration: Configuration) -> frozenset[str]:
    """The paths that lead into a member's profile."""
    definitions = member_definitions(configuration)
    return frozenset(f"member.{one.key}" for one in definitions if one.pi or one.key in {*PERSONAL, "dob"})


def insert_program(
    tx: Connection,
    *,
    public_id: int | None,
    environment: str,
    name: str,
    document: Mapping[str, Any],
    digest: str,
    now: datetime,
    actor: str,
) -> tuple[int, int]:
    """Store a program with its first configuration; its partition and public id.

    `public_id` None takes the next free number; two at once meet on the unique constraint.
    """
    partition = (tx.scalar(select(func.max(program.c.id))) or 0) + 1
    number = public_id or (tx.scalar(select(func.max(program.c.public_id))) or 0) + 1
    tx.execute(
        insert(program).values(
            id=partition,
            public_id=number,
            environment=environment,
            name=name,
            config_version=1,
            credential_generation=0,
            created_at=now,
        )
    )
    tx.execute(insert(feed).values(program_id=partition, last_seq=0))
    insert_configuration(tx, partition, 1, document, digest, now, actor)
    return partition, number


def insert_configuration(
    tx: Connection,
    program_id: int,
    version: int,
    document: Mapping[str, Any],
    digest: str,
    now: datetime,
    actor: str,
) -> None:
    """Store a version of the configuration; versions are never changed."""
    tx.execute(
        insert(program_config).values(
            program_id=program_id,
            version=version,
            document=document,
            digest=digest,
            applied_at=now,
            applied_by=actor,
        )
    )


def find_configuration_row(tx: Connection, program_id: int, version: int) -> Row[Any] | None:
    """One version of the configuration."""
    return tx.execute(
        select(program_config).where(program_config.c.program_id == program_id, program_config.c.version == version)
    ).one_or_none()


def page_configurations(
    tx: Connection, program_id: int, *, first: int, before_version: int | None
) -> Sequence[Row[Any]]:
    """The newest versions without their documents, at most `first`."""
    table = program_config.c
    statement: Select[Any] = select(table.version, table.digest, table.applied_at, table.applied_by).where(
        table.program_id == program_id
    )
    if before_version is not None:
        statement = statement.where(table.version < before_version)
    return tx.execute(statement.order_by(table.version.desc()).limit(first)).all()


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of a configuration's canonical text."""
    return hashlib.sha256(to_json(document).encode()).hexdigest()


def set_configuration_version(tx: Connection, program_id: int, version: int) -> None:
    """Put a stored version in force."""
    tx.execute(update(program).where(program.c.id == program_id).values(config_version=version))


def lock_program(tx: Connection, program_id: int) -> Row[Any]:
    """Lock the program's row, for changes of its configuration or credentials. Raises ProgramNotFound."""
    wait_alone(tx, program_id)
    row = tx.execute(select(program).where(program.c.id == program_id).with_for_update()).one_or_none()
    if row is None:
        raise ProgramNotFound
    return row


def list_program_rows(tx: Connection, environments: tuple[str, ...]) -> list[Row[Any]]:
    """Every program in these environments, by id."""
    return list(tx.execute(select(program).where(program.c.environment.in_(environments)).order_by(program.c.id)))


def find_program_row(tx: Connection, public_id: int, environment: str) -> Row[Any] | None:
    """The program with this public number in one environment."""
    return tx.execute(
        select(program).where(program.c.public_id == public_id, program.c.environment == environment)
    ).one_or_none()


def has_postings(tx: Connection, program_id: int) -> bool:
    """Whether anything was ever posted in the program."""
    return tx.scalar(select(ledger_entry.c.id).where(ledger_entry.c.program_id == program_id).limit(1)) is not None
