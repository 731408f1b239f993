"""A member with everything that can be known of one, and a search for it in the whole database."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from resolvers.context import Context
from resolvers.member import EnrollMember, UpdateMember, enroll_member, update_member
from resolvers.program import apply_configuration
from resolvers.redemption import RedeemPoints, redeem_points
from resolvers.sub_relation import LinkSubRelation, link_sub_relation
from resolvers.token import IssueToken, issue_token
from resolvers.transaction import SubmitTransaction, submit_transaction
from tests.resolvers.conftest import RULES, Shop

ANN: dict[str, Any] = {
    "relation_reference": "ann-4711",
    "status": 1,
    "full_name": "Ann Example",
    "email_id": "ann@example.org",
    "mobile_number": "+491701234567",
    "address": "12 Elm Street",
    "dob": "1985-12-10",
    "preferred_language": "Klingon",
    "passport": "P-PASS-123",
    "nickname": "Annie",
}
SECRETS = (
    *(str(ANN[key]) for key in ANN if key != "status"), "4111111111111111", "A-LINK-1", "SILVER-PLAN", "gift-for-bob",
)  # fmt: skip
PERSONAL_RULES = RULES.replace(
    b"transaction_attributes: [", b"transaction_attributes: [{key: note, name: Note, type: string, pi: true}, "
).replace(b"member_attributes: [", b"member_attributes: [{key: nickname, name: Nickname, type: string}, ")


async def ann(shop: Shop) -> tuple[Context, int, str]:
    """A member with everything that can be known of one; the context, its id and a redemption."""
    context = shop.contexts[0]
    await apply_configuration(context, PERSONAL_RULES)
    enrolled = (await enroll_member(context, EnrollMember(values=ANN, idempotency_key="enrol"))).member
    change = UpdateMember(values={"full_name": "Ann Example"}, member_id=enrolled.id, idempotency_key="update")
    await update_member(context, change)
    await link_sub_relation(
        context,
        LinkSubRelation(
            relation_reference="ann-4711",
            type="CARD",
            card_number="4111111111111111",
            sub_relation_identifier="A-LINK-1",
            product_code="SILVER-PLAN",
            idempotency_key="link",
        ),
    )
    await submit_transaction(context, purchase("ann-4711"))
    redeemed = await redeem_points(context, redemption("ann-4711"))
    credential = shop.credentials[0]
    await issue_token(
        shop.services,
        IssueToken(
            grant_type="client_credentials",
            client_id=credential.client_id,
            client_secret=credential.client_secret,
            scope='["LOGIN", "ann-4711"]',
        ),
    )
    return context, enrolled.id, str(redeemed.external_reference)


def purchase(reference: str, name: str = "T1") -> SubmitTransaction:
    return SubmitTransaction(
        transaction_id=name,
        transaction_type="DR",
        amount=Decimal(100),
        transaction_date=datetime(2026, 2, 1, tzinfo=UTC),
        member_relation_reference=reference,
        attributes={"quantity": 3, "note": "gift-for-bob"},
        idempotency_key=f"key-{name}",
    )


def redemption(reference: str) -> RedeemPoints:
    return RedeemPoints(relation_reference=reference, points=Decimal(5), merchant_name="Shop", loyalty_txn_type=30)


def revealed(rows: dict[str, list[tuple[Any, ...]]]) -> set[str]:
    """Which of the secrets stand in any column of any table, as text or as bytes."""
    cells = [cell for table in rows.values() for row in table for cell in row]
    stored = b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells).lower()
    return {secret for secret in SECRETS if secret.lower().encode() in stored}
