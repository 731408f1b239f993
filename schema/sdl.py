"""The schema as text."""

from schema.build import schema


def export_sdl() -> str:
    """The schema in GraphQL's schema definition language, as `schema/schema.graphql` holds it."""
    return schema.as_str().rstrip() + "\n"
