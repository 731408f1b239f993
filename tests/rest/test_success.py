"""What each operation answers when all is well: names, types and nesting are the contract."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from rest_compat.envelope import Family
from tests.rest.world import World

GUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")


SUCCESS = {"IsSucessful": True, "ErrorCode": "000", "ExceptionMessage": "Success", "Count": 0}

PROFILE = {
    "relation_reference": "Golden-1",
    "full_name": "Ada Byron",
    "email_id": "ada@example.com",
    "mobile_number": "+441234567",
    "gender": "F",
    "dob": "1990-12-31",
    "address": "1 Road",
    "preferred_language": "en",
    "status": "1",
    "card_id": "C-1",
    "shirt_size": 38,
}
BRIEF = {
    "RelationReference": "Golden-1",
    "FullName": "Ada Byron",
    "Email": "ada@example.com",
    "TierName": None,
    "TotalPoints": 0,
}
DETAILED = {
    "MobileNumber": "+441234567",
    "Address": "1 Road",
    "DOB": "1990-12-31T00:00:00",
    "Gender": "F",
    "Status": 1,
    "IsAccountActivated": True,
    "EnrollmentDate": "2026-02-03T11:46:03.703",
    "ActivatedDate": "2026-02-03T11:46:03.703",
    "LastLoggedIn": None,
    "IsAccrualAllowed": True,
    "CustomerSegment": "New members, Never purchased",
    "PreferredLanguage": "en",
    "Attributes": {"card_id": "C-1", "shirt_size": 38},
    "MemberRelationsList": [],
}


async def test_a_member_is_enrolled_read_found_and_changed(world: World) -> None:
    program = {"pintProgramId": world.credential.program_id}
    created = await world.call("CreateProfileWithAttributes", PROFILE, query=program)
    assert created.body == SUCCESS | {"ReturnObject": True}

    profile = await world.call("GetMemberProfile", query=program | {"pstrRelationReference": "Golden-1"})
    member_id = profile.value["Id"]
    assert profile.value == {"Id": member_id} | BRIEF | DETAILED

    attribute = {"pstrUniqueAttributeKey": "email_id", "pstrUniqueAttributeValue": "ADA@example.com"}
    found = await world.call("GetMemberDetailsByUniqueAttribute", query=attribute)
    assert found.value == {"Id": member_id} | BRIEF

    change = {"id": member_id, "data": {"full_name": "Ada Lovelace"}}
    changed = await world.call("UpdateProfileWithAttributes", change, query=program)
    assert changed.body == SUCCESS | {"ReturnObject": True}
    again = await world.call("GetMemberProfile", query={"RelationReference": "Golden-1"})
    assert again.value == profile.value | {"FullName": "Ada Lovelace"}

    change = {"id": member_id, "data": {"email_id": "", "dob": "", "address": None, "status": "", "card_id": ""}}
    assert (await world.call("UpdateProfileWithAttributes", change, query=program)).outcome == (200, "000")
    cleared = await world.call("GetMemberProfile", query={"RelationReference": "Golden-1"})
    assert cleared.value == again.value | {"Email": None, "DOB": None, "Attributes": {"shirt_size": 38}}


@dataclass(frozen=True)
class History:
    """A member who earned 17.5 points, redeemed 10 and got them back."""

    account: dict[str, Any]
    dates: dict[str, Any]
    redemption: str


@pytest_asyncio.fixture(scope="module")
async def history(world: World) -> History:
    reference = await world.member()
    account = {"RelationReference": reference, "ProgramId": world.credential.program_id, "RelationType": 4}
    earned = await world.call("InsertTransactionData", world.purchase(reference, 25, channel="web"))
    assert earned.body == SUCCESS | {"ReturnObject": True}
    assert earned.headers["x-points-awarded"] == "17.5"

    order = {"Points": 10, "Amount": 12.5, "MerchantName": "Shop", "LoyaltyTxnType": 5}
    redeemed = await world.call("RedeemPoints", account | order)
    assert GUID.fullmatch(redeemed.value)
    available = await world.call("CheckAvailability", account | {"TransactionCurrency": "DEFAULT"})
    assert available.body == SUCCESS | {"ReturnObject": 7.5}

    reversal = {"MerchantName": " SHOP ", "ExternalReference": redeemed.value.lower()}
    reversed_ = await world.call("ReversalPoints", account | reversal)
    assert reversed_.body == SUCCESS | {"ReturnObject": True}
    return History(account, {"DateFrom": "2026-01-01", "DateTo": "2026-12-31"}, redeemed.value)


async def test_the_summary_has_the_published_buckets(world: World, history: History) -> None:
    summary = await world.call("GetMemberStatementSummary", history.account)
    assert summary.value == {
        "PointBalance": 17.5,
        "Bonus": 5,
        "Spend": 12.5,
        "Redeem": 0,
        "Partner": 0,
        "Purchased": 0,
        "OtherAccrued": 0,
        "ExpiredPoints": 0,
    }


async def test_the_statement_lists_what_happened(world: World, history: History) -> None:
    asked = history.account | history.dates
    listed = await world.call("GetMemberTransactionSummaryByDate", asked | {"MaximumRange": 3})
    assert listed.envelope["Count"] == 4
    shown = ("Points", "TransactionType", "LoyaltyTxnType", "IsActive")
    assert [tuple(one[name] for name in shown) for one in listed.value] == [
        (10, 1, 11, True),
        (10, 2, 5, False),
        (5, 1, 2, True),
    ]
    bonus = listed.value[2]
    assert bonus == bonus | {
        "Narration": "Web bonus: Five on the web",
        "TransactionDate": "2026-02-03T11:16:03.703",
        "ProcessingDate": "2026-02-03T11:46:03.703",
        "RelationReference": history.account["RelationReference"],
    }
    # Twelve months, then to the end of the quarter.
    assert bonus["ExpiryDate"] == "2027-03-31T23:59:59.999"
    redemption = listed.value[1]
    assert (redemption["ExternalReference"], redemption["MerchantName"]) == (history.redemption, "Shop")

    rest = await world.call("GetMemberTransactionSummaryByDate", asked | {"MinimumRange": 3})
    assert [one["LoyaltyTxnType"] for one in rest.value] == [1]
    types = {"LoyaltyTxnType": 1, "AdditionalLoyaltyTxnTypes": "2, 5" + ", 1" * 60}
    narrowed = await world.call("GetMemberTransactionSummaryByDate", asked | types)
    assert [one["LoyaltyTxnType"] for one in narrowed.value] == [5, 2, 1]


@pytest.mark.parametrize("family", Family)
async def test_a_profile_that_looks_like_another_is_106(world: World, family: Family) -> None:
    reference = await world.member()
    before = await world.contents()
    for change in (
        {"relation_reference": f"{reference} "},
        {"relation_reference": f"{reference}\u200b"},
        {"relation_reference": f"\u202e{reference}"},
        {"relation_reference": f"{reference}\n"},
        {"memberId": f"{reference}\u00a0"},
        {"relation_reference": "New", "full_name": "\u202eevil"},
        {"relation_reference": "New", "address": "a\tb"},
    ):
        answer = await world.call("CreateProfileWithAttributes", change, family=family)
        assert answer.outcome == (400, "106"), change
    assert await world.contents() == before
    asked = {"pstrRelationReference": f"{reference}\u200b"}
    assert (await world.call("GetMemberProfile", query=asked, family=family)).outcome == (404, "103")


async def test_the_categories_add_up(world: World, history: History) -> None:
    categories = await world.call("GetMemberCategorizedStatement", history.account | history.dates)
    rows = [(row["Category"], row["LoyaltyTxnType"], row["Points"]) for row in categories.value]
    assert rows == [
        ("OpeningBalance", None, 0),
        ("Spend", 1, 12.5),
        ("Bonus", 2, 5),
        ("Redeem", 5, -10),
        ("Reversal", 11, 10),
        ("ClosingBalance", None, 17.5),
    ]
    assert categories.envelope["Count"] == 6


async def test_the_schedule_says_what_expires(world: World, history: History) -> None:
    schedule = await world.call("GetExpirySchedule", history.account | {"Year": 2027})
    due = {
        "ScheduleDate": "2027-03-31T23:59:59.999",
        "AccrualPoints": 17.5,
        "RedeemPoints": 0,
        "BlockedPoints": 0,
        "TotalExpiredPoints": 0,
        "TotalAvailablePoints": 17.5,
    }
    assert schedule.value == {"Period": "Quarterly", "ExpiryPeriod": [due]}
    other = await world.call("GetExpirySchedule", history.account | {"Year": 2026})
    assert other.value == {"Period": "Quarterly", "ExpiryPeriod": []}


@pytest.mark.parametrize("family", Family)
async def test_a_body_may_name_its_program_and_no_other(world: World, family: Family) -> None:
    member = await world.member()
    shown = (await world.call("GetMemberProfile", query={"pstrRelationReference": member})).value
    bodies = {
        "CreateProfileWithAttributes": {"relation_reference": f"{member}-2"},
        "UpdateProfileWithAttributes": {"id": shown["Id"], "data": {"full_name": "Ada"}},
        "InsertTransactionData": world.purchase(member, 10),
    }
    for operation, body in bodies.items():
        before = await world.contents()
        elsewhere = await world.call(operation, {**body, "ProgramId": world.credential.program_id + 1}, family=family)
        assert elsewhere.outcome == (403, "403")
        assert await world.contents() == before
        own = await world.call(operation, {**body, "ProgramId": world.credential.program_id}, family=family)
        assert own.outcome == (200, "000")
        assert "x-ignored-fields" not in own.headers


async def test_the_lbms_family_wraps_the_same_answers(world: World) -> None:
    reference = await world.member(points=10)
    plain = await world.call("CheckAvailability", {"RelationReference": reference})
    wrapped = await world.call("CheckAvailability", {"RelationReference": reference}, family=Family.LBMS)
    assert wrapped.body == {"results": plain.body}
    shouted = await world.send(
        "POST",
        "/LBMS-INGRESS/PG-LM/api/pg/CHECKAVAILABILITY",
        content=b'{"RelationReference":"%s"}' % reference.encode(),
        token=world.token,
    )
    assert shouted.body == wrapped.body


async def test_the_short_form_takes_the_defaults_of_the_program(world: World) -> None:
    reference = await world.member(points=10)
    redeemed = await world.call("RedeemPoints", {"memberId": reference, "points": 4, "amount": 4})
    assert redeemed.outcome == (200, "000")
    reversal = {"memberId": reference, "ExternalReference": redeemed.value}
    assert (await world.call("ReversalPoints", reversal)).outcome == (200, "000")


async def test_a_bound_token_need_not_name_its_member(world: World) -> None:
    reference = await world.member(points=10)
    token = await world.bound_token(reference)
    profile = await world.call("GetMemberProfile", token=token)
    assert (profile.value["RelationReference"], profile.value["TotalPoints"]) == (reference, 10)
    assert (await world.call("CheckAvailability", {}, token=token)).value == 10
