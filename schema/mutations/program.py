"""Mutations of programs, for administrators and for whoever holds a program's credentials."""

import strawberry

from domain.errors import ProgramNotFound
from resolvers.program import create_program, go_live, reset_credential
from schema.context import Info
from schema.field import mutation
from schema.types.program import IssuedCredential, to_issued_credential


@strawberry.input(description="A program to create.")
class ProgramCreateInput:
    name: str = strawberry.field(description="Its name: up to 100 characters.")


@strawberry.input(description="A program to take live: that of `X-Program-Id`.")
class ProgramGoLiveInput:
    program_id: int = strawberry.field(description="The program's number once more, so that no other goes live.")


@strawberry.input(description="A credential to reset: that of the program of the token, or of `X-Program-Id`.")
class CredentialResetInput:
    program_id: int = strawberry.field(description="The program's number once more, so that no other is reset.")


@strawberry.type(description="A fresh credential.")
class CredentialPayload:
    credential: IssuedCredential = strawberry.field(description="The credential; its secret is shown this once.")


@strawberry.type
class ProgramMutation:
    @mutation("Create a program in the sandbox, with its first credential.")
    async def program_create(self, info: Info, input: ProgramCreateInput) -> CredentialPayload | None:
        issued = await create_program(info.context.changing(), input.name)
        return CredentialPayload(credential=to_issued_credential(issued))

    @mutation("Open the program's live environment, with the sandbox's configuration; in production only.")
    async def program_go_live(self, info: Info, input: ProgramGoLiveInput) -> CredentialPayload | None:
        if input.program_id != info.context.ctx.principal.public_program_id:
            raise ProgramNotFound
        issued = await go_live(info.context.changing())
        return CredentialPayload(credential=to_issued_credential(issued))

    @mutation("New client id and secret for the program; every earlier token dies at once.")
    async def credential_reset(self, info: Info, input: CredentialResetInput) -> CredentialPayload | None:
        if input.program_id != info.context.ctx.principal.public_program_id:
            raise ProgramNotFound
        issued = await reset_credential(info.context.changing())
        return CredentialPayload(credential=to_issued_credential(issued))
