"""How much of a campaign to run: all of it when asked for, a twentieth in the everyday run."""

import os

long_run: bool = os.environ.get("TESSERA_TEST_LONG") == "1"


def scaled(count: int) -> int:
    """The number of cases to run where an acceptance list asks for `count`."""
    return count if long_run else max(1, -(-count // 20))
