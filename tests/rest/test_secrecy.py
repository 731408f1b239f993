"""Codes and passwords stand nowhere in clear: not in the database, the logs, the answers or the errors."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy.engine import make_url

from domain.store.database import PostgresDatabase
from resolvers.delivery import deliver_messages
from tessera.log import configure_logging
from tessera.settings import load_settings
from tests.database import FreshDatabase
from tests.resolvers.mailbox import PASSWORD, Mailbox, wrong
from tests.rest.test_member_auth import CHECK, answering, asking, person
from tests.rest.world import World, open_world

WRONG = "a wrong password that is told to nobody"


@pytest.fixture
def _logging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Everything that anybody logs goes to standard error, as in a server that is told to say all."""
    monkeypatch.chdir(tmp_path)
    root, level = logging.getLogger(), logging.getLogger().level
    handlers = list(root.handlers)
    configure_logging(load_settings(log_level="debug", log_format="json"))
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def dumped(world: World, url: str, folder: Path) -> str:
    """All that the database holds, as it is stored."""
    text = str(await world.contents(without=""))
    if not isinstance(world.services.db, PostgresDatabase):
        file = Path(str(make_url(url).database))
        text += "".join(one.read_bytes().decode("latin-1") for one in file.parent.glob(f"{file.name}*"))
    return text


async def use_everything(world: World) -> tuple[list[str], str]:
    """Log in, right and wrong, and use codes; what was secret, and all answers."""
    reference, email = await person(world)
    answers = []
    for password in (WRONG, PASSWORD, WRONG):
        answers.append(await world.call(CHECK, {"UniquerefID": reference, "Password": password}))
    codes = []
    for suffix, unique in (("", email), ("ByRelationReference", reference)):
        key = {"Idempotency-Key": f"secret{suffix}"}
        answers.append(await world.call(f"GenerateOTP{suffix}", asking(unique, "FORGOTPWD"), headers=key))
        mailbox = Mailbox(failing=1)
        await deliver_messages(world.services, mailbox)
        world.clock[0] = world.clock[0].replace(second=(world.clock[0].second + 3) % 60)
        await deliver_messages(world.services, mailbox)
        codes.append(str(mailbox.messages[0].details["code"]))
        for code in (wrong(codes[-1]), codes[-1]):
            body = answering(unique, code, "FORGOTPWD")
            answers.append(await world.call(f"VerifyOTP{suffix}", body, headers=key))
        answers.append(await world.call(f"VerifyOTP{suffix}", answering(unique, codes[-1]) | {"OtpType": codes[-1]}))
    assert {one.status for one in answers} >= {200, 400, 401}
    return codes, "".join(str(one.body) + str(dict(one.headers)) for one in answers)


@pytest.mark.usefixtures("_logging")
async def test_no_secret_stands_anywhere_in_clear(
    fresh_database: FreshDatabase, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with fresh_database() as url:
        async with open_world(url, tmp_path) as world:
            codes, answered = await use_everything(world)
            stored = await dumped(world, url, tmp_path)
            assert await world.services.db.read(lambda tx: tx.dialect.name) in {"sqlite", "postgresql"}
            logged = "".join(capfd.readouterr())
    assert "message was not delivered" in logged
    for secret in (PASSWORD, WRONG):
        assert secret not in stored + logged + answered
    # Digits of a code may stand in a number by chance, so it is looked for as a word.
    for code in codes:
        for place in (stored, logged, answered):
            assert f"'{code}'" not in place
            assert f'"{code}"' not in place
            assert f" {code}" not in place
