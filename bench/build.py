"""`python -m bench.build URL [--members N] [--entries N]`: a database as large as one likes, for B8 and for trying.

The rows are those that the product itself would have written, so that `tessera ledger verify` holds. The program has
the rules of the benchmarks, members `M-1` to `M-N` have a like past each: what is not spent of their entries are lots.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench.load import load
from bench.population import Past
from bench.rules import configuration
from domain.migrations import upgrade
from tests.servers import SECRET, Deployment

PREFIX = "M-"
_OPEN_LOTS = 6


def main() -> None:
    """Build it in the empty database that is named, and say what it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.build", description=__doc__)
    parser.add_argument("url", help="sqlite+aiosqlite:///FILE or postgresql+asyncpg://…, an empty database")
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--entries", type=int, default=10_000_000, help="ledger postings in all")
    parser.add_argument("--secret", default=SECRET, help="TESSERA_SECRET_KEY of who will serve it")
    given = parser.parse_args()
    upgrade(given.url)
    issued = Deployment(given.url, Path.cwd()).create_program("Large", json.dumps(configuration()).encode())
    began = time.monotonic()
    load(given.url, given.secret, pasts(given.members, given.entries))
    took_s = time.monotonic() - began
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{given.members:,} members, {given.entries:,} entries in {took_s:,.0f} s")
    console.print(f"client_id={issued.client_id} client_secret={issued.client_secret}")


def pasts(members: int, entries: int) -> Iterator[Past]:
    """Members whose entries are that many together: earned, and spent but for the newest lots."""
    each, more = divmod(entries, members)
    for number in range(1, members + 1):
        count = each + (number <= more)
        spent = max(0, count - _OPEN_LOTS) // 2
        yield Past(f"{PREFIX}{number}", open_lots=count - 2 * spent, spent_lots=spent)


if __name__ == "__main__":
    main()
