"""Attribute definitions that partners proposed by file."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from resolvers.attribute_proposal import AttributeProposal as Row
from schema.context import RequestContext
from schema.global_id import PROPOSAL, encode
from schema.types.configuration import AttributeEntity


@strawberry.type(description="An attribute definition that a file proposed, and that nobody decided on yet.")
class AttributeProposal:
    proposal_id: strawberry.ID = strawberry.field(
        description="What it is decided on by. A newer proposal of the attribute takes its place, under another id."
    )
    entity: AttributeEntity = strawberry.field(description="What the attribute belongs to.")
    key: str = strawberry.field(description="Its key.")
    definition: JSON = strawberry.field(description="The definition as proposed; what it leaves out stays.")
    changes: bool = strawberry.field(description="Whether it changes a definition that is in force; else it is new.")
    source: str = strawberry.field(description="The file and the line that it came in.")
    proposed_at: datetime = strawberry.field(description="When it came.")


def to_proposal(row: Row, context: RequestContext) -> AttributeProposal:
    """A proposal as callers see it."""
    return AttributeProposal(
        proposal_id=encode(PROPOSAL, context.ctx.principal.program, row.id),
        entity=AttributeEntity(row.entity),
        key=row.definition["key"],
        definition=JSON(row.definition),
        changes=row.changes,
        source=row.source,
        proposed_at=context.local(row.proposed_at),
    )
