"""CPD: members."""

from domain.errors import BadRequest
from domain.rules.fixed import FIXED_MEMBER_ATTRIBUTES
from ingestion.columns.row import FileType, Row
from resolvers.member import ImportMember

ACTION = "action"
ACTIONS = frozenset({"NEW", "UPDATE", "SUSPEND", "CLOSE", "REACTIVATE"})


def _member(row: Row) -> ImportMember:
    action = row.get(ACTION)
    if action is not None and action.upper() not in ACTIONS:
        raise BadRequest(f"{ACTION}: one of {', '.join(sorted(ACTIONS))}", field=ACTION)
    row.require(*MEMBERS.required)
    if action is None:
        return ImportMember(values=row.values)
    return ImportMember(
        values={key: value for key, value in row.values.items() if key != ACTION}, action=action.upper()
    )


MEMBERS = FileType(
    columns=frozenset(definition.key for definition in FIXED_MEMBER_ATTRIBUTES) | {ACTION},
    required=("relation_reference",),
    command=_member,
)
