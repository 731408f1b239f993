"""The mutation that asks for a file."""

import strawberry

from resolvers.export import RequestExport, request_export
from schema.context import Info
from schema.field import mutation
from schema.types.export import Export, ExportKind, read_kind, to_export


@strawberry.input(description="A file to write into the program's download folder.")
class ExportRequestInput:
    kind: ExportKind = strawberry.field(description="What it is to tell.")
    since_last: bool = strawberry.field(
        default=False,
        description="Only what happened since the last file of this kind that was asked for so; the first has it all.",
    )
    with_personal_data: bool | None = strawberry.field(
        default=None,
        description="With the columns of personal information; null: as the program's `files` say. Where they do not "
        "allow it, it takes the permission to see personal information.",
    )
    pipe: bool | None = strawberry.field(
        default=None, description="A vertical bar between the columns; null: as the program's `files` say."
    )
    gzip: bool = strawberry.field(default=False, description="Packed.")


@strawberry.type(description="What was asked for.")
class ExportRequestPayload:
    export: Export = strawberry.field(description="The export, which is written soon after.")


@strawberry.type
class ExportMutation:
    @mutation("Ask for a file. It appears in the program's download folder when it is whole, with its `.sha256`.")
    async def export_request(self, info: Info, input: ExportRequestInput) -> ExportRequestPayload | None:
        command = RequestExport(
            kind=read_kind(input.kind),
            since_last=input.since_last,
            with_personal_data=input.with_personal_data,
            is_pipe=input.pipe,
            is_gzip=input.gzip,
        )
        return ExportRequestPayload(
            export=to_export(await request_export(info.context.changing(), command), info.context)
        )
