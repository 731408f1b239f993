"""SFTP logins: made, changed, revoked, and who comes in by them."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select

from domain.access import PROGRAM_PERMISSIONS, ROLES
from domain.errors import (
    Forbidden,
    InvalidCredentials,
    InvalidRequest,
    SftpLoginNotFound,
    TesseraError,
    TooManyRequests,
)
from domain.models import audit_entry, sftp_login
from domain.public_key import read_public_key
from resolvers.context import Context
from resolvers.sftp_access import enter_by_key, enter_by_password, list_shut_out, note_entry
from resolvers.sftp_login import (
    MAX_KEYS,
    add_sftp_key,
    create_sftp_login,
    list_sftp_logins,
    remove_sftp_key,
    revoke_sftp_login,
    rotate_sftp_password,
)
from tests.domain.test_public_key import ED25519, LINE
from tests.resolvers.conftest import Shop, contents

ADDRESS = "203.0.113.9"


def _blob() -> bytes:
    import base64

    return base64.b64decode(LINE.split()[1])


async def _audited(ctx: Context) -> list[tuple[str, str]]:
    def body(tx: Connection) -> list[Any]:
        query = select(audit_entry.c.action, audit_entry.c.subject, audit_entry.c.after)
        query = query.where(audit_entry.c.program_id == ctx.principal.program, audit_entry.c.action.like("sftp%"))
        return list(tx.execute(query.order_by(audit_entry.c.seq)))

    rows = await ctx.read(body)
    assert "tf_" not in str(rows)
    return [(row.action, row.subject) for row in rows]


async def test_the_life_of_a_login(shop: Shop) -> None:
    ctx, other = shop.contexts
    issued = await create_sftp_login(ctx)
    assert issued.username.startswith("p1-sandbox-")
    assert issued.password
    entered = await enter_by_password(shop.services, issued.username, issued.password, ADDRESS)
    assert (entered.principal.program, entered.principal.permissions) == (ctx.principal.program, frozenset())
    with pytest.raises(InvalidCredentials):
        await enter_by_key(shop.services, issued.username, _blob(), ADDRESS)
    key = await add_sftp_key(ctx, issued.username, f"{LINE} night run")
    assert (key.label, key.fingerprint) == ("night run", read_public_key(LINE).fingerprint)
    by_key = await enter_by_key(shop.services, issued.username, _blob(), ADDRESS)
    await note_entry(shop.services, by_key)
    renewed = await rotate_sftp_password(ctx, issued.username)
    assert renewed.password
    assert await list_shut_out(shop.services, [entered, by_key]) == [entered]
    await remove_sftp_key(ctx, issued.username, key.fingerprint)
    assert await list_shut_out(shop.services, [by_key]) == [by_key]
    [listed] = await list_sftp_logins(ctx, first=10)
    assert (listed.username, listed.last_used_at, listed.keys) == (issued.username, shop.now, [])
    assert await list_sftp_logins(other, first=10) == []
    again = await enter_by_password(shop.services, issued.username, renewed.password, ADDRESS)
    await revoke_sftp_login(ctx, issued.username)
    assert await list_shut_out(shop.services, [again]) == [again]
    with pytest.raises(InvalidCredentials):
        await enter_by_password(shop.services, issued.username, renewed.password, ADDRESS)
    subject = f"sftp-login:{issued.username}"
    actions = ("create", "add-key", "rotate-password", "remove-key", "revoke")
    assert await _audited(ctx) == [(f"sftp-login.{one}", subject) for one in actions]
    stored = await ctx.read(lambda tx: tx.execute(select(sftp_login)).one())
    assert stored.password.startswith("$argon2id$")


async def test_a_login_with_a_key_has_no_password(shop: Shop) -> None:
    issued = await create_sftp_login(shop.contexts[0], LINE, "Night")
    assert (issued.password, issued.fingerprint) == (None, read_public_key(LINE).fingerprint)
    assert (await enter_by_key(shop.services, issued.username, _blob(), ADDRESS)).username == issued.username
    for wrong in ("", "x" * 1000, "\0"):
        with pytest.raises(InvalidCredentials):
            await enter_by_password(shop.services, issued.username, wrong, ADDRESS)
    for name in ("nobody", "", f"{issued.username}\0", "x" * 5000):
        with pytest.raises(InvalidCredentials):
            await enter_by_key(shop.services, name, _blob(), ADDRESS)
    assert ED25519


async def test_what_is_refused_changes_nothing(shop: Shop) -> None:
    ctx, other = shop.contexts
    login = await create_sftp_login(ctx, LINE)
    name, fingerprint = login.username, login.fingerprint or ""
    revoked = await create_sftp_login(ctx)
    await revoke_sftp_login(ctx, revoked.username)
    before = await contents(ctx)
    refusals: list[tuple[type[TesseraError], Any]] = [
        (InvalidRequest, lambda: create_sftp_login(ctx, "nonsense")),
        (InvalidRequest, lambda: create_sftp_login(ctx, LINE, "x" * 101)),
        (InvalidRequest, lambda: create_sftp_login(ctx, LINE, "a\nb")),
        (InvalidRequest, lambda: add_sftp_key(ctx, name, LINE)),
        (InvalidRequest, lambda: remove_sftp_key(ctx, name, "SHA256:other")),
    ]
    # Another's login, one that is revoked and none at all are the same.
    for caller, username in ((other, name), (ctx, revoked.username), (ctx, "p1-sandbox-none")):
        refusals += [
            (SftpLoginNotFound, lambda c=caller, u=username: rotate_sftp_password(c, u)),
            (SftpLoginNotFound, lambda c=caller, u=username: add_sftp_key(c, u, LINE)),
            (SftpLoginNotFound, lambda c=caller, u=username: remove_sftp_key(c, u, fingerprint)),
            (SftpLoginNotFound, lambda c=caller, u=username: revoke_sftp_login(c, u)),
        ]
    for permissions in (PROGRAM_PERMISSIONS, ROLES["program-manager"]):
        caller = replace(ctx, principal=replace(ctx.principal, permissions=permissions))
        refusals += [
            (Forbidden, lambda c=caller: create_sftp_login(c)),
            (Forbidden, lambda c=caller: rotate_sftp_password(c, name)),
            (Forbidden, lambda c=caller: add_sftp_key(c, name, LINE)),
            (Forbidden, lambda c=caller: remove_sftp_key(c, name, fingerprint)),
            (Forbidden, lambda c=caller: revoke_sftp_login(c, name)),
        ]
    for error, attempt in refusals:
        with pytest.raises(error):
            await attempt()
    server = replace(ctx, principal=replace(ctx.principal, permissions=PROGRAM_PERMISSIONS))
    with pytest.raises(Forbidden):
        await list_sftp_logins(server, first=1)
    assert await contents(ctx) == before


async def test_a_login_has_so_many_keys(shop: Shop) -> None:
    from tests.ingestion.sftp.site import key_pair

    ctx = shop.contexts[0]
    login = await create_sftp_login(ctx, LINE)
    for _ in range(MAX_KEYS - 1):
        await add_sftp_key(ctx, login.username, key_pair()[1])
    with pytest.raises(InvalidRequest, match="at most 20 keys"):
        await add_sftp_key(ctx, login.username, key_pair()[1])


async def test_who_guesses_is_not_listened_to_for_a_while(shop: Shop) -> None:
    issued = await create_sftp_login(shop.contexts[0])
    assert issued.password
    for _ in range(20):
        with pytest.raises(InvalidCredentials):
            await enter_by_password(shop.services, issued.username, "wrong", ADDRESS)
    with pytest.raises(TooManyRequests):
        await enter_by_password(shop.services, issued.username, "wrong", ADDRESS)
    with pytest.raises(TooManyRequests):
        await enter_by_password(shop.services, issued.username, issued.password, ADDRESS)
    # Nobody else is kept out, neither the owner elsewhere nor another token's client.
    assert await enter_by_password(shop.services, issued.username, issued.password, "203.0.113.10")
    shop.later(seconds=5)
    assert await enter_by_password(shop.services, issued.username, issued.password, ADDRESS)
