"""`python -m tests.rest.golden --write`: write the golden files from what the code answers; without, compare."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.database import migrated_sqlite, sqlite_url
from tests.rest.golden.all_cases import CASES
from tests.rest.golden.case import FOLDER
from tests.rest.golden.play import play, printed
from tests.rest.world import open_world


async def _texts() -> dict[Path, str]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_world(sqlite_url(migrated_sqlite(Path(folder))), Path(folder)) as world:
            return {case.file: printed(await play(case, world)) for case in CASES}


def _main(*, write: bool) -> int:
    texts = asyncio.run(_texts())
    strays = set(FOLDER.glob("*/*.json")) - texts.keys()
    differing = {file for file, text in texts.items() if not file.exists() or file.read_text("utf-8") != text}
    for file in sorted(strays | differing):
        sys.stdout.write(f"{file.relative_to(FOLDER)} {'written' if write else 'differs'}\n")
        if write and file in strays:
            file.unlink()
        elif write:
            file.parent.mkdir(exist_ok=True)
            file.write_text(texts[file], "utf-8")
    return 0 if write or not strays | differing else 1


if __name__ == "__main__":
    sys.exit(_main(write="--write" in sys.argv[1:]))
