"""From a text to a document: what is refused before anything is made of it."""

import re
import unicodedata
from typing import Any

from graphql import (
    DocumentNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    Node,
    StringValueNode,
    Visitor,
    parse,
    visit,
)

from domain.errors import BadRequest, QueryTooComplex
from schema.failure import PARSE_FAILED, DocumentRefused
from schema.limit import MAX_COMMENTS, MAX_LENGTH, MAX_TOKENS
from schema.request import MAX_NUMBER_LENGTH
from schema.unaccepted import refuse_in_document

_LONG_NUMBER = re.compile(rf"[-0-9.eE+]{{{MAX_NUMBER_LENGTH + 1}}}")


def parse_text(text: str) -> DocumentNode:
    """The document that a text is. Raises QueryTooComplex, DocumentRefused, BadRequest."""
    if len(text) > MAX_LENGTH:
        raise QueryTooComplex(f"more than {MAX_LENGTH} characters: put long values into variables")
    try:
        document = parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS)
    except GraphQLError as error:
        if "contains more than" in error.message:
            raise QueryTooComplex(f"more than {MAX_TOKENS} tokens or {MAX_COMMENTS} comments") from error
        raise DocumentRefused([error], PARSE_FAILED) from error
    if "\\u" in text:
        visit(document, _PlainText(document))
    if _LONG_NUMBER.search(text):
        # It may stand in a text, where it is none.
        visit(document, _ShortNumbers())
    return document


class _PlainText(Visitor):
    """Holds texts that are written with escapes to what every other text is held to."""

    def __init__(self, document: DocumentNode) -> None:
        super().__init__()
        self._document = document

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        """Hold one text to it."""
        if "\0" in node.value or not unicodedata.is_normalized("NFC", node.value):
            raise refuse_in_document(node, self._document)


class _ShortNumbers(Visitor):
    """Holds numbers that are written into the document to the length of those in JSON."""

    def enter(self, node: Node, *_: Any) -> None:
        if isinstance(node, IntValueNode | FloatValueNode) and len(node.value) > MAX_NUMBER_LENGTH:
            raise BadRequest("a number is too long")
