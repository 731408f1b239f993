"""Which segments a member is in, outside of a transaction's rules: profiles and snapshots ask."""

from domain.rules.compiled import CompiledRules
from domain.rules.facts import Facts, env_of
from domain.rules.model import Configuration
from domain.rules.vocabulary import SEGMENTS


def frozen_segments(configuration: Configuration) -> list[str]:
    """The names of the frozen segments."""
    return [one.name for one in configuration.segments if one.kind == "frozen"]


def segments_of(compiled: CompiledRules, facts: Facts) -> frozenset[str]:
    """The dynamic segments that hold for these facts, and the frozen ones that the facts name."""
    env = env_of(compiled, facts)
    return frozenset(name for name in compiled.segments if env[SEGMENTS].holds(name, env))


def fits_snapshot(compiled: CompiledRules, name: str, facts: Facts) -> bool:
    """Whether the condition of a frozen segment holds now: who is taken when its snapshot is taken.

    KeyError where there is no frozen segment of this name with a condition.
    """
    return compiled.snapshots[name](env_of(compiled, facts))
