"""CRD: cards, accounts, devices and external ids of members."""

from domain.sub_relation import TYPE_NAMES
from ingestion.columns.row import MEMBER, FileType, Row, day
from resolvers.sub_relation import LinkSubRelation

_PAIR = ("card_number", "sub_relation_identifier")
_REST = ("sub_relation_type", "last_six_digits", "product_code", "expiry_date", "status")


def _sub_relation(row: Row) -> LinkSubRelation:
    row.require(MEMBER)
    return LinkSubRelation(
        relation_reference=row.values[MEMBER],
        type=_type(row.get("sub_relation_type")),
        card_number=row.get("card_number"),
        sub_relation_identifier=row.get("sub_relation_identifier"),
        last_six_digits=row.get("last_six_digits"),
        product_code=row.get("product_code"),
        expiry_date=row.read_if_given("expiry_date", day),
        status=row.get("status"),
    )


def _type(given: str | None) -> str | None:
    """The type that is meant; what means none is refused with all else that is no type."""
    return None if given is None else TYPE_NAMES.get(given.upper(), given)


def _camel(column: str) -> str:
    first, *others = column.split("_")
    return first + "".join(map(str.capitalize, others))


SUB_RELATIONS = FileType(
    columns=frozenset({MEMBER, *_PAIR, *_REST}),
    required=(MEMBER,),
    one_of=_PAIR,
    # The published card file writes its columns so.
    aliases={"memberRelationRef": MEMBER, **{_camel(column): column for column in (MEMBER, *_PAIR, *_REST)}},
    command=_sub_relation,
)
