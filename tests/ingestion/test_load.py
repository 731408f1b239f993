"""Loading files: what is posted, what is rejected, and what is handed back."""

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal

from resolvers.member import EnrollMember, enroll_member, get_member
from resolvers.program import apply_configuration
from resolvers.transaction import SubmitTransaction, submit_transaction
from tests.ingestion.desk import MEMBERS, NOW, RULES, TXN_HEADER, Desk, new_program, points_of, transactions

SMALL_FILE = (
    f"{TXN_HEADER},quantity\r\n"
    "T1,DR,29.33,2026-07-01,M1,MUSIC,5\r\n"
    "T2,dr,0.50,2026-07-02T10:00:00,M2,MUSIC,\r\n"
    "T3,DR,7,2026-07-03,M1,BOOK,1\r\n"
)


async def test_members_and_transactions_arrive(desk: Desk) -> None:
    members = await desk.load("July_CPD.csv", MEMBERS)
    assert (members.batch.accepted, members.batch.rejected, int(members.totals.awarded)) == (20, 0, 0)
    await desk.load("July_TXN.csv", SMALL_FILE)
    assert await points_of(desk) == {
        "M1": (Decimal("29.33"), Decimal(10)),
        "M2": (Decimal("0.50"), Decimal(0)),
    }


async def test_the_outcome_of_every_row_is_handed_back(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load("July_TXN.csv", SMALL_FILE)
    results = desk.results("July_TXN")
    assert [(row["line"], row["status"], row["code"], row["message"], row["points"]) for row in results] == [
        ("2", "ACCEPTED", "000", "Success", "39.33"),
        ("3", "ACCEPTED", "000", "Success", "0.5"),
        ("4", "ACCEPTED", "000", "Success (no rule matched)", "0"),
    ]
    assert [len(row["external_reference"]) for row in results] == [36, 36, 0]
    assert results[0]["external_reference"] == results[0]["external_reference"].upper()
    assert desk.rejects("July_TXN") == f"{TXN_HEADER},quantity\r\n".encode()
    assert not list((desk.handback.parent / "work").iterdir())


async def test_the_summary_adds_up(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    loaded = await desk.load("July_TXN.csv", SMALL_FILE)
    assert desk.summary("July_TXN") == {
        "file": "July_TXN.csv",
        "type": "TXN",
        "batch_id": loaded.batch.id,
        "status": "FINISHED",
        "code": None,
        "message": None,
        "sha256": hashlib.sha256(SMALL_FILE.encode()).hexdigest(),
        "rows": 3,
        "accepted": 3,
        "rejected": 0,
        "parked": 0,
        "pending": 0,
        "rejected_by_code": {},
        "amount": Decimal("36.83"),
        "amount_purchases": Decimal("36.83"),
        "amount_refunds": 0,
        "points_awarded": Decimal("39.83"),
        "points_taken": 0,
        "ignored_columns": [],
        "started_at": "2026-07-15T12:00:00.000Z",
        "finished_at": "2026-07-15T12:00:00.000Z",
    }


async def test_the_row_that_makes_points_move_counts_them(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load("Early_TXN.csv", transactions("T1,CR,4,2026-07-02,M1,MUSIC"))
    await desk.load("Late_TXN.csv", transactions("T1,DR,10,2026-07-01,M1,MUSIC", "T2,DR,1,2026-07-01,M1,MUSIC"))
    assert [(row["message"], row["points"]) for row in desk.results("Early_TXN") + desk.results("Late_TXN")] == [
        ("Success (waits for its purchase)", "0"),
        ("Success (a refund had waited for it)", "6"),
        ("Success", "1"),
    ]
    summary = desk.summary("Late_TXN")
    assert (summary["points_awarded"], summary["points_taken"]) == (7, 0)
    assert (await points_of(desk))["M1"] == (7, 0)
    [early, late] = [desk.summary(f"{name}_TXN") for name in ("Early", "Late")]
    names = ("amount", "amount_purchases", "amount_refunds")
    assert [[one[name] for name in names] for one in (early, late)] == [[4, 0, 4], [11, 11, 0]]


async def test_a_row_earns_what_the_api_would_have_given(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load("July_TXN.csv", transactions("T1,DR,29.335,2026-07-01,M1,MUSIC", "T2,DR,1.005,2026-03-08,M1,MUSIC"))
    by_file = await points_of(desk)
    for number, (amount, day) in enumerate([("29.335", 1), ("1.005", 8)]):
        await submit_transaction(
            desk.ctx,
            SubmitTransaction(
                transaction_id=f"A{number}",
                transaction_type="DR",
                amount=Decimal(amount),
                transaction_date=NOW - timedelta(days=day),
                member_relation_reference="M2",
                product_code="MUSIC",
            ),
        )
    assert (await points_of(desk))["M2"] == by_file["M1"]


BAD_ROWS: list[tuple[str | bytes, str, str]] = [
    # what stands in the file, the code, a part of the message
    ("T10,DR,1,2026-07-01,M1", "1302", "5 columns where the header has 6"),
    ("T11,DR,1,2026-07-01,M1,MUSIC,x", "1302", "7 columns where the header has 6"),
    ('T12,DR,1,2026-07-01,M1,"MUSIC', "1302", ""),
    ("T13,DR,1,2026-07-01,M\0,MUSIC", "1302", "a NUL byte"),
    (b"T14,DR,1,2026-07-01,M\xe9,MUSIC", "1302", "not UTF-8 text"),
    ("T15,DR,1,2026-07-01," + "M" * 70_000 + ",MUSIC", "1302", "longer than 65536 bytes"),
    (",DR,1,2026-07-01,M1,MUSIC", "999", "transaction_id: is missing"),
    ("T17,,1,2026-07-01,M1,MUSIC", "999", "transaction_type: is missing"),
    ("T18,DR,one,2026-07-01,M1,MUSIC", "999", "amount: "),
    ("T19,DR,1e3,2026-07-01,M1,MUSIC", "999", "amount: "),
    ("T20,DR,-1,2026-07-01,M1,MUSIC", "998", "amount: "),
    ("T21,DR,1,2026-02-30,M1,MUSIC", "999", "transaction_date: "),
    ("T22,DR,1,1850-01-01,M1,MUSIC", "999", "transaction_date: "),
    ("T23,XX,1,2026-07-01,M1,MUSIC", "998", "transaction_type: "),
    ("T24,DR,1,2026-07-01,M1,SHOES", "105", "Invalid product code"),
    ("T25,DR,1,2026-07-01,NOBODY,MUSIC", "103", "Member does not exist"),
    ("T26,DR,1,2026-07-01,M18,MUSIC", "114", "Member is suspended"),
    ("T27,DR,1,2026-07-01,M19,MUSIC", "113", "Member is cancelled"),
    ("T28,DR,1,2026-07-01,M20,MUSIC", "115", "Membership is blocked"),
    ("T1,DR,1,2026-07-01,M1,MUSIC", "1201", "Duplicate record"),
    ("T1,CR,1,2026-07-01,M2,MUSIC", "998", "transaction_id: a purchase of another member"),
    ("T" * 101 + ",DR,1,2026-07-01,M1,MUSIC", "998", "transaction_id"),
    # What looks like an id that has earned.
    ("\u00a0T1,DR,1,2026-07-01,M1,MUSIC", "1201", "Duplicate record"),
    ("T1\u200b,DR,1,2026-07-01,M1,MUSIC", "998", "transaction_id: invisible characters"),
]


def as_bytes(row: str | bytes) -> bytes:
    """The row as it stands in a file."""
    return row if isinstance(row, bytes) else row.encode()


async def test_a_bad_row_is_rejected_alone_and_as_the_api_would(desk: Desk) -> None:
    members = MEMBERS.replace("M18,Member 18,1", "M18,x,2").replace("M19,Member 19,1", "M19,x,4")
    await desk.load("July_CPD.csv", members.replace("M20,Member 20,1", "M20,x,6"))
    # Every bad row stands between two good ones.
    lines = [TXN_HEADER.encode(), b"T1,DR,1,2026-07-01,M1,MUSIC"]
    for number, (row, _, _) in enumerate(BAD_ROWS):
        lines += [as_bytes(row), f"G{number},DR,1,2026-07-01,M2,MUSIC".encode()]
    loaded = await desk.load("July_TXN.csv", b"\n".join(lines))

    assert (loaded.batch.accepted, loaded.batch.rejected) == (1 + len(BAD_ROWS), len(BAD_ROWS))
    assert await points_of(desk) == {"M1": (1, 0), "M2": (len(BAD_ROWS), 0)}
    results = {int(row["line"]): row for row in desk.results("July_TXN")}
    for number, (_, code, message) in enumerate(BAD_ROWS):
        rejected, accepted = results[3 + 2 * number], results[4 + 2 * number]
        assert (rejected["status"], rejected["code"]) == ("REJECTED", code), rejected
        assert message in rejected["message"]
        assert (rejected["points"], rejected["external_reference"]) == ("0", "")
        assert (accepted["status"], accepted["points"]) == ("ACCEPTED", "1")
    as_they_came = b"".join(as_bytes(row)[:65_537] + b"\n" for row, _, _ in BAD_ROWS)
    assert desk.rejects("July_TXN").startswith(TXN_HEADER.encode() + b"\n")
    # The line that is far too long is cut; all others are there byte for byte.
    assert desk.rejects("July_TXN").replace(b"\n", b"") == (TXN_HEADER.encode() + as_they_came).replace(b"\n", b"")
    by_code: dict[str, int] = {}
    for _, code, _ in BAD_ROWS:
        by_code[code] = by_code.get(code, 0) + 1
    assert desk.summary("July_TXN")["rejected_by_code"] == by_code


async def test_corrected_rejects_complete_the_set(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    good = transactions(*(f"T{n},DR,{n},2026-07-01,M{n},MUSIC" for n in range(1, 21)))
    bad = good.replace("T7,DR,7,", "T7,DR,seven,").replace(",M9,MUSIC", ",M9,MUSIK").replace("T12,DR", "T12,DR,")
    await desk.load("July_TXN.csv", bad)
    assert [row["line"] for row in desk.results("July_TXN") if row["status"] == "REJECTED"] == [
        "8",
        "10",
        "13",
    ]
    rejects = desk.rejects("July_TXN").decode()
    corrected = rejects.replace("seven", "7").replace("MUSIK", "MUSIC").replace("T12,DR,,", "T12,DR,")
    again = await desk.load("July_corrected_TXN.csv", corrected)
    assert (again.batch.accepted, again.batch.rejected) == (3, 0)
    assert await points_of(desk) == {f"M{n}": (n, 0) for n in range(1, 21)}


async def test_member_rows_enrol_update_and_change_the_status(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    rows = [
        "relation_reference,full_name,email_id,genre,status,action",
        "M1,Ada,ada@example.org,jazz,,",
        "M2,,,,,SUSPEND",
        "M3,Again,,,,NEW",
        "M99,,,,,UPDATE",
        "M4,,ada@example.org,,,",
        "M5,,,polka,,",
        "M6,,,,9,",
        "M21,New,,rock,1,",
        "M2,,,,,REACTIVATE",
        "M7,,,,,close",
        "M7,Late,,,,UPDATE",
        "M8,,,,,DELETE",
        "M7,,,,,REACTIVATE",
    ]
    await desk.load("August_CPD.csv", "\n".join(rows))
    codes = [row["code"] for row in desk.results("August_CPD")]
    assert codes == ["000", "000", "1201", "103", "1205", "106", codes[6], "000", "000", "000", "1204", "999", "1204"]
    assert codes[6] in {"998", "106"}
    ada = await get_member(desk.ctx, "M1")
    assert (ada.full_name, ada.email_id, ada.attributes, ada.status) == (
        "Ada",
        "ada@example.org",
        {"genre": "jazz"},
        1,
    )
    assert [(await get_member(desk.ctx, f"M{n}")).status for n in (2, 3, 6, 7, 21)] == [1, 1, 1, 4, 1]
    assert (await get_member(desk.ctx, "M3")).full_name == "Member 3"


async def test_a_key_that_the_api_has_seen_earns_nothing_more(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await submit_transaction(
        desk.ctx,
        SubmitTransaction(
            transaction_id="T1",
            transaction_type="DR",
            amount=Decimal(5),
            transaction_date=datetime(2026, 7, 15),  # noqa: DTZ001 - local time of the program
            member_relation_reference="M1",
            product_code="MUSIC",
            idempotency_key="K1",
        ),
    )
    rows = [
        "T1,DR,5,2026-07-15,M1,MUSIC,K1",
        "T1,DR,6,2026-07-15,M1,MUSIC,K1",
        "T2,DR,7,2026-07-15,M2,MUSIC,K2",
        "T2,DR,7,2026-07-15,M2,MUSIC,K2",
    ]
    header = f"{TXN_HEADER},_xoxo_api_client_idempotency"
    await desk.load("July_TXN.csv", "\n".join([header, *rows]))
    results = [(row["code"], row["message"], row["points"]) for row in desk.results("July_TXN")]
    assert results == [
        ("000", "Success (replayed)", "0"),
        ("409", "Idempotency key reused with another body", "0"),
        ("000", "Success", "7"),
        ("000", "Success (replayed)", "0"),
    ]
    assert await points_of(desk) == {"M1": (5, 0), "M2": (7, 0)}
    assert desk.summary("July_TXN")["points_awarded"] == 7


async def test_a_file_of_one_program_is_nothing_to_another(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    other = Desk(await new_program(desk.ctx.services, RULES, "Other"), desk.data_dir, desk.uploads)
    loaded = await other.load("July_CPD.csv", MEMBERS)
    assert loaded.batch.accepted == 20
    assert other.handback != desk.handback
    rejected = await desk.load("July_TXN.csv", transactions("T1,DR,1,2026-07-01,M1,MUSIC"))
    assert rejected.batch.accepted == 1
    assert await points_of(other) == {}


async def test_members_that_the_api_enrolled_are_updated_by_a_file(desk: Desk) -> None:
    await enroll_member(desk.ctx, EnrollMember(values={"relation_reference": "M1", "full_name": "Before"}))
    await desk.load("July_CPD.csv", "relation_reference|full_name\nM1|After\n")
    assert (await get_member(desk.ctx, "M1")).full_name == "After"


async def test_blanks_around_values_are_taken_off(desk: Desk) -> None:
    await desk.load("July_CPD.csv", "relation_reference,full_name,status\n M1 , Ada L. ,1 \n")
    assert (await get_member(desk.ctx, "M1")).full_name == "Ada L."
    await desk.load(
        "July_TXN.csv", transactions(" T1 ,DR , 1, 2026-07-01 ,\tM1, MUSIC ", "T2,DR,1,2026-07-01,  ,MUSIC")
    )
    assert [(one["code"], one["points"]) for one in desk.results("July_TXN")] == [("000", "1"), ("999", "0")]


async def test_referrals_are_rewarded_by_rows_of_files(desk: Desk) -> None:
    terms = b"referrals: {enabled: true, reward_on: first_transaction, referrer_points: 5, referee_points: 3}"
    await apply_configuration(desk.ctx, b"version: 1\n" + terms)
    await desk.load("July_CPD.csv", MEMBERS)
    ann = await get_member(desk.ctx, "M1")
    for reference in ("R1", "R2"):
        values = {"relation_reference": reference}
        await enroll_member(desk.ctx, EnrollMember(values=values, referral_code=ann.referral_code))
    rows = [f"T{number},DR,1,2026-07-01,R{number % 2 + 1},BOOK" for number in range(4)]
    await desk.load("July_TXN.csv", "\n".join([TXN_HEADER, *rows]) + "\n")
    assert await points_of(desk) == {
        "M1": (Decimal(0), Decimal(10)),
        "R1": (Decimal(0), Decimal(3)),
        "R2": (Decimal(0), Decimal(3)),
    }
