"""Files that are refused whole: told in the list of files, and in a handback of their own."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import orjson

from domain.errors import BatchRefused
from ingestion.handback import summary_bytes
from ingestion.naming import safe_stem
from ingestion.whole import whole_file
from resolvers.batch import Batch, BatchTotals
from resolvers.batch_refusal import refuse_file
from resolvers.context import Context

_NOTHING = BatchTotals(awarded=Decimal(0), taken=Decimal(0), rejected_by_code={})


async def tell_refusal(ctx: Context, folder: Path, name: str, file_type: str, refusal: BatchRefused) -> None:
    """Say in the list of files and in the handback folder that a file was not processed, and why.

    `file_type`: empty where nobody knows. Raises Forbidden.
    """
    refused = await refuse_file(ctx, name, file_type, refusal)
    await asyncio.to_thread(write_refusal, folder, name, refused)


def write_refusal(folder: Path, name: str, refused: Batch) -> None:
    """Say it in the handback folder.

    Under a name of its own: neither the handback of the file that was loaded under this name, nor that of another
    one that was refused, is lost. The same refusal again takes the place of the first.
    """
    with whole_file(next(path for path in _paths(folder, name) if _is_free(path, refused))) as file:
        file.write(summary_bytes(refused, _NOTHING, ()))


def forget_refusals(folder: Path, name: str) -> None:
    """Remove what was said about files of this name that were refused: one was loaded since."""
    for path in _paths(folder, name):
        if not path.exists():
            return
        path.unlink(missing_ok=True)


def _paths(folder: Path, name: str) -> Iterator[Path]:
    stem = safe_stem(name)
    yield folder / f"{stem}.refused.summary.json"
    number = 2
    while True:
        yield folder / f"{stem}.refused.{number}.summary.json"
        number += 1


def _is_free(path: Path, refused: Batch) -> bool:
    try:
        told = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return True
    except orjson.JSONDecodeError:
        return False
    return (told.get("file"), told.get("message")) == (refused.file_name, refused.message)
