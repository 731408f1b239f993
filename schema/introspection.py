"""A schema that tells nothing of itself: `__schema` is refused (`schema/limit.py`), and `__type` finds no type.

`__type` is not refused, because its answer for a name that no type has is null, which tells as little: whoever asks
for it, as the audit of GraphQL over HTTP does, sends a good request, with introspection and without.
"""

import re
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    NameNode,
    StringValueNode,
    Visitor,
    visit,
)

_ASKS = re.compile(r"__type\b")


class _NoTypes(Visitor):
    """Lets every `__type` ask for a name that no type can have."""

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        if node.name.value != "__type":
            return None
        return FieldNode(
            alias=node.alias,
            name=node.name,
            arguments=(ArgumentNode(name=NameNode(value="name"), value=StringValueNode(value="")),),
            directives=node.directives,
            selection_set=node.selection_set,
            loc=node.loc,
        )


def hide_types(text: str, document: DocumentNode) -> DocumentNode:
    """The valid document behind a text, in which `__type` is null whatever it asks for."""
    hidden: DocumentNode = visit(document, _NoTypes()) if _ASKS.search(text) else document
    return hidden
