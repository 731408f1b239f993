"""ATT: attribute definitions that are proposed to the program."""

from ingestion.columns.row import FileType, Row
from resolvers.attribute_file import COLUMNS, NEEDED
from resolvers.attribute_proposal import ProposeAttribute


def _attribute(row: Row) -> ProposeAttribute:
    row.require(*NEEDED)
    return ProposeAttribute(cells=row.values, source=row.source)


ATTRIBUTES = FileType(columns=frozenset(COLUMNS), required=NEEDED, command=_attribute)
