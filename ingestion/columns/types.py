"""The types of files. A type more is a module more, and a line here."""

from collections.abc import Mapping

from ingestion.columns.attribute import ATTRIBUTES
from ingestion.columns.bonus import BONUSES
from ingestion.columns.member import MEMBERS
from ingestion.columns.row import FileType
from ingestion.columns.sub_relation import SUB_RELATIONS
from ingestion.columns.transaction import TRANSACTIONS

COLUMNS_OF: Mapping[str, FileType] = {
    "CPD": MEMBERS,
    "CRD": SUB_RELATIONS,
    "TXN": TRANSACTIONS,
    "BNS": BONUSES,
    "ATT": ATTRIBUTES,
}
