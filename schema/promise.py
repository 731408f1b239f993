"""The promise to clients: what the schema may not lose from one release to the next."""

from collections.abc import Iterator

from graphql import (
    BreakingChangeType,
    DangerousChangeType,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
)

# Additions that a client has to put up with (docs/graphql.md): values and types that it does not know.
_GROWTH = frozenset(
    {
        DangerousChangeType.VALUE_ADDED_TO_ENUM,
        DangerousChangeType.TYPE_ADDED_TO_UNION,
        DangerousChangeType.IMPLEMENTED_INTERFACE_ADDED,
        DangerousChangeType.OPTIONAL_ARG_ADDED,
        DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED,
    }
)


def broken_promises(released: str, served: str) -> list[str]:
    """What breaks clients of the released schema, a sentence each; both are SDL."""
    before, after = build_schema(released), build_schema(served)
    breaking = [f"{_words(one.type)}: {one.description}" for one in find_breaking_changes(before, after)]
    dangerous = [
        f"{_words(one.type)}: {one.description}"
        for one in find_dangerous_changes(before, after)
        if one.type not in _GROWTH
    ]
    return sorted({*breaking, *dangerous})


def unexplained_deprecations(served: str) -> list[str]:
    """The deprecations that do not name, in backquotes, what is to be used instead."""
    return [
        place
        for place, reason in deprecations(build_schema(served))
        if reason.count("`") < 2 or reason == "No longer supported"
    ]


def deprecations(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Where something is deprecated (`Member.points`, `Query.members(first)`, `Status.OLD`), and the reason."""
    for name, one in schema.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(one, GraphQLEnumType):
            members = one.values.items()
        elif isinstance(one, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            members = one.fields.items()
        else:
            continue
        for member, definition in members:
            if definition.deprecation_reason is not None:
                yield f"{name}.{member}", definition.deprecation_reason
            for argument, given in getattr(definition, "args", {}).items():
                if given.deprecation_reason is not None:
                    yield f"{name}.{member}({argument})", given.deprecation_reason


def _words(kind: BreakingChangeType | DangerousChangeType) -> str:
    return kind.name.lower().replace("_", " ")
