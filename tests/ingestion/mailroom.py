"""Files that partners send, taken in by the inbox: in this process, one step after another, or by workers."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from domain.clock import system_clock
from ingestion.folder import ProgramFolder, program_folder
from ingestion.inbox import Inbox
from tests.ingestion.desk import Desk


@dataclass
class Watch:
    """The machine's clock, which can be put forward: files have the times that the machine gives them."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


@dataclass(frozen=True)
class Mailroom:
    """The folder of a desk's program, as a partner and as the platform sees it."""

    desk: Desk
    watch: Watch

    @property
    def folder(self) -> ProgramFolder:
        """The folder, made where it is not there."""
        folder = program_folder(self.desk.data_dir, self.desk.ctx.principal)
        folder.make()
        return folder

    def send(self, name: str, content: str | bytes, file_type: str | None = None) -> Path:
        """Put a file where a partner would; into the folder of its own type unless another one is named."""
        path = self.folder.upload(file_type or name.split(".")[0][-3:]) / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    async def drain(self) -> None:
        """Take and load everything that may be taken by now."""
        inbox = self.inbox()
        await inbox.pick_up()
        while await inbox.load_next():
            pass

    def inbox(self) -> Inbox:
        """The inbox as a worker has it that nobody disturbs."""
        return Inbox(self.desk.ctx, self.folder, yes, no_rest)

    @property
    def left(self) -> list[str]:
        """What lies outside the folders of things that are done, as paths."""
        places = (self.folder.root / "upload", self.folder.work)
        return sorted(str(path.relative_to(self.folder.root)) for one in places for path in one.rglob("*.*"))

    @property
    def processed(self) -> list[str]:
        """The names of the files that are done with."""
        return sorted(path.name for path in self.folder.processed.iterdir())

    def refusal(self, stem: str) -> str:
        """What was said about a file that was not processed."""
        return (self.desk.handback / f"{stem}.refused.summary.json").read_text()

    @property
    def handbacks(self) -> list[str]:
        """The names of what was handed back."""
        return sorted(path.name for path in self.desk.handback.iterdir())


async def yes() -> bool:
    return True


async def no_rest() -> None:
    return None
