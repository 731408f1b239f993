"""The carriers of messages to members: a mail server, a text gateway, and in a sandbox a file that people read."""

import asyncio
import os
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol

import httpx2
import orjson

from domain.message import EMAIL, SMS
from resolvers.messenger import Outgoing
from tessera.data_folder import ensure_data_dir
from tessera.gateway import MailServer, fill_body, read_sender, read_sms_body, read_smtp_url
from tessera.settings import Settings

OUTBOX_FILE = "otp_outbox.jsonl"
LIMIT_S = 10.0
"""How long a mail server or a gateway may take over one step."""


class NotDelivered(Exception):
    """A message could not be handed on."""


class Carrier(Protocol):
    """Hands a message on by one channel."""

    async def carry(self, message: Outgoing, to: str, at: datetime) -> None:
        """Hand it on; any error means that it was not."""


@dataclass(frozen=True, slots=True)
class ChannelMessenger:
    """Hands messages to the carrier of their channel, and in a sandbox writes them into a file as well."""

    carriers: dict[str, Carrier]
    file: "FileCarrier | None"

    async def deliver(self, message: Outgoing, at: datetime) -> None:
        """Deliver a message. Raises NotDelivered, and whatever the carrier raises."""
        if self.file is not None and message.attempt == 1:
            await self.file.append(message, at)
        carrier = self.carriers.get(message.channel)
        if carrier is not None and message.to is not None:
            await carrier.carry(message, message.to, at)
        elif self.file is None:
            raise NotDelivered(f"nothing carries {message.channel}")


def build_messenger(settings: Settings) -> ChannelMessenger:
    """The messenger of a deployment. The file is for a sandbox only."""
    carriers: dict[str, Carrier] = {}
    if settings.smtp_url is not None and settings.mail_from is not None:
        server = read_smtp_url(settings.smtp_url.get_secret_value())
        carriers[EMAIL] = MailCarrier(server, read_sender(settings.mail_from))
    if settings.sms_url is not None:
        authorization = settings.sms_authorization
        secret = None if authorization is None else authorization.get_secret_value()
        carriers[SMS] = GatewayCarrier(settings.sms_url.get_secret_value(), read_sms_body(settings.sms_body), secret)
    return ChannelMessenger(carriers, None if settings.is_production else FileCarrier(settings))


def otp_outbox(settings: Settings) -> Path:
    """Where a sandbox writes messages."""
    return (settings.data_dir / OUTBOX_FILE).absolute()


@dataclass(frozen=True, slots=True)
class FileCarrier:
    """Appends messages to a file of a sandbox, one JSON object a line; for its owner alone."""

    settings: Settings

    async def append(self, message: Outgoing, at: datetime) -> None:
        """Append a message."""
        line = {
            "at": at.isoformat(),
            "program_id": message.program_id,
            "message_id": message.message_id,
            "channel": message.channel,
            "event": message.event,
            "language": message.language,
            "to": message.to,
            "subject": message.subject,
            "body": message.body,
            **message.details,
        }
        await asyncio.to_thread(self._append, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def _append(self, line: bytes) -> None:
        ensure_data_dir(self.settings)
        # In one write at the end of the file, so that lines of several processes do not mix.
        descriptor = os.open(otp_outbox(self.settings), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True, repr=False)
class MailCarrier:
    """Hands e-mails to a mail server."""

    server: MailServer
    sender: Address

    async def carry(self, message: Outgoing, to: str, at: datetime) -> None:
        """Hand an e-mail on."""
        mail = EmailMessage()
        mail["From"] = self.sender
        mail["To"] = Address(addr_spec=to)
        mail["Subject"] = message.subject
        mail["Date"] = at
        # The same each time that a message is tried, so that a mailbox can tell a repeat.
        mail["Message-ID"] = f"<{message.program_id}.{message.message_id}@{self.sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        await asyncio.to_thread(self._hand_over, mail, to)

    def _hand_over(self, mail: EmailMessage, to: str) -> None:
        with self._connect() as smtp:
            if self.server.scheme == "smtp+starttls":
                smtp.starttls(context=ssl.create_default_context())
            if self.server.user is not None:
                smtp.login(self.server.user, self.server.password or "")
            # To whom it goes is what the member has as its address, however the header may be read.
            smtp.send_message(mail, to_addrs=[to])

    def _connect(self) -> smtplib.SMTP:
        where = (self.server.host, self.server.port)
        if self.server.scheme == "smtps":
            return smtplib.SMTP_SSL(*where, timeout=LIMIT_S, context=ssl.create_default_context())
        return smtplib.SMTP(*where, timeout=LIMIT_S)


@dataclass(frozen=True, slots=True, repr=False)
class GatewayCarrier:
    """Posts text messages to a gateway, as JSON; any answer but 2xx means that it did not take them."""

    url: str
    body: dict[str, Any]
    authorization: str | None
    # To read the machine's certificates takes longer than all the rest.
    trusted: ssl.SSLContext = field(default_factory=ssl.create_default_context, compare=False)

    async def carry(self, message: Outgoing, to: str, at: datetime) -> None:
        """Post a text message. Raises NotDelivered."""
        name = f"{message.program_id}.{message.message_id}"
        headers = {"Idempotency-Key": name}
        if self.authorization is not None:
            headers["Authorization"] = self.authorization
        filled = fill_body(self.body, {"to": to, "text": message.body, "id": name})
        async with httpx2.AsyncClient(timeout=LIMIT_S, follow_redirects=False, verify=self.trusted) as client:
            answer = await client.post(self.url, json=filled, headers=headers)
        if not answer.is_success:
            raise NotDelivered(f"the gateway answered {answer.status_code}")
