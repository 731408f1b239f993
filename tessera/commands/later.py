"""Commands whose names are fixed and whose capabilities are due with a later version."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.console import not_yet


def parity(file: Annotated[Path, typer.Argument(help="A parity file.")]) -> None:
    """Compare this deployment with another, from a file."""
    not_yet(f"The parity kit ({file}) is")
