"""Visits to a partner's server: each file comes once, results are brought, and what fails is tried again."""

import json
import os
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import paramiko
import pytest
from sqlalchemy import select

from domain.access import PROGRAM_PERMISSIONS
from domain.errors import BadRequest, Forbidden, RedemptionNotFound
from domain.models import partner_server
from domain.partner_server import PartnerSecret
from ingestion.visit import pull as pull_module
from ingestion.visit.visitor import visit_due
from resolvers.partner_server import (
    KnownServer,
    claim_visit,
    list_partner_servers,
    remove_partner_server,
    request_visit,
    save_partner_server,
)
from tests.ingestion.desk import MEMBERS, RULES, new_program, points_of, transactions
from tests.ingestion.mailroom import Mailroom
from tests.ingestion.partner_host import PASSWORD, Host, new_key, paramiko_host

HERE = [ip_network("127.0.0.0/8")]
SPENT = transactions("T1,DR,5,2026-07-01,M1,MUSIC", "T2,DR,7,2026-07-01,NOBODY,MUSIC")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A partner's server with empty folders."""
    root = tmp_path / "partner" / "files"
    for folder in ("out/members", "out/purchases", "in", "done"):
        (root / folder).mkdir(parents=True)
    with paramiko_host(root) as opened:
        yield opened


async def visit(mailroom: Mailroom, *, later: timedelta = timedelta()) -> KnownServer:
    """Visit the server that is due after this time; how it stands."""
    mailroom.watch.ahead += later
    ctx = mailroom.desk.ctx
    assert await visit_due(ctx.services, mailroom.desk.data_dir, HERE) == 1
    [known] = await list_partner_servers(ctx)
    return known


async def again(mailroom: Mailroom) -> KnownServer:
    """Visit at once."""
    await request_visit(mailroom.desk.ctx, "Bank")
    return await visit(mailroom)


async def test_files_are_fetched_loaded_and_answered(mailroom: Mailroom, host: Host) -> None:
    host.put("out/members/July_CPD.csv", MEMBERS)
    host.put("out/purchases/July_TXN.csv", SPENT)
    host.put("out/purchases/August_TXN.csv.part", SPENT)
    await save_partner_server(mailroom.desk.ctx, host.server, host.secret)
    known = await visit(mailroom)
    assert (known.outcome, known.failures) == ("2 fetched, 0 brought", 0)
    await mailroom.drain()
    assert await points_of(mailroom.desk) == {"M1": (5, 0)}
    assert (await visit(mailroom, later=timedelta(minutes=16))).outcome == "0 fetched, 6 brought"
    assert host.names("in") == [
        f"July_{kind}.{part}" for kind in ("CPD", "TXN") for part in ("rejects.csv", "result.csv", "summary.json")
    ]
    assert json.loads((host.root / "in/July_TXN.summary.json").read_text())["rejected"] == 1
    assert (await visit(mailroom, later=timedelta(minutes=16))).outcome == "0 fetched, 0 brought"
    assert host.names("out/purchases") == ["August_TXN.csv.part", "July_TXN.csv"]


async def test_what_comes_again_is_not_fetched_again(mailroom: Mailroom, host: Host) -> None:
    path = host.put("out/members/July_CPD.csv", MEMBERS)
    await save_partner_server(mailroom.desk.ctx, host.server, host.secret)
    assert (await visit(mailroom)).outcome == "1 fetched, 0 brought"
    await mailroom.drain()
    os.utime(path, (1_000_000, 1_000_000))
    host.put("out/members/Other_CPD.csv", MEMBERS)
    assert (await again(mailroom)).outcome == "0 fetched, 3 brought"
    await mailroom.drain()
    assert mailroom.processed == ["July_CPD.csv"]
    assert not any("refused" in name for name in mailroom.handbacks)


@pytest.mark.parametrize(("after", "folder", "left"), [("DELETE", None, []), ("MOVE", "done", [])])
async def test_what_was_fetched_goes_where_it_is_to_go(
    mailroom: Mailroom, host: Host, after: Any, folder: str | None, left: list[str]
) -> None:
    host.put("out/members/July_CPD.csv", MEMBERS)
    host.put("out/members/no type.csv", MEMBERS)
    server = replace(host.server, after_fetch=after, moved_folder=folder)
    await save_partner_server(mailroom.desk.ctx, server, host.secret)
    await visit(mailroom)
    await mailroom.drain()
    # What was not fetched stays, and is told of.
    assert host.names("out/members") == ["no type.csv", *left]
    assert host.names("done") == (["July_CPD.csv"] if folder else [])
    assert "a file name is" in mailroom.refusal("no_type")
    assert mailroom.processed == ["July_CPD.csv"]


async def test_a_checksum_comes_before_its_file(mailroom: Mailroom, host: Host) -> None:
    host.put("out/members/July_CPD.csv", MEMBERS)
    host.put("out/members/July_CPD.csv.sha256", "0" * 64)
    await save_partner_server(mailroom.desk.ctx, host.server, host.secret)
    assert (await visit(mailroom)).outcome == "1 fetched, 0 brought"
    await mailroom.drain()
    assert "its checksum file says 0000" in mailroom.refusal("July_CPD")


@pytest.mark.parametrize("step", ["_download", "_look", "_hand_over", "_tidy"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_visitor_that_is_killed_is_gone_on_from(
    mailroom: Mailroom, host: Host, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    class Killed(BaseException):
        pass

    host.put("out/members/July_CPD.csv", MEMBERS)
    await save_partner_server(mailroom.desk.ctx, replace(host.server, after_fetch="DELETE"), host.secret)
    owner: Any = pull_module if step == "_look" else pull_module.Pull
    good = getattr(owner, step)

    def killed(*given: Any) -> Any:
        if after:
            good(*given)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, killed)
        with pytest.raises(Killed):
            await visit_due(mailroom.desk.ctx.services, mailroom.desk.data_dir, HERE)
    # Nobody else goes there while it may still be there.
    assert await claim_visit(mailroom.desk.ctx.services) is None
    await visit(mailroom, later=timedelta(minutes=3))
    await mailroom.drain()
    assert host.names("out/members") == []
    assert mailroom.processed == ["July_CPD.csv"]
    assert not any("refused" in name for name in mailroom.handbacks)
    assert mailroom.desk.summary("July_CPD")["accepted"] == 20


async def test_a_result_that_changed_is_brought_again(mailroom: Mailroom, host: Host) -> None:
    mailroom.send("July_CPD.csv", "")
    await mailroom.drain()
    await save_partner_server(mailroom.desk.ctx, host.server, host.secret)
    assert (await visit(mailroom)).outcome == "0 fetched, 1 brought"
    first = (host.root / "in/July_CPD.refused.summary.json").read_text()
    # The same refusal takes the place of the first.
    mailroom.send("July_CPD.csv", "")
    await mailroom.drain()
    assert (await again(mailroom)).outcome == "0 fetched, 1 brought"
    assert host.names("in") == ["July_CPD.refused.summary.json"]
    assert (host.root / "in/July_CPD.refused.summary.json").read_text() != first


async def test_exports_are_brought_where_they_belong(mailroom: Mailroom, host: Host) -> None:
    (mailroom.folder.download / "members.csv").write_text("relation_reference\n")
    await save_partner_server(mailroom.desk.ctx, replace(host.server, download_folder="done"), host.secret)
    assert (await visit(mailroom)).outcome == "0 fetched, 1 brought"
    assert (host.root / "done/members.csv").read_text() == "relation_reference\n"


@pytest.mark.parametrize(
    ("terms", "secret", "reason"),
    [
        ({"host_key": new_key()[1]}, None, "another host key"),
        ({"host_key": "SHA256:" + "A" * 43}, None, "another host key"),
        ({}, PartnerSecret(password="wrong"), "does not let partner in"),
        ({}, PartnerSecret(private_key=new_key()[0]), "does not let partner in"),
        ({"port": 1}, None, "does not answer"),
        ({"host": "nobody.invalid"}, None, "has no address"),
        ({"pull": {"CPD": "nowhere"}}, None, "FileNotFoundError"),
    ],
)
async def test_a_visit_that_fails_is_tried_again_later_and_later(
    mailroom: Mailroom, host: Host, terms: dict[str, Any], secret: PartnerSecret | None, reason: str
) -> None:
    host.put("out/members/July_CPD.csv", MEMBERS)
    await save_partner_server(mailroom.desk.ctx, replace(host.server, **terms), secret or host.secret)
    waits = []
    for failures in (1, 2, 3):
        known = await visit(mailroom, later=timedelta(minutes=20))
        assert reason in str(known.outcome)
        assert PASSWORD not in str(known.outcome)
        assert known.failures == failures
        waits.append(round((known.next_visit_at - mailroom.watch()).total_seconds() / 60))
        assert await visit_due(mailroom.desk.ctx.services, mailroom.desk.data_dir, HERE) == 0
    assert waits == [1, 2, 4]
    assert mailroom.left == []
    await save_partner_server(mailroom.desk.ctx, host.server, host.secret)
    assert (await visit(mailroom)).outcome == "1 fetched, 0 brought"


async def test_a_fingerprint_will_do_for_the_host_key(mailroom: Mailroom, host: Host) -> None:
    kind, text = host.server.host_key.split(" ")
    fingerprint = paramiko.PKey.from_type_string(kind, b64decode(text)).fingerprint
    await save_partner_server(mailroom.desk.ctx, replace(host.server, host_key=fingerprint), host.secret)
    assert (await visit(mailroom)).outcome == "0 fetched, 0 brought"


async def test_a_program_leads_nobody_into_the_platforms_own_network(mailroom: Mailroom, host: Host) -> None:
    ctx = mailroom.desk.ctx
    for name in ("127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1", "64:ff9b::a00:1"):
        await save_partner_server(ctx, replace(host.server, host=name), host.secret)
        assert await visit_due(ctx.services, mailroom.desk.data_dir, []) == 1
        [known] = await list_partner_servers(ctx)
        assert "is in a network that is not visited" in str(known.outcome), name


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"host": "a;b"}, "host"),
        ({"port": 0}, "port"),
        ({"username": ""}, "username"),
        ({"host_key": "nonsense"}, "hostKey"),
        ({"pull": {"XYZ": "a"}}, "pull"),
        ({"pull": {"CPD": "a", "TXN": "a"}}, "pull"),
        ({"handback_folder": "a\nb"}, "handbackFolder"),
        ({"after_fetch": "MOVE"}, "movedFolder"),
        ({"after_fetch": "MOVE", "moved_folder": "out/members"}, "movedFolder"),
        ({"every_minutes": None}, "everyMinutes"),
        ({"every_minutes": 0}, "everyMinutes"),
    ],
)
async def test_a_server_that_cannot_be_is_refused(
    mailroom: Mailroom, host: Host, terms: dict[str, Any], field: str
) -> None:
    before = await mailroom.desk.counts()
    with pytest.raises(BadRequest) as refused:
        await save_partner_server(mailroom.desk.ctx, replace(host.server, **terms), host.secret)
    assert refused.value.field == field
    for secret in (None, PartnerSecret(), PartnerSecret(password="a", private_key="b"), PartnerSecret(private_key="b")):
        with pytest.raises(BadRequest):
            await save_partner_server(mailroom.desk.ctx, host.server, secret)
    assert await mailroom.desk.counts() == before


async def test_the_secret_is_kept_encrypted_and_is_for_administrators(mailroom: Mailroom, host: Host) -> None:
    ctx = mailroom.desk.ctx
    await save_partner_server(ctx, host.server, host.secret)
    stored = await ctx.read(lambda tx: tx.execute(select(partner_server)).one())
    assert PASSWORD.encode() not in stored.secret
    assert PASSWORD not in str(stored.terms)
    # Without another one it keeps the one it has.
    await save_partner_server(ctx, replace(host.server, every_minutes=60), None)
    assert (await visit(mailroom)).failures == 0
    server = replace(ctx, principal=replace(ctx.principal, permissions=PROGRAM_PERMISSIONS))
    other = await new_program(ctx.services, RULES, "Other")
    before = await mailroom.desk.counts()
    for refused in (
        save_partner_server(server, host.server, None),
        request_visit(server, "Bank"),
        remove_partner_server(server, "Bank"),
        list_partner_servers(server),
    ):
        with pytest.raises(Forbidden):
            await refused
    for absent in (request_visit(other, "Bank"), remove_partner_server(other, "Bank")):
        with pytest.raises(RedemptionNotFound):
            await absent
    assert await list_partner_servers(other) == []
    assert await mailroom.desk.counts() == before
    await remove_partner_server(ctx, "Bank")
    assert await list_partner_servers(ctx) == []


async def test_one_that_is_disabled_is_not_visited(mailroom: Mailroom, host: Host) -> None:
    await save_partner_server(mailroom.desk.ctx, host.server, host.secret, enabled=False)
    assert await visit_due(mailroom.desk.ctx.services, mailroom.desk.data_dir, HERE) == 0
