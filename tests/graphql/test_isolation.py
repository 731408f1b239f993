"""Two programs, and two members of one program: nobody sees or changes what is another's.

Every place that takes an id or a reference is tried, and answers as it does to what does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.graphql.world import Answer, Caller, World

UNKNOWN = {
    "member": "TWVtYmVyOjE6OTk5",
    "entry": "TGVkZ2VyRW50cnk6MTo5OTk",
    "redemption": "UmVkZW1wdGlvbjoxOjZmOTYxOWZmLThiODYtNDAxMS1iNDJkLTAwY2Y0ZmM5NjRmZg",
    "program": "UHJvZ3JhbTo5OTk6",
    "reference": "nobody",
    "guid": "6f9619ff-8b86-4011-b42d-00cf4fc964ff",
    "key": "never-used",
    "link": "U3ViUmVsYXRpb246MTo5OTk",
    "card": "4012888888881881",
    "hold": "SG9sZDoxOjk5OQ",
    "session": "TWVtYmVyU2Vzc2lvbjoxOjk5OQ",
    "purchase": "VHJhbnNhY3Rpb246MTo5OTk",
    "transaction": "never-bought",
    "lot": "TG90OjE6OTk5",
}
"""Well-formed names of nothing."""

VICTIMS_CARD = "4111111111111111"

QUERIES = (
    "query($member: ID!) {node(id: $member) {id}}",
    "query($entry: ID!) {node(id: $entry) {id}}",
    "query($redemption: ID!) {node(id: $redemption) {id}}",
    "query($program: ID!) {node(id: $program) {id}}",
    "query($member: ID!, $entry: ID!) {nodes(ids: [$member, $entry]) {id}}",
    "query($member: ID!) {member(id: $member) {id}}",
    "query($reference: String!) {member(reference: $reference) {id}}",
    "query($entry: ID!) {ledgerEntry(id: $entry) {id}}",
    "query($hold: ID!) {node(id: $hold) {id}}",
    "query($hold: ID!) {hold(id: $hold) {id}}",
    "query($link: ID!) {node(id: $link) {id}}",
    "query($purchase: ID!) {node(id: $purchase) {id}}",
    "query($purchase: ID!) {transaction(id: $purchase) {id entries {id}}}",
    "query($transaction: String!) {transaction(transactionId: $transaction) {id}}",
    "query($lot: ID!) {node(id: $lot) {id}}",
    "query($guid: UUID!) {redemption(externalReference: $guid) {id}}",
    "query($key: String!) {redemptionByReference(clientReference: $key) {id}}",
    "query($reference: String!) {memberSessions(relationReference: $reference) {id}}",
    "query($card: String!) {membersBySubRelation(cardNumber: $card) {edges {node {id}}}}",
)
MUTATIONS = (
    'mutation($member: ID!) {memberUpdate(input: {memberId: $member, fullName: "Mallory"}) {replayed}}',
    'mutation($reference: String!) {memberUpdate(input: {relationReference: $reference, fullName: "M"}) {replayed}}',
    "mutation($member: ID!) {memberStatusChange(input: {memberId: $member, status: CANCELLED}) {replayed}}",
    """mutation($reference: String!) {
        memberStatusChange(input: {relationReference: $reference, status: CANCELLED}) {replayed}}""",
    'mutation($member: ID!) {memberTierSet(input: {memberId: $member, tier: "Gold", reason: "r"}) {changed}}',
    """mutation($reference: String!) {
        memberTierSet(input: {relationReference: $reference, tier: "Gold", reason: "r"}) {changed}}""",
    """mutation($reference: String!) {
        segmentFreeze(input: {segment: "Press", mode: APPEND, members: [$reference]}) {size}}""",
    """mutation($reference: String!) {transactionSubmit(input: {transactionId: "X", transactionType: DR, amount: 1,
        transactionDate: "2026-01-01T00:00:00Z", memberRelationReference: $reference}) {replayed}}""",
    """mutation($card: String!) {transactionSubmit(input: {transactionId: "X", transactionType: DR, amount: 1,
        transactionDate: "2026-01-01T00:00:00Z", cardNumber: $card}) {replayed}}""",
    """mutation($reference: String!) {subRelationLink(
        input: {relationReference: $reference, type: CARD, cardNumber: "1"}) {replayed}}""",
    "mutation($reference: String!) {sessionRevoke(input: {relationReference: $reference, all: true}) {revoked}}",
    """mutation($reference: String!, $session: ID!) {
        sessionRevoke(input: {relationReference: $reference, sessionId: $session}) {revoked}}""",
    "mutation($link: ID!) {subRelationUnlink(input: {subRelationId: $link}) {replayed}}",
    "mutation($reference: String!) {memberErase(input: {relationReference: $reference}) {replayed}}",
    "mutation($reference: String!) {memberDataExport(input: {relationReference: $reference}) {document}}",
    """mutation($reference: String!) {
        pointsRedeem(input: {relationReference: $reference, points: 1, idempotencyKey: "steal"}) {replayed}}""",
    """mutation($reference: String!) {
        holdCreate(input: {relationReference: $reference, points: 1, idempotencyKey: "steal"}) {replayed}}""",
    "mutation($hold: ID!) {holdCancel(input: {holdId: $hold}) {replayed}}",
    "mutation($hold: ID!) {holdSettle(input: {holdId: $hold}) {replayed}}",
    """mutation($reference: String!) {pointsTransfer(input: {fromRelationReference: $reference,
        toRelationReference: "M-own", points: 1, idempotencyKey: "steal"}) {replayed}}""",
    """mutation($guid: UUID!) {redemptionReverse(
        input: {relationReference: "M-own", externalReference: $guid, idempotencyKey: "v"}) {replayed}}""",
    """mutation($reference: String!, $guid: UUID!) {redemptionReverse(
        input: {relationReference: $reference, externalReference: $guid, idempotencyKey: "v"}) {replayed}}""",
)


@dataclass(frozen=True)
class Victim:
    """A member with a posting and a redemption, and all the names that they have."""

    names: Mapping[str, str]


async def _victim(world: World, caller: Caller) -> Victim:
    reference = await world.member(caller, 100, relationReference=world.unique("VICTIM"))
    key = world.unique("key")
    card = {"relationReference": reference, "type": "CARD", "cardNumber": VICTIMS_CARD}
    link = "mutation($i: SubRelationLinkInput!) {subRelationLink(input: $i) {subRelation {id}}}"
    linked = (await caller.ask(link, i=card)).data["subRelationLink"]["subRelation"]
    redeemed = (await world.redeem(caller, reference, 10, idempotencyKey=key)).data["pointsRedeem"]["redemption"]
    create = "mutation($i: HoldCreateInput!) {holdCreate(input: $i) {hold {id}}}"
    held = (await caller.ask(create, i={"relationReference": reference, "points": 1})).data["holdCreate"]["hold"]
    ids = (
        await caller.ask(
            """query($r: String!) {program {id} member(reference: $r) {id ledger {edges {node {id}}}
                lots {edges {node {id}}} transactions {edges {node {id transactionId}}}}}""",
            r=reference,
        )
    ).data
    (bought,) = [edge["node"] for edge in ids["member"]["transactions"]["edges"]]
    return Victim(
        {
            "member": ids["member"]["id"],
            "purchase": bought["id"],
            "transaction": bought["transactionId"],
            "lot": ids["member"]["lots"]["edges"][0]["node"]["id"],
            "entry": ids["member"]["ledger"]["edges"][0]["node"]["id"],
            "redemption": redeemed["id"],
            "program": ids["program"]["id"],
            "reference": reference,
            "guid": redeemed["externalReference"],
            "key": key,
            "link": linked["id"],
            "card": VICTIMS_CARD,
            "hold": held["id"],
            "session": await _session(world, caller, reference),
        }
    )


async def _session(world: World, caller: Caller, reference: str) -> str:
    """The id of a session that the victim has begun."""
    secret = "mutation($i: MemberSecretImportInput!) {memberSecretImport(input: $i) {replayed}}"
    assert (await caller.ask(secret, i={"relationReference": reference, "secret": "victims password"})).data
    begin = "mutation($i: SessionStartByPasswordInput!) {sessionStartByPassword(input: $i) {sessionId}}"
    number = (await caller.ask("{program {programId}}")).data["program"]["programId"]
    [key] = [one.publishable_key for one in (world.ours, world.theirs) if one.program_id == number]
    given = {"relationReference": reference, "password": "victims password"}
    answer = await Caller(world.client, key=key).ask(begin, i=given)
    return str(answer.data["sessionStartByPassword"]["sessionId"])


async def _ask(caller: Caller, document: str, names: Mapping[str, str]) -> Answer:
    return await caller.ask(document, **{name: value for name, value in names.items() if f"${name}:" in document})


def _shown(answer: Answer) -> Any:
    """The body without what differs between any two requests."""
    errors = [{**one, "extensions": {**one["extensions"], "requestId": None}} for one in answer.body.get("errors", ())]
    return answer.status, {**answer.body, "errors": errors}


async def test_what_is_of_another_program_does_not_exist(world: World, server: Caller) -> None:
    theirs = await world.caller(world.theirs)
    victim = await _victim(world, theirs)
    await world.member(server, 100, relationReference="M-own")
    administrator = await world.administrator(program=1)
    for caller in (server, administrator):
        async with world.nothing_written():
            for document in (*QUERIES, *MUTATIONS):
                foreign = await _ask(caller, document, victim.names)
                unknown = await _ask(caller, document, UNKNOWN)
                assert _shown(foreign) == _shown(unknown), document
                assert not any(_strings(foreign.body.get("data"))), document
    for document in QUERIES:
        assert any(_strings((await _ask(theirs, document, victim.names)).data)), document


async def test_lists_hold_only_what_is_of_the_program(world: World, server: Caller) -> None:
    theirs = await world.caller(world.theirs)
    await _victim(world, theirs)
    own = await world.member(server, 10)
    query = """{programs {name} members {totalCount edges {node {relationReference
        ledger {totalCount} transactions {edges {node {id}}} lots {edges {node {id}}} pending {points}}}}
        batches {edges {cursor}}}"""
    data = (await server.ask(query)).data
    assert data["programs"] == [{"name": "Ours"}]
    assert data["members"]["totalCount"] == 1
    (edge,) = data["members"]["edges"]
    assert edge["node"]["relationReference"] == own
    assert edge["node"]["ledger"]["totalCount"] == 1


async def test_one_reference_may_stand_in_two_programs(world: World, server: Caller) -> None:
    theirs = await world.caller(world.theirs)
    for caller, points in ((server, 10), (theirs, 20)):
        await world.member(caller, points, relationReference="TWIN")
        answer = await caller.ask('{member(reference: "TWIN") {balance {available}}}')
        assert answer.data == {"member": {"balance": {"available": str(points)}}}
    key = {"idempotencyKey": "same key"}
    for caller in (server, theirs):
        assert (await world.redeem(caller, "TWIN", 5, **key)).data["pointsRedeem"]["replayed"] is False


async def test_what_is_of_another_member_does_not_exist(world: World, server: Caller) -> None:
    victim = await _victim(world, server)
    app = await world.caller(member=await world.member(server, 100, relationReference="M-own"))
    # The program is the member's own, and may be seen.
    names = {**victim.names, "program": UNKNOWN["program"]}
    async with world.nothing_written():
        for document in (*QUERIES, *MUTATIONS):
            foreign, unknown = await _ask(app, document, names), await _ask(app, document, UNKNOWN)
            assert _shown(foreign) == _shown(unknown), document
            assert not any(_strings(foreign.body.get("data"))), document


async def test_a_member_changes_only_what_is_allowed(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    app = await world.caller(member=reference)
    update = "mutation($i: MemberUpdateInput!) {memberUpdate(input: $i) {member {relationReference fullName}}}"
    answer = await app.ask(update, i={"fullName": "Ada"})
    assert answer.data["memberUpdate"]["member"] == {"relationReference": reference, "fullName": "Ada"}
    forbidden = ("FORBIDDEN", "FORBIDDEN", "403", None)
    async with world.nothing_written():
        for document in (
            "mutation {memberStatusChange(input: {status: ACTIVE}) {replayed}}",
            'mutation {memberEnroll(input: {relationReference: "NEW"}) {replayed}}',
            'mutation {configurationApply(input: {document: "version: 1"}) {changed}}',
            'mutation {programCreate(input: {name: "X"}) {credential {clientId}}}',
            "mutation {credentialReset(input: {programId: 1}) {credential {clientId}}}",
            "mutation {sftpLoginCreate(input: {}) {login {password}}}",
        ):
            assert (await app.ask(document)).refusal == forbidden, document
        submit = """mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {replayed}}"""
        answer = await app.ask(submit, i=world.purchase(reference, idempotencyKey="t"))
        assert answer.refusal == forbidden


async def test_a_cursor_opens_no_other_list(world: World, server: Caller) -> None:
    victim = await _victim(world, server)
    own = await world.member(server, 10)
    app = await world.caller(member=own)
    query = """query($r: String, $a: String) {member(reference: $r) {
        ledger(after: $a) {edges {cursor node {member {relationReference}}}}}}"""
    theirs = (await server.ask(query, r=victim.names["reference"])).data["member"]["ledger"]["edges"]
    for edge in theirs:
        edges = (await app.ask(query, a=edge["cursor"])).data["member"]["ledger"]["edges"]
        assert all(one["node"]["member"]["relationReference"] == own for one in edges)


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []
