"""Members sign in from a browser with the publishable key of their program, and see what is their own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from resolvers.delivery import deliver_messages
from tests.graphql.world import CONFIGURATION, Caller, World
from tests.resolvers.mailbox import PASSWORD, Mailbox

TOKENS = "{sessionId accessToken accessExpiresAt refreshToken refreshExpiresAt mustChangePassword replayed}"
BY_PASSWORD = f"mutation($i: SessionStartByPasswordInput!) {{sessionStartByPassword(input: $i) {TOKENS}}}"
BY_CODE = f"mutation($i: SessionStartByCodeInput!) {{sessionStartByCode(input: $i) {TOKENS}}}"
BY_LINK = f"mutation($i: SessionStartByLinkInput!) {{sessionStartByLink(input: $i) {TOKENS}}}"
REFRESH = f"mutation($i: SessionRefreshInput!) {{sessionRefresh(input: $i) {TOKENS}}}"
CODE = "mutation($i: SessionSendInput!) {sessionCodeSend(input: $i) {done replayed}}"
LINK = "mutation($i: SessionSendInput!) {sessionLinkSend(input: $i) {done replayed}}"
REVOKE = "mutation($i: SessionRevokeInput!) {sessionRevoke(input: $i) {revoked}}"
SESSIONS = "{memberSessions {id method isOwn startedAt}}"
APPLY = "mutation($i: ConfigurationApplyInput!) {configurationApply(input: $i) {changed}}"
IMPORT = "mutation($i: MemberSecretImportInput!) {memberSecretImport(input: $i) {replayed}}"
UNKNOWN = ("UNAUTHENTICATED", "UNAUTHORIZED", "401", None)


@pytest.fixture
async def ann(world: World, server: Caller) -> str:
    """A member with a password and an e-mail address, of a program with a page for links."""
    document = CONFIGURATION.replace("program: {", "program: {sign_in_url: 'https://shop.example/in', ")
    assert (await server.ask(APPLY, i={"document": document})).data
    reference = await world.member(server, 100, emailId="ann@example.com")
    given = {"relationReference": reference, "secret": PASSWORD}
    assert (await server.ask(IMPORT, i=given)).data
    return reference


@pytest.fixture
def page(world: World) -> Caller:
    """A visitor of the program's page."""
    return Caller(world.client, key=world.ours.publishable_key)


async def signed_in(page: Caller, reference: str) -> tuple[Caller, dict[str, Any]]:
    """The member's app, and its tokens."""
    given = {"relationReference": reference, "password": PASSWORD}
    tokens = (await page.ask(BY_PASSWORD, i=given)).data["sessionStartByPassword"]
    return replace(page, token=tokens["accessToken"]), tokens


async def details(world: World) -> dict[str, Any]:
    mailbox = Mailbox()
    await deliver_messages(world.services, mailbox)
    return mailbox.messages[-1].details


async def test_a_member_signs_in_and_sees_its_own(world: World, server: Caller, page: Caller, ann: str) -> None:
    other = await world.member(server, 50)
    app, tokens = await signed_in(page, ann)
    assert tokens["accessExpiresAt"] == "2026-02-03T12:01:03+05:30"
    assert (tokens["mustChangePassword"], tokens["replayed"]) == (False, False)
    answer = await app.ask("{me {relationReference balance {available}} program {name}}")
    assert answer.data["me"] == {"relationReference": ann, "balance": {"available": "100"}}
    foreign = await app.ask("query($r: String!) {member(reference: $r) {id}}", r=other)
    assert foreign.refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)
    assert (await app.ask("{members {totalCount}}")).refusal[0] == "FORBIDDEN"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_member_moves_points_with_a_key_only(world: World, page: Caller, ann: str) -> None:
    app, _ = await signed_in(page, ann)
    async with world.nothing_written():
        refused = await world.redeem(app, None, 10)
        assert refused.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", "idempotencyKey")
    for replayed in (False, True):
        answer = await world.redeem(app, None, 10, idempotencyKey="once")
        assert answer.data["pointsRedeem"]["replayed"] is replayed
        assert answer.data["pointsRedeem"]["member"] == {"balance": {"available": "90"}}


async def test_what_a_member_may_not_do_is_forbidden_without_a_key_as_well(
    world: World, server: Caller, page: Caller, ann: str
) -> None:
    app, _ = await signed_in(page, ann)
    other = await world.member(server, 50)
    redeemed = (await world.redeem(server, other, 1)).data["pointsRedeem"]["redemption"]["externalReference"]
    submit = "mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points}}"
    reverse = "mutation($i: RedemptionReverseInput!) {redemptionReverse(input: $i) {replayed}}"
    redeem = "mutation($i: PointsRedeemInput!) {pointsRedeem(input: $i) {replayed}}"
    hold = "mutation($i: HoldCreateInput!) {holdCreate(input: $i) {replayed}}"
    send = "mutation($i: PointsTransferInput!) {pointsTransfer(input: $i) {replayed}}"
    for document, given in (
        (submit, world.purchase(ann)),
        (reverse, {"relationReference": other, "externalReference": redeemed}),
        (redeem, {"relationReference": other, "points": 1}),
        (hold, {"relationReference": other, "points": 1}),
        (send, {"fromRelationReference": other, "toRelationReference": ann, "points": 1}),
    ):
        for key in ({}, {"idempotencyKey": "k"}):
            await world.refused(app, document, given | key, "FORBIDDEN", "FORBIDDEN", "403", None)
    for document, given in (
        (redeem, {"points": 1}),
        (hold, {"points": 1}),
        (send, {"toRelationReference": other, "points": 1}),
    ):
        expected = ("BAD_USER_INPUT", "BAD_REQUEST", "999", "idempotencyKey")
        await world.refused(app, document, given, *expected)
        await world.refused(page, document, given, *UNKNOWN)
    chosen = {"points": 1, "idempotencyKey": "k", "externalReference": redeemed}
    await world.refused(app, redeem, chosen, "BAD_USER_INPUT", "INVALID_REQUEST", "998", "externalReference")


async def test_a_member_signs_in_with_a_code_or_a_link(world: World, page: Caller, ann: str) -> None:
    for name in ({"relationReference": ann}, {"email": "Ann@example.com"}):
        assert (await page.ask(CODE, i=name)).data["sessionCodeSend"] == {"done": True, "replayed": False}
        given = {"code": f" {(await details(world))['code']} ", **name}
        tokens = (await page.ask(BY_CODE, i=given)).data["sessionStartByCode"]
        assert (await replace(page, token=tokens["accessToken"]).ask("{me {relationReference}}")).data["me"]
        assert (await page.ask(LINK, i=name)).data["sessionLinkSend"]["done"]
        _, _, token = (await details(world))["link"].partition("https://shop.example/in#token=")
        assert (await page.ask(BY_LINK, i={"token": token})).data["sessionStartByLink"]["refreshToken"]
        again = await page.ask(BY_LINK, i={"token": token})
        assert again.refusal == ("BAD_USER_INPUT", "OTP_INVALID", "130", "token")


async def test_an_app_goes_on_after_its_access_token_has_lapsed(world: World, page: Caller, ann: str) -> None:
    app, tokens = await signed_in(page, ann)
    world.clock[0] += timedelta(minutes=15)
    assert (await app.ask("{me {id}}")).refusal == UNKNOWN
    # The token that has lapsed may stand beside the key.
    sent = {"query": REFRESH, "variables": {"i": {"refreshToken": tokens["refreshToken"]}}}
    fresh = (await app.send(sent, **{"idempotency-key": "k"})).data["sessionRefresh"]
    assert (await replace(page, token=fresh["accessToken"]).ask("{me {id}}")).data["me"]
    again = (await app.send(sent, **{"idempotency-key": "k"})).data["sessionRefresh"]
    assert again == {**fresh, "replayed": True}
    assert (await app.send(sent)).refusal == UNKNOWN
    assert (await page.ask(REFRESH, i={"refreshToken": fresh["refreshToken"]})).refusal == UNKNOWN
    assert (await replace(page, token=fresh["accessToken"]).ask("{me {id}}")).refusal == UNKNOWN


async def test_sessions_are_listed_and_ended(world: World, server: Caller, page: Caller, ann: str) -> None:
    phone, _ = await signed_in(page, ann)
    laptop, tokens = await signed_in(page, ann)
    listed = (await phone.ask(SESSIONS)).data["memberSessions"]
    assert {one["id"]: one["isOwn"] for one in listed}[tokens["sessionId"]] is False
    assert {(one["method"], one["startedAt"]) for one in listed} == {("PASSWORD", "2026-02-03T11:46:03.703000+05:30")}
    assert (await phone.ask(REVOKE, i={"sessionId": tokens["sessionId"]})).data["sessionRevoke"] == {"revoked": 1}
    assert (await laptop.ask("{me {id}}")).refusal == UNKNOWN
    assert (await phone.ask(REVOKE, i={})).data["sessionRevoke"] == {"revoked": 1}
    assert (await phone.ask(REVOKE, i={})).refusal == UNKNOWN
    _, tokens = await signed_in(page, ann)
    assert (await page.ask(REVOKE, i={"refreshToken": tokens["refreshToken"]})).data["sessionRevoke"]["revoked"] == 1
    everywhere = {"relationReference": ann, "all": True}
    for caller in (server, await world.administrator("customer-executive", world.ours.program_id)):
        app, _ = await signed_in(page, ann)
        assert (await caller.ask(REVOKE, i=everywhere)).data["sessionRevoke"] == {"revoked": 1}
        assert (await app.ask("{me {id}}")).refusal == UNKNOWN
    unknown = await (await world.caller(world.theirs)).ask(REVOKE, i=everywhere)
    assert unknown.refusal == ("NOT_FOUND", "MEMBER_NOT_FOUND", "103", None)


async def test_the_key_opens_nothing_but_signing_in(world: World, server: Caller, page: Caller, ann: str) -> None:
    async with world.nothing_written():
        for document in ("{me {id}}", "{programs {name}}", "{members {totalCount}}", SESSIONS):
            assert (await page.ask(document)).refusal == UNKNOWN
        redeemed = await world.redeem(page, ann, 1, idempotencyKey="k")
        assert redeemed.refusal == UNKNOWN
        # A server's token is no key, and another program's key knows none of our members.
        given = {"relationReference": ann, "password": PASSWORD}
        assert (await server.ask(BY_PASSWORD, i=given)).refusal == UNKNOWN
        assert (await replace(page, key="tp_sandbox_x").ask(BY_PASSWORD, i=given)).refusal == UNKNOWN
    foreign = await replace(page, key=world.theirs.publishable_key).ask(BY_PASSWORD, i=given)
    assert foreign.refusal == ("UNAUTHENTICATED", "INVALID_CREDENTIALS", "117", None)


async def test_what_does_not_hold_is_refused(world: World, page: Caller, ann: str) -> None:
    two = {"relationReference": ann, "email": "ann@example.com"}
    for document, given, field in (
        (BY_PASSWORD, {"password": PASSWORD}, "relationReference"),
        (BY_PASSWORD, {"password": "", "relationReference": ann}, "password"),
        (BY_PASSWORD, {"password": PASSWORD, **two}, "email"),
        (BY_CODE, {"code": " ", "relationReference": ann}, "code"),
        (BY_LINK, {"token": ""}, "token"),
        (CODE, {}, "relationReference"),
        (LINK, two, "email"),
        (REFRESH, {"refreshToken": ""}, "refreshToken"),
        (REVOKE, {"refreshToken": "x", "all": True}, "refreshToken"),
    ):
        await world.refused(page, document, given, "BAD_USER_INPUT", "BAD_REQUEST", "999", field)


async def test_a_member_that_must_change_its_password_is_told(world: World, server: Caller, page: Caller) -> None:
    reference = await world.member(server)
    given = {"relationReference": reference, "secret": PASSWORD, "forceChange": True}
    assert (await server.ask(IMPORT, i=given)).data
    _, tokens = await signed_in(page, reference)
    assert tokens["mustChangePassword"] is True
    assert tokens["refreshExpiresAt"] == "2026-03-05T11:46:03.703000+05:30"


async def test_strangers_do_not_use_up_what_the_programs_server_may_ask(
    world: World, server: Caller, page: Caller, ann: str
) -> None:
    document = CONFIGURATION.replace("program: {", "program: {rate_limit_per_second: 1, rate_burst: 2, ")
    assert (await server.ask(APPLY, i={"document": document})).data
    world.clock[0] += timedelta(seconds=1)
    answers = [await page.ask(REFRESH, i={"refreshToken": "x"}) for _ in range(3)]
    assert [one.refusal[1] for one in answers] == ["UNAUTHORIZED", "UNAUTHORIZED", "TOO_MANY_REQUESTS"]
    assert (await server.ask("{program {name}}")).status == 200


async def test_a_visitor_reads_what_a_sign_in_screen_shows_and_nothing_else(
    world: World, server: Caller, page: Caller
) -> None:
    query = "{program {name timeZone signInMethods}}"
    shown = {"name": "Ours", "timeZone": "Asia/Kolkata", "signInMethods": ["PASSWORD", "CODE"]}
    assert (await page.ask(query)).data["program"] == shown
    document = CONFIGURATION.replace("program: {", "program: {sign_in_url: 'https://shop.example/in', ")
    assert (await server.ask(APPLY, i={"document": document})).data
    with_links = shown | {"signInMethods": ["PASSWORD", "CODE", "LINK"]}
    assert (await page.ask(query)).data["program"] == with_links
    # A token that lapsed says nothing beside the key, one that is good is asked for.
    assert (await replace(page, token="lapsed").ask(query)).data["program"] == with_links
    assert (await server.ask(query)).data["program"] == with_links
    theirs = Caller(world.client, key=world.theirs.publishable_key)
    assert (await theirs.ask(query)).data["program"]["name"] == "Theirs"
    for field in (
        "tiers {name}",
        "redemptionRate",
        "currency",
        "requireKey",
        "expiry {policy}",
        "redemptionTypes {name}",
    ):
        answer = await page.ask(f"{{program {{name {field}}}}}")
        assert answer.refusal == UNKNOWN, field
        assert answer.body["data"]["program"]["name"] == "Ours"
    for other in ("{me {id}}", "{members {edges {cursor}}}", "{programs {name}}", "{configuration {version}}"):
        assert (await page.ask(other)).refusal == UNKNOWN
    assert (await replace(page, key="tp_sandbox_nobody").ask(query)).refusal == UNKNOWN
    assert (await replace(page, key="").ask(query)).refusal == UNKNOWN
    foreign = replace(page, origin="https://evil.example")
    assert (await foreign.ask(query)).refusal[1] == "FORBIDDEN"


async def test_a_member_and_the_server_see_whether_there_is_a_password(
    world: World, server: Caller, page: Caller, ann: str
) -> None:
    app, _ = await signed_in(page, ann)
    assert (await app.ask("{me {hasPassword}}")).data["me"] == {"hasPassword": True}
    bob = await world.member(server)
    query = "query($r: String!) {member(reference: $r) {hasPassword}}"
    found = [(await server.ask(query, r=one)).data["member"]["hasPassword"] for one in (ann, bob)]
    assert found == [True, False]


async def test_a_member_changes_its_address_after_a_code_only(
    world: World, server: Caller, page: Caller, ann: str
) -> None:
    app, _ = await signed_in(page, ann)
    update = "mutation($i: MemberUpdateInput!) {memberUpdate(input: $i) {member {emailId}}}"
    thief = {"emailId": "thief@example.com"}
    await world.refused(app, update, thief, "FORBIDDEN", "PROOF_NEEDED", "1342", "emailId")
    assert (await app.ask("mutation {otpGenerate(input: {otpType: TwoFA}) {done}}")).data
    code = (await details(world))["code"]
    both = """mutation($c: String!) {otpVerify(input: {otpType: TwoFA, code: $c}) {done}
        memberUpdate(input: {emailId: "new@example.com"}) {member {emailId}}}"""
    answer = await app.ask(both, c="000000")
    assert [one["extensions"]["reason"] for one in answer.errors] == ["OTP_INVALID", "PROOF_NEEDED"]
    assert (await app.ask(both, c=code)).data["memberUpdate"]["member"] == {"emailId": "new@example.com"}
    await world.refused(app, update, thief, "FORBIDDEN", "PROOF_NEEDED", "1342", "emailId")
    assert (await server.ask(update, i={"relationReference": ann, "emailId": "ann@example.org"})).data


async def test_a_forgotten_password_is_set_after_a_sign_in_with_a_code(world: World, page: Caller, ann: str) -> None:
    _, other = await signed_in(page, ann)
    world.clock[0] += timedelta(seconds=1)
    assert (await page.ask(CODE, i={"email": "ann@example.com"})).data
    given = {"email": "ann@example.com", "code": (await details(world))["code"]}
    tokens = (await page.ask(BY_CODE, i=given)).data["sessionStartByCode"]
    app = replace(page, token=tokens["accessToken"])
    setting = "mutation($i: PasswordSetInput!) {passwordSet(input: $i) {replayed}}"
    assert (await app.ask(setting, i={"password": "another horse battery"})).data
    world.clock[0] += timedelta(seconds=2)
    assert (await app.ask("{me {hasPassword}}")).data["me"] == {"hasPassword": True}
    assert (await page.ask(REFRESH, i={"refreshToken": other["refreshToken"]})).refusal == UNKNOWN
    assert (await page.ask(REFRESH, i={"refreshToken": tokens["refreshToken"]})).data


async def test_who_asked_for_too_many_codes_is_told_when_to_come_back(world: World, page: Caller, ann: str) -> None:
    for _ in range(5):
        assert (await page.ask(CODE, i={"relationReference": ann})).data
    world.clock[0] += timedelta(minutes=20)
    async with world.nothing_written():
        refused = await page.ask(CODE, i={"relationReference": ann})
    assert (refused.status, refused.refusal) == (200, ("RATE_LIMITED", "OTP_TOO_OFTEN", "132", None))
    wait = refused.errors[0]["extensions"]["retryAfter"]
    assert wait == 40 * 60
    world.clock[0] += timedelta(seconds=wait)
    assert (await page.ask(CODE, i={"relationReference": ann})).data["sessionCodeSend"]["done"]
