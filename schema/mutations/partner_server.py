"""Mutations of partners' own SFTP servers."""

import strawberry

from resolvers.partner_server import remove_partner_server, request_visit, save_partner_server
from schema.context import Info
from schema.field import mutation
from schema.types.partner_server import (
    PartnerServerRecord,
    PartnerServerSaveInput,
    to_record,
    to_secret,
    to_server,
)


@strawberry.input(description="A partner's server to forget.")
class PartnerServerRemoveInput:
    name: str = strawberry.field(description="Its name in the program.")


@strawberry.input(description="A partner's server to visit.")
class PartnerServerVisitInput:
    name: str = strawberry.field(description="Its name in the program.")


@strawberry.type(description="A partner's server.")
class PartnerServerPayload:
    server: PartnerServerRecord = strawberry.field(description="The server, as it is known now.")


@strawberry.type(description="A partner's server that was forgotten.")
class PartnerServerRemovePayload:
    name: str = strawberry.field(description="The name that it had.")


@strawberry.type
class PartnerServerMutation:
    @mutation("Keep a partner's server, or change the one of its name. It is visited at once, then on schedule.")
    async def partner_server_save(self, info: Info, input: PartnerServerSaveInput) -> PartnerServerPayload | None:
        row = await save_partner_server(
            info.context.changing(), to_server(input), to_secret(input), enabled=input.enabled
        )
        return PartnerServerPayload(server=to_record(row, info.context))

    @mutation("Forget a partner's server, its secret, and what went either way.")
    async def partner_server_remove(
        self, info: Info, input: PartnerServerRemoveInput
    ) -> PartnerServerRemovePayload | None:
        await remove_partner_server(info.context.changing(), input.name)
        return PartnerServerRemovePayload(name=input.name)

    @mutation("Visit a partner's server as soon as may be, whatever its schedule says.")
    async def partner_server_visit(self, info: Info, input: PartnerServerVisitInput) -> PartnerServerPayload | None:
        row = await request_visit(info.context.changing(), input.name)
        return PartnerServerPayload(server=to_record(row, info.context))
