"""Mutations that decide about proposed attribute definitions."""

from collections.abc import Sequence

import strawberry

from domain.errors import RedemptionNotFound
from resolvers.attribute_proposal import ApplyProposals, apply_attribute_proposals, dismiss_attribute_proposals
from schema.context import Info, RequestContext
from schema.field import mutation
from schema.global_id import PROPOSAL, decode
from schema.mutations.configuration import ConfigurationPayload
from schema.types.configuration import to_configuration


@strawberry.input(description="Proposed attribute definitions to put in force, all or none.")
class AttributeProposalApplyInput:
    proposal_ids: list[strawberry.ID] = strawberry.field(description="The proposals.")
    expected_version: int | None = strawberry.field(
        default=None,
        description="The version that the decision was made on: refused if another is in force. Null: not compared.",
    )


@strawberry.input(description="Proposed attribute definitions to turn down.")
class AttributeProposalDismissInput:
    proposal_ids: list[strawberry.ID] = strawberry.field(description="The proposals.")


@strawberry.type(description="Proposals that were turned down.")
class AttributeProposalDismissPayload:
    dismissed: int = strawberry.field(description="How many.")


@strawberry.type
class AttributeProposalMutation:
    @mutation("Put attribute definitions that files proposed in force, as one change of the configuration.")
    async def attribute_proposal_apply(
        self, info: Info, input: AttributeProposalApplyInput
    ) -> ConfigurationPayload | None:
        ids = _numbers(input.proposal_ids, info.context)
        command = ApplyProposals(ids=ids, expected_version=input.expected_version)
        applied = await apply_attribute_proposals(info.context.changing(), command)
        return ConfigurationPayload(configuration=to_configuration(applied), changed=applied.changed)

    @mutation("Turn down attribute definitions that files proposed.")
    async def attribute_proposal_dismiss(
        self, info: Info, input: AttributeProposalDismissInput
    ) -> AttributeProposalDismissPayload | None:
        ids = _numbers(input.proposal_ids, info.context)
        await dismiss_attribute_proposals(info.context.changing(), ids)
        return AttributeProposalDismissPayload(dismissed=len(ids))


def _numbers(given: Sequence[str], context: RequestContext) -> list[int]:
    """The numbers of proposals, each once. Raises BadRequest, RedemptionNotFound (those of other programs)."""
    numbers = {decode(one, "proposalIds").number(PROPOSAL, context.ctx.principal.program) for one in given}
    found = sorted(one for one in numbers if one is not None)
    if len(found) != len(numbers):
        raise RedemptionNotFound(field="proposal_ids")
    return found
