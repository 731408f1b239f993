"""What every use case is handed: who asks, from where, and the services of the process."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from domain.access import Principal
from domain.clock import Clock
from domain.crypto import KeyRing
from domain.errors import BadRequest, ServiceUnavailable
from domain.idempotency_key import key_of_member, read_key
from domain.member import Member
from domain.rate import Rate
from domain.signing import ALGORITHMS, Algorithm
from domain.store.asking import Asking, need
from domain.store.audit import record
from domain.store.database import PostgresDatabase, SqliteDatabase
from domain.store.failure import was_undone
from domain.store.member import find_members, references_of
from domain.store.merge import MergedMeanwhile, answering, merged_ids
from domain.store.program import ProgramCache, ProgramState
from domain.store.together import Together
from resolvers.access_cache import AccessCache
from resolvers.carrier import Carrier
from resolvers.couriers import Couriers
from resolvers.feed import Feed
from resolvers.figures import Figures
from resolvers.hashing import HashingPool
from resolvers.lockout_watch import LockoutWatch
from resolvers.messenger import Messenger
from resolvers.rate_share import RateShares
from resolvers.sight import Sight

Item = TypeVar("Item")
Result = TypeVar("Result")
SharedBody: TypeAlias = "Callable[[Connection, Context, Sequence[Item]], Sequence[Result]]"

_RACES = 5
_CALLS_PER_COMMIT = 32
_RUNS = 12


async def _serve_together(
    kind: "tuple[SharedBody[Any, Any], Principal, str]", calls: "Sequence[tuple[Context, Any]]"
) -> Sequence[Any]:
    body, ctx, items = kind[0], calls[0][0], [item for _, item in calls]
    return await ctx.write(lambda tx: body(tx, ctx, items))


def _was_undone(error: BaseException) -> bool:
    # A member who is merged again and again is no matter of the others in the run.
    return isinstance(error.__cause__, MergedMeanwhile) or was_undone(error)


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """The long-lived parts of a process, made once by the shell.

    `environment` is the deployment's: `sandbox` or `production`; `token_algorithm` signs the tokens that it mints,
    and `rate_ceiling` is the most that any program may ask, None for no limit. `queued` wakes who works on the queue,
    `feed` hands events to who follows them, `figures` say what the process has done.
    """

    db: PostgresDatabase | SqliteDatabase
    clock: Clock
    keys: KeyRing
    programs: ProgramCache
    environment: str
    messenger: Messenger | None = None
    carrier: Carrier | None = None
    token_algorithm: Algorithm = ALGORITHMS[0]
    rate_ceiling: Rate | None = None
    access: AccessCache = field(default_factory=AccessCache)
    hashing: HashingPool = field(default_factory=HashingPool)
    lockouts: LockoutWatch = field(default_factory=LockoutWatch)
    rates: RateShares = field(default_factory=RateShares)
    queued: asyncio.Event = field(default_factory=asyncio.Event)
    feed: Feed = field(default_factory=Feed)
    couriers: Couriers = field(default_factory=Couriers)
    figures: Figures = field(default_factory=Figures)
    together: Together[Any, Any, Any] = field(init=False)

    def __post_init__(self) -> None:
        queues = self.db.has_one_writer
        together: Together[Any, Any, Any] = Together(
            _serve_together,
            most=_CALLS_PER_COMMIT,
            # Two runs: one works in this process while the other works in the database. A single writer is best given
            # what there is: it has a queue, shares the commit, and competes with this thread for the interpreter.
            moving=3 if queues else 2,
            shares=not queues,
            runs=_RUNS,
            # One program whose rows are locked must not keep the others from theirs.
            of_kind=_RUNS // 4,
            is_undone=_was_undone,
        )
        object.__setattr__(self, "together", together)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """One call of a use case: the caller, its source (`rest`, `graphql`, `file:NAME`, `cli`) and the services.

    `sight`: what a request that reads many things has seen already; None: everything is looked up anew. `needs_key`:
    what moves points is refused without an idempotency key. `proposal`: why a change is proposed that needs approval;
    None: it is refused. `is_approved`: another administrator approved it.
    """

    services: Services
    principal: Principal
    source: str
    request_id: str
    sight: Sight | None = None
    needs_key: bool = False
    proposal: str | None = None
    is_approved: bool = False

    async def read(self, body: Callable[[Connection], Result]) -> Result:
        """Run `body` in one database transaction that cannot write."""
        return await (self.services.db if self.sight is None else self.sight).read(body)

    async def ask(self, begin: Callable[[], Asking[Result]]) -> Result:
        """What a read finds at one instant."""
        if self.sight is not None:
            return await self.sight.ask(begin)
        [found] = await self.services.db.ask(begin)
        return found  # type: ignore[no-any-return]  # what the read finds

    async def write(self, body: Callable[[Connection], Result]) -> Result:
        """Run `body` in one database transaction: all of it is stored, or nothing.

        `body` may run again after a deadlock, a lost race for a unique value or a merge, so it has no effect but
        on the connection. Raises ServiceUnavailable, also where merges come in between each time.
        """
        for _ in range(_RACES):
            try:
                return await self.services.db.write(body)
            except (IntegrityError, MergedMeanwhile):
                # Another database transaction took a unique value after `body` looked, or merged whom it moves
                # points of: look again.
                continue
        try:
            return await self.services.db.write(body)
        except MergedMeanwhile as error:
            raise ServiceUnavailable("the member is being merged", retry_after_s=1) from error

    async def write_together(self, body: "SharedBody[Item, Result]", item: Item, about: str | None) -> Result:
        """Run `body` as `write` does, with the items of callers who are alike and ask at the same time.

        It gives a result for each, refusals among them: what it raises is tried again for each item alone. Alike are
        calls of one principal from one source, so that `body` may take the context of any of them. `about` is the
        reference of the member whose account it locks.
        """
        locked = None if about is None else (self.principal.program_id, about)
        result: Result = await self.services.together.add((body, self.principal, self.source), (self, item), locked)
        return result

    def audit(
        self,
        tx: Connection,
        action: str,
        subject: str,
        *,
        before: Any = None,
        after: Any = None,
        program: int | None = None,
    ) -> None:
        """Append what the caller does to the audit trail of its program, or of another partition."""
        principal = self.principal
        record(
            tx,
            principal.program if program is None else program,
            now=self.services.clock(),
            actor=principal,
            action=action,
            subject=subject,
            before=before,
            after=after,
        )

    def key(self, given: str | None) -> str | None:
        """The idempotency key as it is stored; a member-bound caller has keys of its own.

        Raises InvalidRequest, BadRequest where one is needed.
        """
        key = read_key(given)
        if key is None and self.needs_key:
            raise BadRequest("idempotency_key: is needed with a member's token", field="idempotency_key")
        return None if key is None else self.own_key(key)

    def own_key(self, key: str) -> str:
        """A key in the caller's space: that of its member, else of the program."""
        own = self.principal.member_reference
        return key if own is None else key_of_member(key, own)

    def program(self, tx: Connection) -> ProgramState:
        """The caller's program with its configuration, as current in this database transaction, or this request."""
        if self.sight is None:
            return self.services.programs.current(tx, self.principal.program)
        if self.sight.state is None:
            self.sight.state = self.services.programs.current(tx, self.principal.program)
        return self.sight.state

    def asking_program(self) -> Asking[ProgramState]:
        """The same, asked together with other things."""
        if self.sight is None:
            return (yield from self.services.programs.asking(self.principal.program))
        if self.sight.state is None:
            self.sight.state = yield from self.services.programs.asking(self.principal.program)
        return self.sight.state

    def program_in_force(self, tx: Connection) -> ProgramState:
        """The same, and no other configuration comes into force meanwhile: for what aggregates count."""
        return self.services.programs.current(tx, self.principal.program, in_force=True)

    def visible_members(self, tx: Connection, member_ids: Sequence[int]) -> list[int]:
        """Those of these members that exist in the caller's program and that the caller may see."""
        seen = set() if self.sight is None else self.sight.seen
        if unknown := [one for one in member_ids if one not in seen]:
            references = references_of(tx, self.principal.program, unknown)
            own = self.own_members(tx)
            # Added to what the request has seen, if it keeps that.
            seen |= {one for one in unknown if one in references and (own is None or one in own)}
        return [one for one in member_ids if one in seen]

    def asking_visible(self, member_ids: Sequence[int]) -> Asking[Sequence[int]]:
        """The same, asked together with other things; nothing is asked of whom the request has seen."""
        if self.sight is not None and self.sight.seen.issuperset(member_ids):
            return member_ids
        return (yield from need(lambda tx: self.visible_members(tx, member_ids)))

    def members(self, tx: Connection, member_ids: Sequence[int]) -> dict[int, Member]:
        """Those of these members that the caller may see, by id; as the request has read them, if it has."""
        known = {} if self.sight is None else self.sight.members
        if unknown := [one for one in member_ids if one not in known]:
            found = find_members(tx, self.services.keys, self.principal.program, ids=unknown)
            own = self.own_members(tx)
            visible = [one.member for one in found if own is None or one.member.id in own]
            if self.sight is not None:
                self.sight.know(visible)
            known = known | {one.id: one for one in visible}
        return {one: known[one] for one in sorted(set(member_ids)) if one in known}

    def asking_members(self, member_ids: Sequence[int]) -> Asking[Mapping[int, Member]]:
        """The same, asked together with other things; nothing is asked of whom the request has read."""
        known = {} if self.sight is None else self.sight.members
        if known.keys() >= set(member_ids):
            return {one: known[one] for one in sorted(set(member_ids))}
        return (yield from need(lambda tx: self.members(tx, member_ids)))

    def own_members(self, tx: Connection) -> frozenset[int] | None:
        """The ids that a member-bound caller may see: itself, and whom it answers for since a merge. None: all."""
        reference = self.principal.member_reference
        if reference is None:
            return None
        if self.sight is not None and self.sight.own is not None:
            return self.sight.own
        own = answering(tx, self.principal.program, reference)
        found = frozenset() if own is None else frozenset({own, *merged_ids(tx, self.principal.program, [own])})
        if self.sight is not None:
            self.sight.own = found
        return found
