"""What an accepted row says that gave no points."""

from resolvers.program import apply_configuration
from tests.ingestion.desk import MEMBERS, Desk, transactions

CAPPED = b"""
version: 1
product_codes: [{code: MUSIC}, {code: BOOK}]
rule_groups:
  - name: Purchases
    caps: {day: 20}
    rules:
      - name: A point per dollar
        when: {attribute: transaction.product_code, op: eq, value: MUSIC}
        award: {type: per_unit, of: transaction.amount, points: 1, per: 1}
"""


async def test_an_accepted_row_without_points_says_why(desk: Desk) -> None:
    await apply_configuration(desk.ctx, CAPPED, prune=True)
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load(
        "July_TXN.csv",
        transactions(
            "T1,DR,30,2026-07-01,M1,MUSIC",
            "T2,DR,5,2026-07-01,M1,MUSIC",
            "T3,DR,5,2026-07-01,M1,BOOK",
            "T4,DR,0.3,2026-07-01,M2,MUSIC",
            "T5,CR,5,2026-07-01,M1,MUSIC",
            "T3,CR,5,2026-07-02,M1,BOOK",
        ),
    )
    assert [(row["status"], row["message"], row["points"]) for row in desk.results("July_TXN")] == [
        ("ACCEPTED", "Success", "20"),
        ("ACCEPTED", "Success (a cap was reached)", "0"),
        ("ACCEPTED", "Success (no rule matched)", "0"),
        ("ACCEPTED", "Success (less than the smallest point)", "0"),
        ("ACCEPTED", "Success (waits for its purchase)", "0"),
        ("ACCEPTED", "Success (nothing to take back)", "0"),
    ]
