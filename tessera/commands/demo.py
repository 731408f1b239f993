"""`demo`: the demo program, built from real purchases, then a server."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tessera.commands.batch import progress_bar
from tessera.commands.serving import ensure_schema, serve_settings
from tessera.console import begin, note, show
from tessera.locking import CommandRefused, only_server
from tessera.runtime import open_runtime, require_own_key
from tessera.settings import Settings


def demo(
    reset: Annotated[bool, typer.Option("--reset", help="Build a new demo program.")] = False,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop before serving.")] = False,
) -> None:
    """Migrate, build the demo program once, write demo.json, then serve."""
    from tessera.demo import DemoSummary, build_demo

    settings = begin()
    if settings.is_production:
        raise CommandRefused("TESSERA_ENV is production, which takes no demo data.")

    async def build() -> DemoSummary:
        async with open_runtime(settings) as runtime:
            await require_own_key(runtime)
            return await build_demo(runtime, reset=reset, progress=progress_bar)

    with only_server(settings):
        ensure_schema(settings)
        summary = asyncio.run(build())
        note(f"The demo stands: {summary.members:,} members, {summary.transactions:,} purchases.")
        note(f"Its credentials are in {summary.document}.")
        if not no_serve:
            text = what_to_try(settings, summary.details)
            serve_settings(settings, workers=1, everything=True, on_started=lambda: show(text))


def what_to_try(settings: Settings, details: Mapping[str, Any]) -> str:
    """Where to look, and calls that work as they stand in a shell on this machine."""
    base, members, sftp, portal = (details[name] for name in ("base_url", "members", "sftp", "portal"))
    where = f"{portal['setup_url']} (works once)" if portal["setup_url"] else portal["url"]
    json_headers = """-H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json'"""
    return f"""
Tessera serves the demo program.

  Where to look   {base}/          GraphiQL at {base}/graphql, REST operations at {base}/docs
  Portal          {where}
  Files           sftp -P {sftp["port"]} {sftp["username"]}@{sftp["host"]}
  Credentials     {settings.data_dir}/demo.json

In another terminal, a token first, then a balance, a redemption and the home screen of an app:

TOKEN=$(curl -s {base}/oauth/Auth/Token -d grant_type=client_credentials \\
  -d client_id={details["client_id"]} -d client_secret={details["client_secret"]} \\
  | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

curl -sw '\\n' {base}/v1/CheckAvailability {json_headers} \\
  -d '{{"RelationReference": "{members[0]}"}}'

curl -sw '\\n' {base}/v1/RedeemPoints {json_headers} \\
  -d '{{"RelationReference": "{members[0]}", "Points": 1, "MerchantName": "Gift shop", "LoyaltyTxnType": 30}}'

curl -sw '\\n' {base}/graphql {json_headers} \\
  -d '{{"query": "{HOME_SCREEN}", "variables": {{"reference": "{members[0]}"}}}}'

Ctrl-C stops the server; the data stays.
"""


# What the first screen of an app shows; without quotes inside, so that it fits into any shell.
HOME_SCREEN = (
    "query Home($reference: String!) { member(reference: $reference) { fullName "
    "balance { available nextExpiringPoints nextExpiryAt } "
    "ledger(first: 5) { edges { node { transactionDate kind points balanceAfter } } } } }"
)
