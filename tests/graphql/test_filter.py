"""Filters and orders of lists: what they leave, with pages, and what is no filter."""

from datetime import timedelta
from typing import Any

from tests.graphql.test_tier import TIERS, under
from tests.graphql.world import Caller, World

MEMBERS = """query($f: MembersFilter, $o: MembersOrder, $first: Int, $after: String, $last: Int, $before: String) {
    page: members(filter: $f, orderBy: $o, first: $first, after: $after, last: $last, before: $before) {
        totalCount edges {cursor node {relationReference}}
        pageInfo {hasNextPage hasPreviousPage endCursor startCursor}}}"""
LEDGER = """query($r: String!, $f: LedgerFilter, $first: Int, $after: String, $last: Int, $before: String) {
    member(reference: $r) {page: ledger(filter: $f, first: $first, after: $after, last: $last, before: $before) {
        totalCount edges {cursor node {kind points}} pageInfo {hasNextPage hasPreviousPage endCursor startCursor}}}}"""
TRANSACTIONS = """query($r: String!, $f: TransactionsFilter, $first: Int, $after: String) {
    member(reference: $r) {page: transactions(filter: $f, first: $first, after: $after) {
        edges {cursor node {transactionId}} pageInfo {hasNextPage endCursor}}}}"""
BY_REFERENCE = {"field": "REFERENCE"}
LATEST = {"field": "ENROLLMENT", "direction": "DESC"}


async def _members(caller: Caller, **given: Any) -> tuple[list[str], Any]:
    page = (await caller.ask(MEMBERS, **given)).data["page"]
    return [edge["node"]["relationReference"] for edge in page["edges"]], page


async def test_members_are_found_by_what_they_are(world: World, server: Caller) -> None:
    await under(server, TIERS)
    people: tuple[dict[str, Any], ...] = (
        {"relationReference": "b-1", "emailId": "Ann@Example.com"},
        {"relationReference": "a-1", "mobileNumber": "+491701234567"},
        {"relationReference": "b-2", "status": "LOGIN_BLOCKED"},
        {"relationReference": "B-3", "status": "INACTIVE"},
        {"relationReference": "\u00fc-1"},
    )
    for one in people:
        await world.member(server, **one)
        world.clock[0] += timedelta(days=1)
        server = await world.caller()
    await world.earn(server, "a-1", 150)
    cases: tuple[tuple[dict[str, Any], list[str]], ...] = (
        ({}, ["b-1", "a-1", "b-2", "B-3", "\u00fc-1"]),
        ({"statuses": ["LOGIN_BLOCKED", "INACTIVE"]}, ["b-2", "B-3"]),
        ({"statuses": []}, []),
        ({"statuses": ["ACTIVE", "ACTIVE"]}, ["b-1", "a-1", "\u00fc-1"]),
        ({"enrolledFrom": "2026-02-04"}, ["a-1", "b-2", "B-3", "\u00fc-1"]),
        ({"enrolledFrom": "2026-02-04", "enrolledTo": "2026-02-05"}, ["a-1", "b-2"]),
        ({"enrolledTo": "2026-02-03"}, ["b-1"]),
        ({"tier": "Gold"}, ["a-1"]),
        ({"tier": "Gold", "statuses": ["SUSPENDED"]}, []),
        ({"referencePrefix": "b"}, ["b-1", "b-2"]),
        ({"referencePrefix": "b-2"}, ["b-2"]),
        ({"referencePrefix": "\u00fc"}, ["\u00fc-1"]),
        ({"referencePrefix": "b", "statuses": ["LOGIN_BLOCKED"]}, ["b-2"]),
        ({"referencePrefix": "%"}, []),
        ({"emailId": "ann@example.COM"}, ["b-1"]),
        ({"emailId": "ann@example"}, []),
        ({"mobileNumber": "+491701234567"}, ["a-1"]),
    )
    for given, expected in cases:
        found, page = await _members(server, f=given)
        assert (found, page["totalCount"]) == (expected, len(expected)), given


async def test_members_are_ordered_as_asked_for_and_paged_in_that_order(world: World, server: Caller) -> None:
    for reference in ("b", "a", "C", "d"):
        await world.member(server, relationReference=reference)
        world.clock[0] += timedelta(hours=1)
        server = await world.caller()
    for order, expected in (
        (None, ["b", "a", "C", "d"]),
        (LATEST, ["d", "C", "a", "b"]),
        (BY_REFERENCE, ["C", "a", "b", "d"]),
        (BY_REFERENCE | {"direction": "DESC"}, ["d", "b", "a", "C"]),
    ):
        first, page = await _members(server, o=order, first=2)
        assert (first, page["pageInfo"]["hasNextPage"]) == (expected[:2], True)
        rest, info = await _members(server, o=order, first=2, after=page["pageInfo"]["endCursor"])
        assert (rest, info["pageInfo"]["hasNextPage"]) == (expected[2:], False)
        assert (await _members(server, o=order, last=3))[0] == expected[1:]
        back = await _members(server, o=order, last=1, before=info["pageInfo"]["startCursor"])
        assert back[0] == expected[1:2]


async def test_a_cursor_is_good_under_another_filter_and_in_no_other_order(world: World, server: Caller) -> None:
    for number in range(4):
        await world.member(server, relationReference=f"M-{number}", status="ACTIVE" if number % 2 else "INACTIVE")
    _, page = await _members(server, first=1)
    cursor = page["pageInfo"]["endCursor"]
    assert (await _members(server, f={"statuses": ["INACTIVE"]}, after=cursor))[0] == ["M-2"]
    assert (await _members(server, o=LATEST, after=cursor))[0] == []
    refused = ("BAD_USER_INPUT", "BAD_REQUEST", "999", "after")
    assert (await server.ask(MEMBERS, o=BY_REFERENCE, after=cursor)).refusal == refused
    assert (await server.ask(MEMBERS, f={"referencePrefix": "M"}, after=cursor)).refusal == refused
    # Well-formed, but of nobody.
    assert (await server.ask(MEMBERS, after="bWVtYmVyczo5OTk5")).refusal == refused


async def test_what_is_no_filter_of_members_is_refused(world: World, server: Caller) -> None:
    by_enrolment = {"f": {"referencePrefix": "M"}, "o": {"field": "ENROLLMENT"}}
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"f": {"referencePrefix": ""}}, "referencePrefix"),
        ({"f": {"emailId": "x" * 501}}, "emailId"),
        ({"f": {"statuses": ["ACTIVE"] * 101}}, "statuses"),
        ({"f": {"enrolledFrom": "2026-02-02", "enrolledTo": "2026-02-01"}}, "enrolledTo"),
        (by_enrolment, "orderBy"),
    )
    for given, field in cases:
        answer = await server.ask(MEMBERS, **given)
        assert answer.refusal == ("BAD_USER_INPUT", "INVALID_REQUEST", "998", field), given
    app = await world.caller(member=await world.member(server))
    assert (await app.ask(MEMBERS, f={"emailId": "a@b.c"})).refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)


async def test_a_ledger_is_narrowed_and_paged(world: World, server: Caller) -> None:
    reference = await world.member(server)
    web = [{"key": "channel", "value": "web"}]
    for day in range(1, 6):
        await world.earn(server, reference, day, transactionDate=f"2026-01-0{day}T10:00:00+05:30", attributes=web)
    await world.redeem(server, reference, 2)

    async def ledger(caller: Caller = server, **given: Any) -> tuple[list[str], Any]:
        page = (await caller.ask(LEDGER, r=reference, **given)).data["member"]["page"]
        return [edge["node"]["points"] for edge in page["edges"]], page

    app = await world.caller(member=reference)
    cases: tuple[tuple[dict[str, Any], list[str]], ...] = (
        ({"kinds": ["REDEMPTION"]}, ["-2"]),
        ({"kinds": []}, []),
        ({"buckets": ["SPEND"]}, ["5", "4", "3", "2", "1"]),
        ({"buckets": ["BONUS"], "from": "2026-01-02", "to": "2026-01-03"}, ["5", "5"]),
        ({"buckets": ["SPEND", "REDEEM"], "from": "2026-01-05"}, ["-2", "5"]),
        ({"kinds": ["EARN"], "buckets": ["REDEEM"]}, []),
    )
    for given, expected in cases:
        for caller in (server, app):
            found, page = await ledger(caller, f=given)
            assert (found, page["totalCount"]) == (expected, len(expected)), given
    spent = {"buckets": ["SPEND"]}
    first, page = await ledger(f=spent, first=2)
    assert (first, page["totalCount"]) == (["5", "4"], 5)
    second, info = await ledger(f=spent, first=2, after=page["pageInfo"]["endCursor"])
    assert (second, info["pageInfo"]["hasNextPage"]) == (["3", "2"], True)
    assert (await ledger(f=spent, last=2, before=info["pageInfo"]["startCursor"]))[0] == ["5", "4"]
    assert (await ledger(f=spent, last=2))[0] == ["2", "1"]
    # A place in time is one under any filter.
    assert (await ledger(f={"buckets": ["BONUS"]}, after=info["pageInfo"]["endCursor"]))[0] == ["5"]
    answer = await server.ask(LEDGER, r=reference, f={"from": "2026-01-02", "to": "2026-01-01"})
    assert answer.refusal == ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "to")
    answer = await server.ask(LEDGER, r=reference, f={"kinds": ["EARN"] * 101})
    assert answer.refusal == ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "kinds")


async def test_transactions_are_narrowed_and_paged(world: World, server: Caller) -> None:
    reference = await world.member(server)
    for day in range(1, 5):
        await world.earn(server, reference, day, transactionId=f"T{day}", transactionDate=f"2026-01-0{day}T10:00:00Z")
    submit = "mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {isParked}}"
    for transaction_id, parked in (("T4", False), ("T9", True)):
        given = world.purchase(reference, 1, transactionId=transaction_id, transactionType="CR")
        assert (await server.ask(submit, i=given)).data["transactionSubmit"]["isParked"] is parked
    cases: tuple[tuple[dict[str, Any], list[str]], ...] = (
        ({"transactionType": "DR"}, ["T4", "T3", "T2", "T1"]),
        ({"transactionType": "CR"}, ["T9", "T4"]),
        ({"statuses": ["PARKED"]}, ["T9"]),
        ({"statuses": ["POSTED"], "from": "2026-01-03"}, ["T4", "T4", "T3"]),
        ({"from": "2026-01-02", "to": "2026-01-03"}, ["T3", "T2"]),
    )
    for given, expected in cases:
        page = (await server.ask(TRANSACTIONS, r=reference, f=given)).data["member"]["page"]
        assert [edge["node"]["transactionId"] for edge in page["edges"]] == expected, given
    bought = {"transactionType": "DR"}
    page = (await server.ask(TRANSACTIONS, r=reference, f=bought, first=3)).data["member"]["page"]
    assert page["pageInfo"]["hasNextPage"]
    rest = await server.ask(TRANSACTIONS, r=reference, f=bought, first=3, after=page["pageInfo"]["endCursor"])
    assert [edge["node"]["transactionId"] for edge in rest.data["member"]["page"]["edges"]] == ["T1"]


async def test_batches_are_narrowed(world: World) -> None:
    administrator = await world.administrator(program=1)
    await world.batch()
    query = "query($f: BatchFilter) {batches(filter: $f) {edges {node {fileName}}}}"
    for given, count in (
        ({"type": "CPD"}, 1),
        ({"type": "TXN"}, 0),
        ({"status": "FINISHED"}, 1),
        ({"status": "RUNNING"}, 0),
        ({"type": "CPD", "status": "FINISHED"}, 1),
        (None, 1),
    ):
        assert len((await administrator.ask(query, f=given)).data["batches"]["edges"]) == count, given
