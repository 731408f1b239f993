"""The tiers that members had, and those that came with others who became them, as a run goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.store.program import ProgramState
from domain.store.reading import Reading, into
from domain.store.tier import MERGE, Had, History, Joined, joined, tiers
from domain.tiers import up_to


@dataclass(slots=True)
class TierHistories:
    """The tiers of the members of a run, and what those bring along who became one of them."""

    state: ProgramState
    _joined: dict[int, Joined] = field(default_factory=dict)
    _had: dict[int, History] = field(default_factory=dict)

    def readings(self, ids: Sequence[int]) -> list[Reading[None]]:
        """What reads them, to be read together with something else; nothing where there are no tiers."""
        if self.state.configuration.tiers.assessment == "off":
            return []
        return [into(tiers(self.state.id, ids), self._had), into(joined(self.state.id, ids), self._joined)]

    def at(self, member_id: int, at: datetime) -> str | None:
        """The tier that was valid then: before its first one a member had none."""
        for one in reversed(self._had.get(member_id, ())):
            if one.since <= at:
                return one.tier
        return None

    def now(self, member_id: int) -> str | None:
        """The newest tier."""
        history = self._had.get(member_id)
        return history[-1].tier if history else None

    def is_own(self, member_id: int) -> bool:
        """Whether the newest tier is one that the member came to by itself."""
        history = self._had.get(member_id)
        return history is not None and len(history) > 0 and history[-1].source != MERGE

    def set(self, member_id: int, since: datetime, tier: str | None, source: str) -> str:
        """A member got another tier in this run. The source of what is kept of this instant: its own goes first."""
        history = self._had.setdefault(member_id, [])
        if history and history[-1].since == since:
            replaced = history.pop()
            source = replaced.source if source == MERGE else source
        history.append(Had(since, tier, source))
        return source

    def reached(self, member_id: int) -> frozenset[str]:
        """Every tier that the member, or who is part of it, came to by itself, with those below, which it passed."""
        own = {one.tier for one in self._had.get(member_id, []) if one.source != MERGE}
        others = self._joined.get(member_id)
        return up_to(self.state.configuration.tiers, own if others is None else own | others.tiers)

    def earned_by_joined(self, member_id: int) -> Mapping[int, int]:
        """What those earned who became this member, by account."""
        others = self._joined.get(member_id)
        return {} if others is None else others.earned
