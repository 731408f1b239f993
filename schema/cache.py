"""What is kept between requests, in bounded memory, so that nobody can push out what others use.

A plain cache of the last things asked for is emptied by anyone who asks for many things once. Here each thing belongs
to whoever brought it, and who holds the most gives way.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class FairCache(Generic[Value]):
    """The things of many owners: at most `entries` of them, which weigh at most `weight` together."""

    def __init__(self, *, entries: int, weight: int) -> None:
        self._max_entries = entries
        self._max_weight = weight
        self._owners: dict[str, Hashable] = {}
        self._shares: dict[Hashable, _Share[Value]] = {}
        self._weight = 0

    def __len__(self) -> int:
        return len(self._owners)

    def __contains__(self, key: str) -> bool:
        return key in self._owners

    @property
    def weight(self) -> int:
        """What all that is kept weighs."""
        return self._weight

    def get(self, key: str) -> Value | None:
        """What is kept under a key; its owner will lose everything else first."""
        if key not in self._owners:
            return None
        share = self._shares[self._owners[key]]
        share.kept.move_to_end(key)
        return share.kept[key][0]

    def put(self, key: str, value: Value, *, weight: int, owner: Hashable) -> None:
        """Keep a value, unless it is too heavy for a fair share. A key that is there stays its owner's."""
        if key in self._owners or weight > self._max_weight // 8:
            return
        share = self._shares.setdefault(owner, _Share())
        share.kept[key] = (value, weight)
        share.weight += weight
        self._owners[key] = owner
        self._weight += weight
        while len(self._owners) > self._max_entries or self._weight > self._max_weight:
            self._drop_one()

    def _drop_one(self) -> None:
        """Drop what was not used for the longest time among the things of whoever holds the most."""
        owner = max(self._shares, key=self._held)
        share = self._shares[owner]
        key, (_, weight) = share.kept.popitem(last=False)
        share.weight -= weight
        self._weight -= weight
        del self._owners[key]
        if not share.kept:
            del self._shares[owner]

    def _held(self, owner: Hashable) -> float:
        share = self._shares[owner]
        return len(share.kept) / self._max_entries + share.weight / self._max_weight


class _Share(Generic[Value]):
    """What one owner holds, the longest unused first."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, tuple[Value, int]] = OrderedDict()
        self.weight = 0
