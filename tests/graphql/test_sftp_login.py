"""SFTP logins over GraphQL: what they give, and each refusal with nothing written."""

from tests.domain.test_public_key import LINE
from tests.graphql.world import Caller, World

CREATE = """mutation($i: SftpLoginCreateInput!) {sftpLoginCreate(input: $i) {login {username password fingerprint}}}"""
ROTATE = """mutation($i: SftpLoginPasswordRotateInput!) {sftpLoginPasswordRotate(input: $i) {
    login {username password}}}"""
ADD = """mutation($i: SftpLoginKeyAddInput!) {sftpLoginKeyAdd(input: $i) {username key {fingerprint label addedBy}}}"""
REMOVE = """mutation($i: SftpLoginKeyRemoveInput!) {sftpLoginKeyRemove(input: $i) {username}}"""
REVOKE = """mutation($i: SftpLoginRevokeInput!) {sftpLoginRevoke(input: $i) {username}}"""
LIST = """query($f: Int, $a: String) {sftpLogins(first: $f, after: $a) {
    edges {cursor node {username hasPassword revokedAt lastUsedAt keys {fingerprint label}}}
    pageInfo {hasNextPage endCursor}}}"""


async def test_an_administrator_makes_changes_and_revokes_logins(world: World) -> None:
    admin = await world.administrator(program=1)
    first = (await admin.ask(CREATE, i={})).data["sftpLoginCreate"]["login"]
    assert first["password"]
    assert first["fingerprint"] is None
    second = (await admin.ask(CREATE, i={"publicKey": LINE, "label": "Night"})).data["sftpLoginCreate"]["login"]
    assert second["password"] is None
    rotated = (await admin.ask(ROTATE, i={"username": first["username"]})).data["sftpLoginPasswordRotate"]["login"]
    assert rotated["password"] not in {None, first["password"]}
    added = (await admin.ask(ADD, i={"username": first["username"], "publicKey": LINE})).data["sftpLoginKeyAdd"]
    assert added["key"]["fingerprint"] == second["fingerprint"]
    gone = {"username": second["username"], "fingerprint": second["fingerprint"]}
    assert (await admin.ask(REMOVE, i=gone)).data["sftpLoginKeyRemove"] == {"username": second["username"]}
    assert (await admin.ask(REVOKE, i={"username": second["username"]})).data["sftpLoginRevoke"]
    page = (await admin.ask(LIST, f=1)).data["sftpLogins"]
    assert page["pageInfo"]["hasNextPage"]
    [newest] = [edge["node"] for edge in page["edges"]]
    assert (newest["username"], newest["hasPassword"], newest["keys"]) == (second["username"], False, [])
    assert newest["revokedAt"]
    rest = (await admin.ask(LIST, f=5, a=page["pageInfo"]["endCursor"])).data["sftpLogins"]
    assert [edge["node"]["username"] for edge in rest["edges"]] == [first["username"]]
    other = await world.administrator(program=2)
    assert (await other.ask(LIST)).data["sftpLogins"]["edges"] == []
    unknown = ("NOT_FOUND", "SFTP_LOGIN_NOT_FOUND", "1360", None)
    await world.refused(other, ROTATE, {"username": first["username"]}, *unknown)
    await world.refused(admin, REVOKE, {"username": second["username"]}, *unknown)


async def test_what_is_refused(world: World, server: Caller) -> None:
    admin = await world.administrator(program=1)
    bad = ("BAD_USER_INPUT", "INVALID_REQUEST", "998")
    await world.refused(admin, CREATE, {"publicKey": "nonsense"}, *bad, "publicKey")
    await world.refused(admin, CREATE, {"publicKey": LINE, "label": "x" * 101}, *bad, "label")
    forbidden = ("FORBIDDEN", "FORBIDDEN", "403", None)
    for caller in (server, await world.administrator("program-manager", program=1)):
        await world.refused(caller, CREATE, {}, *forbidden)
        await world.refused(caller, REVOKE, {"username": "X"}, *forbidden)
    assert (await server.ask(LIST)).refusal == forbidden
