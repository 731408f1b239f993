"""The files that are generated from the code: `errors`, `statuses`, `reversals`, `schema …`, `openapi …`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import tessera
from tessera.console import REFUSED, note, show
from tessera.locking import CommandRefused
from tessera.pages import errors_markdown, reversals_markdown, status_markdown

schemas = typer.Typer(help="The GraphQL schema.", no_args_is_help=True)
openapis = typer.Typer(help="The OpenAPI document of REST v1.", no_args_is_help=True)

Check = Annotated[bool, typer.Option("--check", help="Compare with the file; exit status 1 if it differs.")]
Write = Annotated[bool, typer.Option("--write", help="Write the file.")]

_SOURCE = Path(tessera.__file__).parent.parent
RELEASED = "schema/released.graphql"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Snapshot:
    path: str
    render: Callable[[], str]


def errors(check: Check = False, write: Write = False) -> None:
    """The table of errors, as docs/errors.md holds it."""
    _handle(_Snapshot(path="docs/errors.md", render=errors_markdown), check=check, write=write)


def statuses(check: Check = False, write: Write = False) -> None:
    """What each member status lets happen, as docs/status.md holds it."""
    _handle(_Snapshot(path="docs/status.md", render=status_markdown), check=check, write=write)


def reversals(check: Check = False, write: Write = False) -> None:
    """What a reversal does with points that expired meanwhile, as docs/reversals.md holds it."""
    _handle(_Snapshot(path="docs/reversals.md", render=reversals_markdown), check=check, write=write)


@schemas.command("export")
def export_schema(check: Check = False, write: Write = False) -> None:
    """The schema as SDL, as schema/schema.graphql holds it."""
    from schema.sdl import export_sdl

    _handle(_Snapshot(path="schema/schema.graphql", render=export_sdl), check=check, write=write)


@schemas.command("release")
def release_schema(
    check: Check = False,
    write: Annotated[bool, typer.Option("--write", help="Make today's schema the promise to clients.")] = False,
    breaking: Annotated[bool, typer.Option("--breaking", help="Also where that breaks clients.")] = False,
) -> None:
    """What breaks clients of the released schema, schema/released.graphql; exit status 1 if anything does."""
    from schema.promise import broken_promises, unexplained_deprecations
    from schema.sdl import export_sdl

    served, file = export_sdl(), _SOURCE / RELEASED
    if write and not file.parent.is_dir():
        raise CommandRefused(f"{file.parent} does not exist: --write is for a checkout of the source.")
    faults = [
        f"deprecated without naming, in `…`, what to use instead: {one}" for one in unexplained_deprecations(served)
    ]
    broken = broken_promises(file.read_text(), served) if file.exists() else []
    if write and breaking:
        broken = []
    for one in (*faults, *broken):
        show(one)
    if faults or broken:
        note(
            f"{RELEASED}: {len(broken)} changes break clients. Deprecate first; `--write --breaking` breaks on purpose."
        )
        raise typer.Exit(REFUSED)
    if write and not check:
        file.write_text(served)
    note(f"{RELEASED} written." if write and not check else f"Clients of {RELEASED} are served.")


@openapis.command("export")
def export_openapi(check: Check = False, write: Write = False) -> None:
    """The OpenAPI document, as rest_compat/openapi.json holds it."""
    from rest_compat.openapi import print_openapi

    _handle(_Snapshot(path="rest_compat/openapi.json", render=print_openapi), check=check, write=write)


@openapis.command("pages")
def export_pages(check: Check = False, write: Write = False) -> None:
    """A page for each operation of REST v1, as docs/rest/ holds them."""
    from rest_compat.page import index_page, operation_pages

    made = {"README.md": index_page(), **{f"{name}.md": text for name, text in operation_pages().items()}}
    if check or write:
        folder = _SOURCE / "docs" / "rest"
        for file in (one for one in folder.glob("*") if one.name not in made):
            if check:
                note(f"{file} belongs to no operation: run `make snapshots`.")
                raise typer.Exit(REFUSED)
            file.unlink()
    for name, text in made.items():
        _handle(_Snapshot(path=f"docs/rest/{name}", render=partial(str, text)), check=check, write=write)


def _handle(snapshot: _Snapshot, *, check: bool, write: bool) -> None:
    """Print what the code says, or compare it with the file, or write the file."""
    text, file = snapshot.render(), _SOURCE / snapshot.path
    if check:
        if not file.exists() or file.read_text() != text:
            note(f"{snapshot.path} is not what the code says: run `make snapshots`.")
            raise typer.Exit(REFUSED)
        note(f"{snapshot.path} is what the code says.")
    elif write:
        if not file.parent.is_dir():
            raise CommandRefused(f"{file.parent} does not exist: --write is for a checkout of the source.")
        file.write_text(text)
        note(f"{snapshot.path} written.")
    else:
        show(text.removesuffix("\n"))
