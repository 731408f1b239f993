"""The folder of a program's files: what partners see of it, and what is the platform's own."""

from dataclasses import dataclass
from pathlib import Path

from domain.access import Principal
from ingestion.naming import FILE_TYPES

FOLDER_MODE = 0o700

UPLOAD, HANDBACK, DOWNLOAD, PROCESSED = "upload", "handback", "download", "processed"
VISIBLE = (UPLOAD, HANDBACK, DOWNLOAD, PROCESSED)
"""What a partner sees: files to be taken, with a folder for each type; results; exports; files that were taken."""


@dataclass(frozen=True, slots=True)
class ProgramFolder:
    """The folder of one program in one environment: a partner's root has `VISIBLE` of it and nothing else."""

    root: Path

    @property
    def handback(self) -> Path:
        """Where results are put."""
        return self.root / HANDBACK

    @property
    def download(self) -> Path:
        """Where exports are put."""
        return self.root / DOWNLOAD

    @property
    def processed(self) -> Path:
        """Where files lie that were taken, until their time is over."""
        return self.root / PROCESSED

    @property
    def work(self) -> Path:
        """What nobody but the platform sees, on the same file system: files in the making."""
        return self.root / "work"

    def upload(self, file_type: str) -> Path:
        """Where files of a type are put to be taken."""
        return self.root / UPLOAD / file_type

    def unfinished(self, file_type: str, name: str) -> Path:
        """Stands for as long as a client has not closed the upload of this name: the file is not taken then.

        A connection that breaks leaves it there, and with it what came, for the client to go on with. Who writes the
        file holds its lock (`flock`), and so does who takes it away: nobody writes into what was taken.
        """
        return self.work / "unfinished" / file_type / name

    def taken(self, file_type: str) -> Path:
        """Where a file lies that was taken out of `upload`, before it is a batch or refused."""
        return self.work / "taken" / file_type

    @property
    def batches(self) -> Path:
        """Where the files of batches lie that have not ended: each in a folder named by the number of its batch."""
        return self.work / "batch"

    def make(self) -> None:
        """Make what is not there yet."""
        uploads = [self.upload(file_type) for file_type in FILE_TYPES]
        marks = [self.unfinished(file_type, "name").parent for file_type in FILE_TYPES]
        taken = [self.taken(file_type) for file_type in FILE_TYPES]
        own = (self.work, self.batches, *marks, *taken)
        for folder in (*uploads, self.handback, self.download, self.processed, *own):
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def program_folder(data_dir: Path, principal: Principal) -> ProgramFolder:
    """The folder of the principal's program in its environment."""
    return ProgramFolder(data_dir / "files" / f"{principal.public_program_id}-{principal.environment}")
