"""The schema, built once from the types."""

from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLInputObjectType, get_named_type
from strawberry.schema.config import StrawberryConfig

from schema.document import ReadyDocument
from schema.mutations.adjustment import AdjustmentMutation
from schema.mutations.attribute_proposal import AttributeProposalMutation
from schema.mutations.batch import BatchMutation
from schema.mutations.catalog import CatalogMutation
from schema.mutations.configuration import ConfigurationMutation
from schema.mutations.export import ExportMutation
from schema.mutations.hold import HoldMutation
from schema.mutations.member import MemberMutation
from schema.mutations.member_auth import MemberAuthMutation
from schema.mutations.merge import MergeMutation
from schema.mutations.order import OrderMutation
from schema.mutations.partner_server import PartnerServerMutation
from schema.mutations.program import ProgramMutation
from schema.mutations.queue import QueueMutation
from schema.mutations.redemption import RedemptionMutation
from schema.mutations.referral import ReferralMutation
from schema.mutations.review import ReviewMutation
from schema.mutations.segment import SegmentMutation
from schema.mutations.session import SessionMutation
from schema.mutations.session_end import SessionEndMutation
from schema.mutations.sftp_login import SftpLoginMutation
from schema.mutations.simulation import SimulationMutation
from schema.mutations.sub_relation import SubRelationMutation
from schema.mutations.tier import TierMutation
from schema.mutations.transaction import TransactionMutation
from schema.mutations.transfer import TransferMutation
from schema.mutations.webhook import WebhookMutation
from schema.query import Query
from schema.scalar import SCALARS
from schema.subscription import Subscription


@strawberry.type(description="What can be done. Mutations of one request run one after the other.")
class Mutation(
    MemberMutation,
    MemberAuthMutation,
    SessionMutation,
    SessionEndMutation,
    TierMutation,
    SegmentMutation,
    SftpLoginMutation,
    SubRelationMutation,
    MergeMutation,
    ReferralMutation,
    TransactionMutation,
    QueueMutation,
    BatchMutation,
    ReviewMutation,
    RedemptionMutation,
    HoldMutation,
    OrderMutation,
    CatalogMutation,
    TransferMutation,
    AdjustmentMutation,
    ProgramMutation,
    PartnerServerMutation,
    WebhookMutation,
    AttributeProposalMutation,
    ConfigurationMutation,
    ExportMutation,
    SimulationMutation,
):
    pass


class TesseraSchema(strawberry.Schema):
    """The schema; what goes wrong is logged where the response is made, with its request id."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        changes = self._schema.mutation_type
        for one in changes.fields.values() if changes else ():
            given = get_named_type(one.args["input"].type)
            # A mutation takes one input and nothing else: what the input is says all of the argument.
            one.args["input"].description = given.description if isinstance(given, GraphQLInputObjectType) else None

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Log nothing: Strawberry would log every mistake of a caller with a traceback."""


schema = TesseraSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    extensions=[ReadyDocument],
    config=StrawberryConfig(scalar_map=SCALARS),
)
"""Made at import, because Strawberry takes the types of one schema only once."""
