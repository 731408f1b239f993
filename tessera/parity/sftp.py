"""The SFTP door: rows are a file, as a partner would upload it, and the answers are the handback."""

import csv
import io
import time
from collections.abc import Iterable

from paramiko import SFTPClient, Transport

from ingestion.columns.types import COLUMNS_OF
from tessera.parity.door import Account, Answer, DoorFailed
from tessera.parity.scenario import Upload

_LIMIT_S = 120.0
"""How long a file may stand without an answer."""
_LOOK_S = 0.1


class SftpDoor:
    """A session of a program's partner."""

    def __init__(self, account: Account) -> None:
        self._transport = Transport(("127.0.0.1", account.sftp_port))
        self._transport.connect(hostkey=account.host_key, username=account.username, password=account.password)
        session = SFTPClient.from_transport(self._transport)
        if session is None:
            raise DoorFailed("The SFTP server opened no session.")
        self._session = session

    def send(self, upload: Upload) -> list[Answer]:
        """Upload a file, wait for its handback and read that. Raises DoorFailed."""
        name = f"{upload.name}.csv"
        folder = f"upload/{upload.type}"
        self._session.putfo(io.BytesIO(file_of(upload)), f"{folder}/{name}.part")
        self._session.rename(f"{folder}/{name}.part", f"{folder}/{name}")
        self._await(upload)
        with self._session.open(f"handback/{upload.name}.result.csv") as file:
            rows = list(csv.DictReader(io.StringIO(file.read().decode(), newline="")))
        if len(rows) != len(upload.lines):
            raise DoorFailed(f"{name}: {len(rows)} rows were answered, of {len(upload.lines)}.")
        return [Answer(row["code"], row["message"]) for row in rows]

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _await(self, upload: Upload) -> None:
        """Wait until the summary is there, which is written last."""
        deadline = time.monotonic() + _LIMIT_S
        while time.monotonic() < deadline:
            found = set(self._session.listdir("handback"))
            if f"{upload.name}.refused.summary.json" in found:
                raise DoorFailed(f"{upload.name}.csv was refused: {self._refusal(upload)}")
            if f"{upload.name}.summary.json" in found:
                return
            time.sleep(_LOOK_S)
        raise DoorFailed(f"{upload.name}.csv had no answer within {_LIMIT_S:.0f} seconds.")

    def _refusal(self, upload: Upload) -> str:
        with self._session.open(f"handback/{upload.name}.refused.summary.json") as file:
            return file.read().decode()


def file_of(upload: Upload) -> bytes:
    """The rows as a file: the columns that any of them has, and those that a header must have."""
    kind = COLUMNS_OF[upload.type]
    header = list(dict.fromkeys((*kind.required, *kind.one_of[:1], *_columns(upload))))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([line.columns.get(column, "") for column in header] for line in upload.lines)
    return text.getvalue().encode()


def _columns(upload: Upload) -> Iterable[str]:
    return (column for line in upload.lines for column in line.columns)
