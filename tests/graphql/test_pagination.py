"""Pages: forward and backward, stable while rows come in, and what is no page."""

import asyncio
from typing import Any

from tests.graphql.world import Caller, World

LEDGER = """query($r: String!, $first: Int, $after: String, $last: Int, $before: String) {member(reference: $r) {
    page: ledger(first: $first, after: $after, last: $last, before: $before) {
        edges {cursor node {points}} pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}}"""
TRANSACTIONS = """query($r: String!, $first: Int, $after: String) {member(reference: $r) {
    page: transactions(first: $first, after: $after) {
        edges {cursor node {points}} pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}}"""
MEMBERS = """query($first: Int, $after: String, $last: Int, $before: String) {
    page: members(first: $first, after: $after, last: $last, before: $before) {
        totalCount edges {cursor node {relationReference}}
        pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}"""


class Reader:
    """Reads pages of one member's list."""

    def __init__(self, caller: Caller, document: str, reference: str | None) -> None:
        self._caller = caller
        self._document = document
        self._reference = {} if reference is None else {"r": reference}

    async def page(self, **arguments: Any) -> tuple[list[str], dict[str, Any]]:
        """What the nodes say, and the page info."""
        data = (await self._caller.ask(self._document, **self._reference, **arguments)).data
        page = data["page"] if "page" in data else data["member"]["page"]
        cursors = [edge["cursor"] for edge in page["edges"]]
        assert [page["pageInfo"][name] for name in ("startCursor", "endCursor")] == (
            [cursors[0], cursors[-1]] if cursors else [None, None]
        )
        return [next(iter(edge["node"].values())) for edge in page["edges"]], page["pageInfo"]


def sides(info: dict[str, Any]) -> tuple[bool, bool]:
    """Whether there is something in front, and behind."""
    return info["hasPreviousPage"], info["hasNextPage"]


async def _earn(world: World, server: Caller, reference: str, days: range) -> None:
    for day in days:
        await world.earn(server, reference, day, transactionDate=f"2026-01-{day:02}T10:00:00Z")


async def test_a_ledger_is_read_forward_and_backward(world: World, server: Caller) -> None:
    reference = await world.member(server)
    await _earn(world, server, reference, range(1, 8))
    reader = Reader(server, LEDGER, reference)
    first, info = await reader.page(first=3)
    assert (first, sides(info)) == (["7", "6", "5"], (False, True))
    second, info = await reader.page(first=3, after=info["endCursor"])
    assert (second, sides(info)) == (["4", "3", "2"], (True, True))
    third, end = await reader.page(first=3, after=info["endCursor"])
    assert (third, sides(end)) == (["1"], (True, False))
    assert (await reader.page(first=3, after=end["endCursor"]))[0] == []
    back, info = await reader.page(last=3, before=end["startCursor"])
    assert (back, sides(info)) == (["4", "3", "2"], (True, True))
    back, info = await reader.page(last=3, before=info["startCursor"])
    assert (back, sides(info)) == (["7", "6", "5"], (False, True))
    assert (await reader.page(last=3, before=info["startCursor"]))[0] == []
    oldest, info = await reader.page(last=2)
    assert (oldest, sides(info)) == (["2", "1"], (True, False))
    everything, info = await reader.page()
    assert (everything, sides(info)) == (["7", "6", "5", "4", "3", "2", "1"], (False, False))


async def test_equal_dates_are_told_apart_by_id(world: World, server: Caller) -> None:
    reference = await world.member(server)
    for points in range(1, 6):
        await world.earn(server, reference, points)
    reader = Reader(server, LEDGER, reference)
    seen: list[str] = []
    after = None
    for _ in range(5):
        page, info = await reader.page(first=1, after=after)
        seen += page
        after = info["endCursor"]
    assert seen == ["5", "4", "3", "2", "1"]


async def test_pages_are_stable_while_postings_come_in(world: World, server: Caller) -> None:
    reference = await world.member(server)
    await _earn(world, server, reference, range(1, 8))
    reader = Reader(server, LEDGER, reference)
    _, info = await reader.page(first=3)
    await _earn(world, server, reference, range(8, 10))
    second, info = await reader.page(first=3, after=info["endCursor"])
    assert second == ["4", "3", "2"]
    newer, info = await reader.page(last=10, before=info["startCursor"])
    assert newer == ["9", "8", "7", "6", "5"]


async def test_transactions_are_read_forward(world: World, server: Caller) -> None:
    reference = await world.member(server)
    await _earn(world, server, reference, range(1, 6))
    reader = Reader(server, TRANSACTIONS, reference)
    first, info = await reader.page(first=2)
    assert (first, sides(info)) == (["5", "4"], (False, True))
    await _earn(world, server, reference, range(6, 7))
    second, info = await reader.page(first=3, after=info["endCursor"])
    assert (second, sides(info)) == (["3", "2", "1"], (True, False))


async def test_members_are_read_forward_and_backward(world: World, server: Caller) -> None:
    references = [await world.member(server) for _ in range(5)]
    reader = Reader(server, MEMBERS, None)
    first, info = await reader.page(first=2)
    assert (first, sides(info)) == (references[:2], (False, True))
    references.append(await world.member(server))
    second, info = await reader.page(first=2, after=info["endCursor"])
    assert (second, sides(info)) == (references[2:4], (True, True))
    back, info = await reader.page(last=3, before=info["startCursor"])
    assert (back, sides(info)) == (references[:2], (False, True))
    latest, info = await reader.page(last=2)
    assert (latest, sides(info)) == (references[-2:], (True, False))
    everything, info = await reader.page(first=100)
    assert (everything, sides(info)) == (references, (False, False))


async def test_what_is_no_page_is_bad_input(world: World, server: Caller) -> None:
    reference = await world.member(server)
    cases: tuple[tuple[dict[str, Any], str, str], ...] = (
        ({"first": 0}, "998", "first"),
        ({"first": -1}, "998", "first"),
        ({"first": 101}, "998", "first"),
        ({"first": 2**31 - 1}, "998", "first"),
        ({"last": -1}, "998", "last"),
        ({"last": 101}, "998", "last"),
        ({"first": 1, "last": 1}, "998", "first"),
        ({"first": 1, "before": "x"}, "998", "first"),
        ({"after": ""}, "999", "after"),
        ({"after": "%%%"}, "999", "after"),
        ({"after": "é"}, "999", "after"),
        ({"after": "x" * 1000}, "999", "after"),
        ({"after": "YmF0Y2hlczox"}, "999", "after"),
        ({"before": "bGVkZ2VyOng6MQ"}, "999", "before"),
        ({"before": "bGVkZ2VyOjk5OTk5OTk5OTk5OTk5OTk5OTk5OTk6MQ"}, "999", "before"),
    )
    for arguments, v1_code, field in cases:
        reason = {"998": "INVALID_REQUEST", "999": "BAD_REQUEST"}[v1_code]
        for document, given in ((LEDGER, {"r": reference}), (MEMBERS, {})):
            answer = await server.ask(document, **given, **arguments)
            assert answer.refusal == ("BAD_USER_INPUT", reason, v1_code, field), arguments


async def test_page_sizes_in_the_document_are_checked_too(server: Caller) -> None:
    for first in ("101", '"10"', "1.5", "true"):
        answer = await server.ask(f"{{members(first: {first}) {{edges {{cursor}}}}}}")
        assert answer.errors[0]["extensions"]["httpStatus"] == 400
        assert answer.body.get("data") in (None, {"members": None})


async def test_a_list_is_counted_only_when_that_is_asked_for(world: World, server: Caller) -> None:
    reference = await world.member(server, 10)
    document = (
        "query($r: String!) {member(reference: $r) {ledger(first: 1) {totalCount}} members(first: 1) {totalCount}}"
    )
    data = (await server.ask(document, r=reference)).data
    assert data == {"member": {"ledger": {"totalCount": 1}}, "members": {"totalCount": 1}}


async def test_how_long_a_list_is_tells_of_the_instant_of_its_page(world: World, server: Caller) -> None:
    reference = await world.member(server, 1000)
    screen = """query($r: String!) {member(reference: $r) {
        ledger(first: 1) {totalCount edges {node {sequence}}} balance {available}}}"""

    async def spend() -> None:
        for number in range(30):
            await world.redeem(server, reference, 1, idempotencyKey=f"spend {number}")

    spending = asyncio.create_task(spend())
    while not spending.done():
        ledger = (await server.ask(screen, r=reference)).data["member"]["ledger"]
        assert ledger["totalCount"] == ledger["edges"][0]["node"]["sequence"]
    await spending
