"""What conditions ask for: which facts have to be read before they can be answered."""

from collections.abc import Iterable

from domain.rules.model import AllOf, AnyOf, Comparison, Condition, Configuration, EveryNth, Not, Percent, PerUnit


def asked_in(condition: Condition | None) -> Iterable[tuple[str, tuple[str, ...]]]:
    """The paths of a condition, each with the constants that it is compared with."""
    match condition:
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from asked_in(part)
        case Not():
            yield from asked_in(condition.part)
        case Comparison():
            value = condition.value if isinstance(condition.value, tuple) else (condition.value,)
            yield condition.attribute, tuple(map(str, value))
            if condition.attribute_value is not None:
                yield condition.attribute_value, ()


def asked_by_rules(configuration: Configuration) -> frozenset[str]:
    """The paths that a purchase may be asked for: by rules, and by the dynamic segments that decide on it."""
    conditions = {one.name: one.when for one in configuration.segments if one.kind == "dynamic"}
    rules = [rule for group in configuration.rule_groups for rule in group.rules]
    waiting = [rule.when for rule in rules]
    waiting += [conditions.pop(one.segment, None) for one in configuration.campaigns if one.segment is not None]
    paths = {rule.award.of for rule in rules if isinstance(rule.award, PerUnit | Percent)}
    paths |= {f"aggregate.{rule.award.count}" for rule in rules if isinstance(rule.award, EveryNth)}
    while waiting:
        for path, names in asked_in(waiting.pop()):
            paths.add(path)
            if path == "segments":
                waiting += [conditions.pop(name, None) for name in names]
    return frozenset(paths)


def asked_by_segments(configuration: Configuration) -> frozenset[str]:
    """The paths that a member may be asked for without a purchase: by every segment."""
    return frozenset(path for one in configuration.segments for path, _ in asked_in(one.when))
