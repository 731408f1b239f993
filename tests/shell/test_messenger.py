"""Carriers of messages: a real mail server, a real gateway, the file of a sandbox, and none of it in production."""

import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from resolvers.messenger import Outgoing
from tessera.messenger import NotDelivered, build_messenger, otp_outbox
from tessera.settings import Settings, SettingsRefused, load_settings
from tests.ports import free_port

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "k" * 32
MESSAGE = Outgoing(
    program_id=7,
    message_id=42,
    attempt=1,
    channel="email",
    event="OTP.LOGIN",
    language="en",
    to="ada@example.com",
    subject="Ihr Code für heute",
    body="Code: 123456 — fünf Minuten",
    details={"code": "123456", "otp_type": "LOGIN", "relation_reference": "M-1"},
)


def text_message(**changes: Any) -> Outgoing:
    given = {name: getattr(MESSAGE, name) for name in Outgoing.__dataclass_fields__}
    return Outgoing(**given | {"channel": "sms", "to": "+491511234567", "subject": ""} | changes)


@dataclass
class Inbox:
    """The handler of a mail server that keeps what it is handed; `refuses` answers that go before."""

    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    refuses: int = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refuses:
            self.refuses -= 1
            return "451 try again"
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((list(envelope.rcpt_tos), mail))
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss", handled=True)


@contextmanager
def mail_server(inbox: Inbox, *, auth: bool = False) -> Iterator[int]:
    options: dict[str, Any] = {}
    if auth:
        options = {"auth_required": True, "auth_require_tls": False, "authenticator": inbox.authenticate}
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield int(controller.port)
    finally:
        controller.stop()


@dataclass
class Posted:
    """What a gateway was posted, and what it answers."""

    status: int = 200
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


@contextmanager
def gateway(posted: Posted) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - the standard library's name
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            posted.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(posted.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/sms?key=secret"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings_of(folder: Path, env: str = "production", **more: Any) -> Settings:
    return load_settings(env=env, data_dir=folder / "var", secret_key=KEY, **more)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_mail_server_takes_an_email(tmp_path: Path) -> None:
    inbox = Inbox()
    with mail_server(inbox, auth=True) as port:
        settings = settings_of(
            tmp_path, smtp_url=f"smtp://shop:p%40ss@127.0.0.1:{port}", mail_from="The Shop <codes@shop.example>"
        )
        await build_messenger(settings).deliver(MESSAGE, AT)
    [(to, mail)] = inbox.mails
    assert (to, inbox.logins) == (["ada@example.com"], [(b"shop", b"p@ss")])
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "The Shop <codes@shop.example>",
        "ada@example.com",
        MESSAGE.subject,
    )
    assert mail["Message-ID"] == "<7.42@shop.example>"
    assert mail.get_content().strip() == MESSAGE.body


async def test_an_email_that_the_server_refuses_is_not_delivered(tmp_path: Path) -> None:
    inbox = Inbox(refuses=1)
    with mail_server(inbox) as port:
        settings = settings_of(tmp_path, smtp_url=f"smtp://127.0.0.1:{port}", mail_from="codes@shop.example")
        messenger = build_messenger(settings)
        with pytest.raises(Exception, match="try again"):
            await messenger.deliver(MESSAGE, AT)
        await messenger.deliver(MESSAGE, AT)
    assert len(inbox.mails) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_mail_server_without_tls_is_not_told_a_password_that_wants_it(tmp_path: Path) -> None:
    inbox = Inbox()
    with mail_server(inbox, auth=True) as port:
        url = f"smtp+starttls://shop:p%40ss@127.0.0.1:{port}"
        settings = settings_of(tmp_path, smtp_url=url, mail_from="codes@shop.example")
        with pytest.raises(Exception, match="STARTTLS"):
            await build_messenger(settings).deliver(MESSAGE, AT)
    assert inbox.logins == []


async def test_an_address_that_reads_as_two_gets_nothing(tmp_path: Path) -> None:
    inbox = Inbox()
    with mail_server(inbox) as port:
        settings = settings_of(tmp_path, smtp_url=f"smtp://127.0.0.1:{port}", mail_from="codes@shop.example")
        two = text_message(channel="email", to="ada,eve@example.com")
        with pytest.raises(ValueError, match="addr_spec"):
            await build_messenger(settings).deliver(two, AT)
    assert inbox.mails == []


async def test_a_gateway_is_posted_a_text_message(tmp_path: Path) -> None:
    posted = Posted()
    with gateway(posted) as url:
        settings = settings_of(
            tmp_path,
            sms_url=url,
            sms_body='{"messages": [{"dest": "{to}", "content": {"text": "{text}"}, "flash": false}], "ref": "{id}"}',
            sms_authorization="Bearer abc",
        )
        await build_messenger(settings).deliver(text_message(body='say "{to}"'), AT)
    [(path, headers, body)] = posted.requests
    assert path == "/sms?key=secret"
    assert (headers["authorization"], headers["idempotency-key"]) == ("Bearer abc", "7.42")
    message = {"dest": "+491511234567", "content": {"text": 'say "{to}"'}, "flash": False}
    assert body == {"messages": [message], "ref": "7.42"}


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_a_text_message_that_the_gateway_refuses_is_not_delivered(tmp_path: Path, status: int) -> None:
    posted = Posted(status=status)
    with gateway(posted) as url:
        messenger = build_messenger(settings_of(tmp_path, sms_url=url))
        with pytest.raises(NotDelivered, match=str(status)) as refused:
            await messenger.deliver(text_message(), AT)
    assert len(posted.requests) == 1
    assert "secret" not in str(refused.value)


async def test_a_sandbox_writes_a_file_for_people(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, env="sandbox")
    messenger = build_messenger(settings)
    await messenger.deliver(MESSAGE, AT)
    await messenger.deliver(text_message(), AT)
    file = otp_outbox(settings)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["channel"] for line in lines] == ["email", "sms"]
    assert lines[0] == {
        "at": "2026-03-01T12:00:00+00:00",
        "program_id": 7,
        "message_id": 42,
        "channel": "email",
        "event": "OTP.LOGIN",
        "language": "en",
        "to": "ada@example.com",
        "subject": MESSAGE.subject,
        "body": MESSAGE.body,
        "code": "123456",
        "otp_type": "LOGIN",
        "relation_reference": "M-1",
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_sandbox_tries_its_gateway_as_well_and_writes_one_line(tmp_path: Path) -> None:
    posted = Posted(status=500)
    with gateway(posted) as url:
        settings = settings_of(tmp_path, env="sandbox", sms_url=url)
        messenger = build_messenger(settings)
        with pytest.raises(NotDelivered):
            await messenger.deliver(text_message(), AT)
        posted.status = 200
        await messenger.deliver(text_message(attempt=2), AT)
    assert len(posted.requests) == 2
    assert len(otp_outbox(settings).read_text().splitlines()) == 1


async def test_without_an_address_it_is_for_the_file_only(tmp_path: Path) -> None:
    posted = Posted()
    with gateway(posted) as url:
        settings = settings_of(tmp_path, env="sandbox", sms_url=url)
        await build_messenger(settings).deliver(text_message(to=None), AT)
    assert posted.requests == []
    assert json.loads(otp_outbox(settings).read_text())["to"] is None


async def test_production_writes_no_file_and_says_that_nothing_carries(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with pytest.raises(NotDelivered, match="nothing carries email"):
        await build_messenger(settings).deliver(MESSAGE, AT)
    assert not otp_outbox(settings).exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "http://user:hidden@host"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://host:port"),
        ("MAIL_FROM", "nobody"),
        ("SMS_URL", "ftp://user:hidden@host"),
        ("SMS_BODY", "[]"),
        ("SMS_BODY", '{"to": "{to}"}'),
        ("SMS_BODY", "{to} {text}"),
    ],
)
def test_a_gateway_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TESSERA_{name}", value)
    with pytest.raises(SettingsRefused) as refused:
        load_settings()
    assert str(refused.value).startswith(f"TESSERA_{name} must be ")
    assert "hidden" not in str(refused.value)


def test_a_mail_server_needs_a_sender() -> None:
    with pytest.raises(SettingsRefused, match="TESSERA_MAIL_FROM must be set"):
        load_settings(smtp_url="smtp://localhost")
