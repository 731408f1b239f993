"""A file that comes by hand, over the web: put where those that come over SFTP are, and taken like them."""

import fcntl
import os
from pathlib import Path

from domain.access import Permission
from domain.errors import BatchRefused
from ingestion.folder import program_folder
from ingestion.handback import REJECTS, SUFFIXES
from ingestion.naming import parse_file_name
from ingestion.sftp.limit import Limits
from ingestion.sftp.refusal import Refused
from ingestion.sftp.upload import UploadFolder
from resolvers.batch import Batch
from resolvers.context import Context


def receive_file(ctx: Context, data_dir: Path, name: str, file_type: str, body: bytes) -> None:
    """Put a file into the upload folder of its type, whole. For a thread.

    Raises Forbidden, SecondFactorNeeded, BatchRefused.
    """
    ctx.principal.require(Permission.BATCH_WRITE)
    ctx.principal.require_proof()
    named = parse_file_name(name, file_type)
    folder = program_folder(data_dir, ctx.principal)
    folder.make()
    place = UploadFolder(folder, named.type, Limits())
    try:
        file = place.open(named.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError as error:
        raise BatchRefused("a file of this name waits already", field="name") from error
    except Refused as refused:
        raise BatchRefused(str(refused), field="name") from refused
    try:
        place.refuse_full(file, len(body))
        with os.fdopen(os.dup(file), "wb") as out:
            out.write(body)
        place.finish(named.name, file)
    except Refused as refused:
        place.remove(named.name)
        raise BatchRefused(str(refused)) from refused
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
        os.close(file)


def find_handback(ctx: Context, data_dir: Path, batch: Batch, suffix: str) -> Path | None:
    """A file of the results of a batch, if it is there; lines as they came name people. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_READ)
    if suffix not in SUFFIXES:
        return None
    if suffix.endswith(REJECTS):
        ctx.principal.require(Permission.PERSONAL_INFORMATION)
    path = program_folder(data_dir, ctx.principal).handback / f"{batch.file_name.split('.', 1)[0]}.{suffix}"
    return path if path.is_file() and not path.is_symlink() else None


def list_handbacks(ctx: Context, data_dir: Path, batch: Batch) -> list[str]:
    """Which files of its results the caller may have, by what follows the name. Raises Forbidden."""
    visible = [one for one in SUFFIXES if ctx.sees_persons or not one.endswith(REJECTS)]
    return [one for one in visible if find_handback(ctx, data_dir, batch, one) is not None]
