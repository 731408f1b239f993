"""Texts that no database stores: where in a request one stands, so that the refusal can name the input."""

from graphql import DocumentNode, GraphQLError, StringValueNode

from domain.errors import BadRequest
from schema.coercion import FaultyInput, Path, name_literal, text_of


class UnacceptedText(Exception):
    """A text with NUL or half a character was met."""


def is_unaccepted(text: str) -> bool:
    """Whether a text has NUL or half a character."""
    return "\0" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text))


def refuse_in_json(value: object) -> BadRequest:
    """The refusal of a text in a decoded body, or in variables alone; a variable counts as the argument."""
    way = _way_to(value) or ()
    below = way[way.index("variables") + 1 :] if "variables" in way else way
    return _refusal(text_of(below))


def refuse_in_document(node: StringValueNode, document: DocumentNode) -> BadRequest:
    """The refusal of a text that is written into the document."""
    named = name_literal(GraphQLError("", nodes=[node]), document)
    return _refusal(named.field if isinstance(named, FaultyInput) else "")


def _refusal(field: str) -> BadRequest:
    told = "has a character that is not accepted"
    return BadRequest(f"{field}: {told}", field=field) if field else BadRequest(f"a text {told}")


def _way_to(value: object) -> Path | None:
    """The way to the first such text; of one that is a key, to what it is the key in."""
    if isinstance(value, str):
        return () if is_unaccepted(value) else None
    if isinstance(value, dict):
        if any(map(is_unaccepted, value)):
            return ()
        steps = list(value.items())
    else:
        steps = list(enumerate(value)) if isinstance(value, list) else []
    for step, inner in steps:
        below = _way_to(inner)
        if below is not None:
            return (step, *below)
    return None
