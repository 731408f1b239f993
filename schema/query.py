"""The queries."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError

from domain.errors import BadRequest, RedemptionNotFound, TesseraError
from resolvers.attribute import AttributeFormat as Format
from resolvers.attribute import export_attributes
from resolvers.configuration import get_configuration
from resolvers.configuration_version import find_configuration, list_configuration_versions
from resolvers.merge import MergeMembers, preview_merge
from resolvers.points_request import list_points_requests
from resolvers.program import get_program, get_program_terms, list_credentials, list_programs
from schema.batch_query import BatchQuery
from schema.catalog_query import CatalogQuery
from schema.connection import (
    DEFAULT_PAGE,
    MAX_PAGE,
    After,
    Connection,
    First,
    connection_of,
    cut,
    edges_of,
    number_cursor,
    page_info,
    read_number_cursor,
    read_page,
)
from schema.context import Info, RequestContext
from schema.event_query import EventQuery
from schema.export_query import ExportQuery
from schema.field import field
from schema.global_id import (
    BATCH,
    ENTRY,
    EXPORT,
    HELD,
    HOLD,
    LOT,
    MEMBER,
    ORDER,
    PROGRAM,
    REDEMPTION,
    REQUEST,
    SUB_RELATION,
    TRANSACTION,
    GlobalId,
    Id,
    decode,
)
from schema.ledger_query import LedgerQuery
from schema.member_query import MemberQuery
from schema.partner_query import PartnerQuery
from schema.proposal_query import ProposalQuery
from schema.queue_query import QueueQuery
from schema.scalar import parse_uuid
from schema.session_query import SessionQuery
from schema.sftp_login_query import SftpLoginQuery
from schema.standing_query import StandingQuery
from schema.types.batch import Batch, to_batch
from schema.types.configuration import (
    AttributeFormat,
    Configuration,
    ConfigurationVersion,
    to_configuration,
    to_configuration_version,
)
from schema.types.entry import load_entry
from schema.types.export import load_export
from schema.types.held import load_held
from schema.types.hold import load_hold
from schema.types.lot import load_lot
from schema.types.member import load_member
from schema.types.merge import MergePreview, to_preview
from schema.types.node import Node
from schema.types.order import load_order
from schema.types.points_request import PointsRequest, PointsRequestStatus, load_request, to_request
from schema.types.program import Credential, Program, to_credential, to_program
from schema.types.redemption import load_redemption
from schema.types.refusal import ErrorDefinition, catalogue
from schema.types.sub_relation import load_sub_relation
from schema.types.transaction import load_transaction
from schema.webhook_query import WebhookQuery

MAX_NODES = 100


@strawberry.type(description="What can be asked. Everything is of the caller's own program.")
class Query(
    MemberQuery,
    LedgerQuery,
    StandingQuery,
    BatchQuery,
    QueueQuery,
    SessionQuery,
    SftpLoginQuery,
    EventQuery,
    ProposalQuery,
    PartnerQuery,
    ExportQuery,
    CatalogQuery,
    WebhookQuery,
):
    @field("Any object by its global id; null if the caller's program has no such object.")
    async def node(self, info: Info, id: Id) -> Node | None:
        return await _node(decode(id), info.context.ctx.principal.program, info.context)

    @field(
        "Many objects by their global ids, in the same order. What is refused is null in its place, with an error "
        "whose path ends with its number; the others are not affected."
    )
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")]
    ) -> list[Node | None] | None:
        # Who may ask for nothing is told so once, and not at each place.
        partition = info.context.ctx.principal.program
        if len(ids) > MAX_NODES:
            raise BadRequest(f"ids: at most {MAX_NODES}", field="ids")
        # GraphQL takes an exception in a list for the error of its place.
        found: list[Any] = await asyncio.gather(*(_node_or_error(one, partition, info.context) for one in ids))
        return found

    @field("What a merge of two members would move, without doing it.")
    async def member_merge_preview(
        self,
        info: Info,
        victim: Annotated[str, strawberry.argument(description="The reference of the member who would disappear.")],
        survivor: Annotated[str, strawberry.argument(description="The reference of the member who would stay.")],
    ) -> MergePreview | None:
        return to_preview(await preview_merge(info.context.ctx, MergeMembers(victim=victim, survivor=survivor)))

    @field(
        "The caller's program. With nothing but the header `X-Publishable-Key` it says what a sign-in screen shows: of "
        "what is not stored with its name, `timeZone` and `signInMethods`.",
        always=True,
    )
    async def program(self, info: Info) -> Program | None:
        app = await info.context.visitor()
        if app is not None:
            return to_program(await get_program(app), info.context, await get_program_terms(app))
        return to_program(await get_program(info.context.loaders.ctx), info.context)

    @field("The programs that the caller may see, oldest first: an administrator sees all.")
    async def programs(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many: 1 to 100.")] = MAX_PAGE,
        after: Annotated[
            strawberry.ID | None, strawberry.argument(description="The id of a program: those behind it.")
        ] = None,
    ) -> list[Program] | None:
        size, behind = read_page(first, None).size, _program_number(after)
        rows = await list_programs(info.context.ctx)
        return [to_program(row, info.context) for row in rows if row.id > behind][:size]

    @field("The adjustments that wait, or waited, for approval, newest first.")
    async def points_requests(
        self,
        info: Info,
        status: Annotated[PointsRequestStatus | None, strawberry.argument(description="Only these; null: all.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[PointsRequest] | None:
        context, page = info.context, read_page(first, after)
        found = await list_points_requests(
            context.ctx,
            status=None if status is None else status.name,
            first=page.size + 1,
            before_id=read_number_cursor("requests", page),
        )
        return connection_of(
            found, page, lambda row: to_request(row, context), lambda row: number_cursor("requests", row.id)
        )

    @field("The credentials that the program has and had, newest first; one of them at most is good.")
    async def credentials(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many: 1 to 100.")] = DEFAULT_PAGE,
    ) -> list[Credential] | None:
        rows = await list_credentials(info.context.ctx)
        return [to_credential(row, info.context) for row in rows[: read_page(first, None).size]]

    @field("The configuration in force, or any version; null if there is no such version.")
    async def configuration(
        self,
        info: Info,
        version: Annotated[int | None, strawberry.argument(description="Null: the one in force.")] = None,
    ) -> Configuration | None:
        if version is None:
            return to_configuration(await get_configuration(info.context.ctx))
        found = await find_configuration(info.context.ctx, version)
        return None if found is None else to_configuration(found)

    @field("Every version that the configuration ever had, newest first.")
    async def configuration_versions(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[ConfigurationVersion] | None:
        page = read_page(first, after)
        number = read_number_cursor("configurations", page)
        found = await list_configuration_versions(info.context.ctx, first=page.size + 1, before_version=number)
        rows, has_more = cut(found, page)
        edges = edges_of(
            rows,
            lambda row: to_configuration_version(row, info.context),
            lambda row: number_cursor("configurations", row.version),
        )
        return Connection(edges=edges, page_info=page_info(edges, page, has_more))

    @field("The program's own attribute definitions as a file, which `attributeImport` reads.")
    async def attribute_export(
        self,
        info: Info,
        format: Annotated[AttributeFormat, strawberry.argument(description="How it is written.")],
    ) -> str | None:
        return await export_attributes(info.context.ctx, Format[format.name])

    @field("A batch file; null if the caller's program has none of this id.")
    async def batch(self, info: Info, id: Id) -> Batch | None:
        return await _batch(decode(id), info.context)

    @field("Every error that this API can give. Needs no token.")
    def errors(self) -> list[ErrorDefinition]:
        return catalogue()


def _program_number(after: str | None) -> int:
    """The partition that an id names, 0 for none. Raises BadRequest."""
    if after is None:
        return 0
    given = decode(after, "after")
    if given.kind != PROGRAM:
        raise BadRequest("after: not the id of a program", field="after")
    return given.partition


async def _node_or_error(given: str, partition: int, context: RequestContext) -> Node | Exception | None:
    try:
        return await _node(decode(given, "ids"), partition, context)
    except Exception as error:  # noqa: BLE001 - told at its place, and logged there if it is a surprise
        return error


async def _node(given: GlobalId, partition: int, context: RequestContext) -> Node | None:
    """Whatever the id names. What is another's, or not for the caller to see, is none, as what does not exist."""
    try:
        return await _load_node(given, partition, context)
    except TesseraError as refusal:
        if refusal.status in (403, 404):
            return None
        raise


async def _load_node(given: GlobalId, partition: int, context: RequestContext) -> Node | None:
    load = _NUMBERED.get(given.kind)
    if load is not None:
        number = given.number(given.kind, partition)
        return None if number is None else await load(number, context)
    if given.kind == PROGRAM and given.partition == partition:
        return to_program(await context.loaders.program.load(partition), context)
    if given.kind == REDEMPTION and given.partition == partition:
        with suppress(GraphQLError):
            return await load_redemption(parse_uuid(given.key), context)
        return None
    return await _batch(given, context)


_NUMBERED: Mapping[str, Callable[[int, RequestContext], Awaitable[Node | None]]] = {
    MEMBER: load_member,
    ENTRY: load_entry,
    TRANSACTION: load_transaction,
    LOT: load_lot,
    HOLD: load_hold,
    REQUEST: load_request,
    SUB_RELATION: load_sub_relation,
    HELD: load_held,
    EXPORT: load_export,
    ORDER: load_order,
}
"""How objects are loaded whose key is a number."""


async def _batch(given: GlobalId, context: RequestContext) -> Batch | None:
    number = given.number(BATCH, context.ctx.principal.program)
    if number is None:
        return None
    try:
        return to_batch(await context.loaders.batch.load(number), context)
    except RedemptionNotFound:
        return None
