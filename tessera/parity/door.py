"""What the doors have in common: an answer for each row, and calls of an API that wait where they have to."""

import time
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from tessera.parity.scenario import Upload

SUCCESS = "000"
_TIMEOUT_S = 60.0
_TRIES = 10
# Too many requests, and a database that is away: with the same key it is safe to try again.
_LATER = frozenset({429, 503})


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """How one program is reached: the addresses of the deployment, and what it lets in."""

    program_id: int
    base_url: str
    client_id: str
    client_secret: str
    sftp_port: int
    username: str
    password: str
    host_key: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a door said to a row: its code, and the reason in words."""

    code: str
    message: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the row was taken."""
        return self.code == SUCCESS


class DoorFailed(Exception):
    """A door did not answer as its documentation says; the sentence tells what it did."""


class Door(Protocol):
    """A way into a program."""

    def send(self, upload: Upload) -> list[Answer]:
        """Send the rows, in their order; an answer for each. Raises DoorFailed."""

    def close(self) -> None:
        """Hang up."""


class Caller:
    """Calls of one program's API, with a token that is fetched when it is needed."""

    def __init__(self, account: Account) -> None:
        self._account = account
        # Plain HTTP on this machine: neither proxies nor certificates have a say.
        self._client = httpx2.Client(base_url=account.base_url, timeout=_TIMEOUT_S, trust_env=False, verify=False)
        self._token: str | None = None

    def call(self, method: str, path: str, **request: Any) -> Any:
        """The JSON that is answered. Raises DoorFailed."""
        for _ in range(_TRIES):
            response = self._send(method, path, **request)
            if response.status_code == httpx2.codes.UNAUTHORIZED:
                self._token = None
            elif response.status_code not in _LATER:
                return self._json(response)
            else:
                time.sleep(float(response.headers.get("Retry-After", "1")))
        raise DoorFailed(f"{method} {path} answered {response.status_code} again and again.")

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _send(self, method: str, path: str, **request: Any) -> httpx2.Response:
        if self._token is None:
            self._token = self._fetch_token()
        return self._client.request(method, path, headers={"Authorization": f"Bearer {self._token}"}, **request)

    def _fetch_token(self) -> str:
        credentials = {"client_id": self._account.client_id, "client_secret": self._account.client_secret}
        response = self._client.post("/oauth/Auth/Token", json={"grant_type": "client_credentials", **credentials})
        return str(self._json(response)["access_token"])

    def _json(self, response: httpx2.Response) -> Any:
        try:
            return response.json()
        except ValueError:
            raise DoorFailed(f"{response.request.url} answered {response.status_code}, and no JSON.") from None


def row_key(upload: Upload, index: int) -> str:
    """The idempotency key of a row that has none: file and line, by which files know their rows as well."""
    return f"parity {upload.place(index)}"
