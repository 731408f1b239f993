"""`export member`: what is stored on a person, as one JSON document."""

from pathlib import Path
from typing import Any

import typer

from resolvers.member_data import as_json, export_member_data
from tessera.console import run, show_fields
from tessera.file import write_once
from tessera.locking import CommandRefused
from tessera.runtime import Runtime, find_program, program_context


def export_member(kind: str, reference: str | None, program_id: int, out: Path) -> None:
    """Write the document, readable for its owner only. Raises CommandRefused, ProgramNotFound, MemberNotFound."""
    if kind != "member" or reference is None:
        raise typer.BadParameter("`member`, and nothing else, wants the reference of a member")
    if not out.parent.is_dir():
        raise CommandRefused(f"{out.parent} is no folder.")
    if out.exists():
        raise CommandRefused(f"{out} exists already; an export overwrites nothing.")

    async def body(runtime: Runtime) -> dict[str, Any]:
        ctx = program_context(runtime, await find_program(runtime, program_id))
        return await export_member_data(ctx, reference)

    document = run(body)
    write_once(out, as_json(document).decode())
    sections = {name: rows for name, rows in document.items() if isinstance(rows, list)}
    show_fields({name: len(rows) for name, rows in sections.items() if rows})
