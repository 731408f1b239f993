"""Names in the environment and `.env` that are like settings and are none."""

import difflib
import os
from collections.abc import Set
from pathlib import Path

from dotenv import dotenv_values

# Settings of the tests, which no start of the product looks at.
_FOREIGN_PREFIX = "TESSERA_TEST_"


def unknown_setting(known: Set[str], prefix: str, env_file: str) -> str | None:
    """A sentence about the first name that is no setting; None where all are known.

    A misspelled name would silently fall back to a default, which for some is the wrong database.
    """
    given = [*os.environ, *(dotenv_values(env_file) if Path(env_file).is_file() else {})]
    for name in sorted({name.upper() for name in given} - known):
        if name.startswith(prefix) and not name.startswith(_FOREIGN_PREFIX):
            closest = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
            return f"{name} is not a setting of Tessera" + (f"; did you mean {closest[0]}?" if closest else ".")
    return None
