"""What holds for every mutation."""

from tests.graphql.test_configuration_mutation import EVERY as CONFIGURATION_MUTATIONS
from tests.graphql.test_configuration_mutation import document_of
from tests.graphql.world import Caller, World

DOCUMENTS = (
    'mutation {memberEnroll(input: {relationReference: "X"}) {replayed}}',
    'mutation {memberUpdate(input: {relationReference: "X", fullName: "Y"}) {replayed}}',
    'mutation {memberStatusChange(input: {relationReference: "X", status: ACTIVE}) {replayed}}',
    """mutation {transactionSubmit(input: {transactionId: "1", transactionType: DR, amount: 1,
        transactionDate: "2026-01-01T00:00:00Z", memberRelationReference: "X"}) {replayed}}""",
    """mutation {transactionsSubmit(input: {transactions: [{transactionId: "1", transactionType: DR, amount: 1,
        transactionDate: "2026-01-01T00:00:00Z", memberRelationReference: "X"}]}) {results {error {code}}}}""",
    """mutation {transactionsQueue(input: {transactions: [{transactionId: "1", transactionType: DR, amount: 1,
        transactionDate: "2026-01-01T00:00:00Z", memberRelationReference: "X"}]}) {batchId}}""",
    'mutation {transactionApprove(input: {heldId: "SGVsZFRyYW5zYWN0aW9uOjE6MQ"}) {replayed}}',
    'mutation {transactionReject(input: {heldId: "SGVsZFRyYW5zYWN0aW9uOjE6MQ", reason: "r"}) {replayed}}',
    'mutation {pointsRedeem(input: {relationReference: "X", points: 1}) {replayed}}',
    """mutation {redemptionReverse(input: {relationReference: "X",
        externalReference: "6f9619ff-8b86-4011-b42d-00cf4fc964ff"}) {replayed}}""",
    'mutation {memberTierSet(input: {relationReference: "X", tier: "Gold", reason: "Y"}) {changed}}',
    'mutation {segmentFreeze(input: {segment: "Press", mode: REPLACE, members: []}) {size}}',
    'mutation {memberErase(input: {relationReference: "X"}) {replayed}}',
    'mutation {memberDataExport(input: {relationReference: "X"}) {document}}',
    'mutation {subRelationLink(input: {relationReference: "X", type: CARD, cardNumber: "1"}) {replayed}}',
    'mutation {subRelationUnlink(input: {subRelationId: "U3ViUmVsYXRpb246MTox"}) {replayed}}',
    'mutation {holdCreate(input: {relationReference: "X", points: 1}) {replayed}}',
    'mutation {holdSettle(input: {holdId: "SG9sZDoxOjE"}) {replayed}}',
    'mutation {holdCancel(input: {holdId: "SG9sZDoxOjE"}) {replayed}}',
    'mutation {pointsTransfer(input: {toRelationReference: "Y", points: 1}) {replayed}}',
    'mutation {pointsAdjust(input: {relationReference: "X", points: 1, reason: "Z"}) {replayed}}',
    'mutation {pointsAdjustApprove(input: {requestId: "UG9pbnRzUmVxdWVzdDoxOjE"}) {replayed}}',
    'mutation {pointsAdjustReject(input: {requestId: "UG9pbnRzUmVxdWVzdDoxOjE"}) {replayed}}',
    'mutation {bonusPost(input: {relationReference: "X", points: 1}) {replayed}}',
    'mutation {programCreate(input: {name: "X"}) {credential {clientId}}}',
    'mutation {memberMerge(input: {victim: "X", survivor: "Y"}) {replayed}}',
    'mutation {memberMergeUndo(input: {mergeId: "TWVyZ2U6MTox"}) {replayed}}',
    "mutation {programGoLive(input: {programId: 1}) {credential {clientId}}}",
    "mutation {credentialReset(input: {programId: 1}) {credential {clientId}}}",
    "mutation {sftpLoginCreate(input: {}) {login {username}}}",
    'mutation {sftpLoginPasswordRotate(input: {username: "X"}) {login {username}}}',
    'mutation {sftpLoginKeyAdd(input: {username: "X", publicKey: "Y"}) {username}}',
    'mutation {sftpLoginKeyRemove(input: {username: "X", fingerprint: "Y"}) {username}}',
    'mutation {sftpLoginRevoke(input: {username: "X"}) {username}}',
    'mutation {configurationApply(input: {document: "version: 1"}) {changed}}',
    'mutation {otpGenerate(input: {relationReference: "X", otpType: LOGIN}) {replayed}}',
    'mutation {otpVerify(input: {relationReference: "X", otpType: LOGIN, code: "123456"}) {replayed}}',
    'mutation {passwordSet(input: {relationReference: "X", password: "long enough"}) {replayed}}',
    'mutation {sessionCodeSend(input: {relationReference: "X"}) {done}}',
    'mutation {sessionLinkSend(input: {relationReference: "X"}) {done}}',
    'mutation {sessionStartByPassword(input: {relationReference: "X", password: "Y"}) {accessToken}}',
    'mutation {sessionStartByCode(input: {relationReference: "X", code: "123456"}) {accessToken}}',
    'mutation {sessionStartByLink(input: {token: "X"}) {accessToken}}',
    'mutation {sessionRefresh(input: {refreshToken: "X"}) {accessToken}}',
    "mutation {sessionRevoke(input: {all: true}) {revoked}}",
    'mutation {memberSecretImport(input: {relationReference: "X", secret: "long enough"}) {replayed}}',
    'mutation {orderPlace(input: {relationReference: "X", item: "MUG"}) {replayed}}',
    'mutation {orderCancel(input: {orderId: "T3JkZXI6MTox"}) {replayed}}',
    'mutation {orderFulfil(input: {orderId: "T3JkZXI6MTox"}) {replayed}}',
    'mutation {orderFail(input: {orderId: "T3JkZXI6MTox", reason: "Y"}) {replayed}}',
    'mutation {catalogStockChange(input: {item: "MUG", by: 1}) {stock}}',
    'mutation {voucherCodesImport(input: {pool: "P", codes: ["C"]}) {codes}}',
    'mutation {voucherCodesWithdraw(input: {pool: "P"}) {codes}}',
    'mutation {fulfilmentPartnerSave(input: {name: "P", url: "https://p.example"}) {secret}}',
    'mutation {fulfilmentPartnerRemove(input: {name: "P"}) {name}}',
    'mutation {webhookSave(input: {name: "X", url: "https://hooks.example/"}) {secret}}',
    'mutation {webhookRemove(input: {name: "X"}) {name}}',
    'mutation {webhookSecretRotate(input: {name: "X"}) {secret}}',
    'mutation {webhookTest(input: {name: "X"}) {outcome}}',
    'mutation {webhookReplay(input: {name: "X", after: 0}) {webhook {name}}}',
    'mutation {webhookDeadLettersReplay(input: {name: "X"}) {count}}',
    'mutation {messageTestSend(input: {template: "X", to: "a@example.com"}) {outcome}}',
    "mutation {exportRequest(input: {kind: MEMBERS}) {export {id}}}",
)
"""One of each mutation but those of the configuration."""


async def test_every_mutation_needs_a_token(world: World) -> None:
    async with world.nothing_written():
        for name, (_, given) in CONFIGURATION_MUTATIONS.items():
            answer = await Caller(world.client).ask(document_of(name), i=given)
            assert answer.refusal == ("UNAUTHENTICATED", "UNAUTHORIZED", "401", None), name
        for document in DOCUMENTS:
            for token in ("", "nonsense", world.ours.client_secret):
                answer = await Caller(world.client, token).ask(document)
                assert answer.status == 200
                assert answer.refusal == ("UNAUTHENTICATED", "UNAUTHORIZED", "401", None), document


async def test_there_is_a_test_for_every_mutation(server: Caller) -> None:
    answer = await server.ask("{__schema {mutationType {fields {name args {name}}}}}")
    fields = answer.data["__schema"]["mutationType"]["fields"]
    tested = {document.removeprefix("mutation {").partition("(")[0] for document in DOCUMENTS}
    # Those have modules of their own.
    proposals = {"attributeProposalApply", "attributeProposalDismiss"}
    files = {"batchRelease", "batchDiscard", "partnerServerSave", "partnerServerRemove", "partnerServerVisit"}
    elsewhere = {"pointsSimulate", "memberReferralCodeIssue", "rulesBackTest", *proposals, *files}
    assert {one["name"] for one in fields} == {*tested, *elsewhere, *CONFIGURATION_MUTATIONS}
    assert all(one["args"] == [{"name": "input"}] for one in fields)
