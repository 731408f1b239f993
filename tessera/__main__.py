"""`python -m tessera`."""

from tessera.cli import app

app(prog_name="tessera")
