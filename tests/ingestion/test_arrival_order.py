"""The files of one night in every order of arrival: the ledger is the same."""

import random
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

from resolvers.attribute_proposal import list_attribute_proposals
from resolvers.batch import list_batches
from resolvers.verification import verify_ledger
from tests.database import sqlite_copy
from tests.ingestion.desk import Desk, new_program, open_desk, points_of
from tests.scale import long_run

RULES = b"""
version: 1
program: {points_decimals: 2}
expiry: {policy: months, months: 24, period_end: quarter}
files: {park_unknown_members: true}
product_codes: [{code: MUSIC}]
aggregates: [{key: purchases, function: count, period: lifetime}]
rule_groups:
  - name: Base
    caps: {day: 30}
    rules:
      - {name: A point, award: {type: per_unit, of: transaction.amount, points: 1, per: 1}}
      - name: By card
        when: {attribute: sub_relation.type, op: eq, value: CARD}
        award: {type: multiplier, factor: 2}
  - name: Second
    category: bonus
    rules: [{name: Second, award: {type: every_nth, count: purchases, n: 2, points: 5}}]
"""
NIGHT = {
    "CPD": "relation_reference,status\n" + "".join(f"M{n},{4 if n == 5 else 1}\n" for n in range(1, 7)),
    "CRD": "member_relation_reference,card_number,sub_relation_identifier,sub_relation_type\n"
    "M1,4111111111111111,,CREDIT\nM2,,A-2,ACCOUNT\nM3,5555555555554444,A-3,\nM6,77,,\nM1,77,,\nM99,4711,,\n",
    "TXN": "transaction_id,transaction_type,amount,transaction_date,member_relation_reference,card_number,"
    "sub_relation_identifier,product_code\n"
    # The cap of the day cuts the second: their order shows.
    "T1,DR,20,2026-07-01,,4111111111111111,,MUSIC\nT2,DR,12.5,2026-07-01,,4111111111111111,,MUSIC\n"
    "T3,DR,7,2026-07-01,,,A-2,MUSIC\nT3,CR,2,2026-07-02,,,A-2,MUSIC\nT4,DR,40,2026-07-01,M4,,,MUSIC\n"
    "T5,DR,9,2026-07-03,M4,,,MUSIC\nT4,DR,9,2026-07-03,M4,,,MUSIC\nT6,CR,3,2026-07-01,M3,,,MUSIC\n"
    "T6,DR,15,2026-07-01,M3,,,MUSIC\nT7,DR,5,2026-07-01,,77,,MUSIC\nT8,DR,5,2026-07-01,M5,,,MUSIC\n"
    "T9,DR,5,2026-07-01,M1,,,FILM\nT10,DR,5,2026-07-01,M98,,,MUSIC\n",
    "BNS": "member_relation_reference,bonus_points,bonus_type,award_date\n"
    "M1,5,,2026-07-01\nM2,6,PARTNER,2026-07-01\nM5,7,,2026-07-01\nM1,8,,2020-01-01\nM97,1,,\n",
    "ATT": "entity,key,name,data_type\nmember,shoe_size,Shoe size,int\ntransaction,quantity,Quantity,int\n",
}
Outcome = tuple[str, dict[str, object], list[tuple[str, int, int, int]], dict[str, list[tuple[str, str, str]]]]


async def night(first: Desk, order: Sequence[str], name: str) -> Outcome:
    """What comes of the files in this order, in a program of their own."""
    desk = Desk(await new_program(first.ctx.services, RULES, name), first.data_dir, first.uploads)
    for file_type in order:
        await desk.load(f"Night_{file_type}.csv", NIGHT[file_type])
    sums = [(one.type, one.accepted, one.rejected, one.parked) for one in await list_batches(desk.ctx)]
    rows = {
        file_type: [(row["line"], row["status"], row["code"]) for row in desk.results(f"Night_{file_type}")]
        for file_type in NIGHT
    }
    assert len(await list_attribute_proposals(desk.ctx, first=10)) == 2
    return await desk.digest(), dict(await points_of(desk)), sorted(sums), rows


async def same_in_every_order(url: str, folder: Path, orders: Sequence[Sequence[str]]) -> None:
    async with open_desk(url, folder) as desk:
        expected = await night(desk, tuple(NIGHT), "In turn")
        assert expected[1]["M1"] == (30, 18)
        assert [row for row in expected[3]["TXN"] if row[1] != "ACCEPTED"] == [
            ("8", "REJECTED", "1201"),
            ("11", "REJECTED", "118"),
            ("12", "REJECTED", "113"),
            ("13", "REJECTED", "105"),
            ("14", "PARKED", "103"),
        ]
        for number, order in enumerate(orders):
            assert await night(desk, order, f"Order {number}") == expected, order
        assert await verify_ledger(desk.ctx.services) == []


async def test_every_order_gives_the_same_ledger(sqlite_template: Path, tmp_path: Path) -> None:
    orders = list(permutations(NIGHT))
    with sqlite_copy(sqlite_template) as url:
        await same_in_every_order(url, tmp_path, orders if long_run else random.Random(20).sample(orders, 20))


async def test_some_orders_give_the_same_ledger_on_each_database(database_url: str, tmp_path: Path) -> None:
    orders = random.Random(7).sample(list(permutations(NIGHT)), 40 if long_run else 6)
    await same_in_every_order(database_url, tmp_path, [tuple(reversed(tuple(NIGHT))), *orders])
