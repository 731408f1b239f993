"""Statements, expiry schedules and balances over time."""

from datetime import timedelta

from tests.graphql.world import Caller, World


async def test_statements_add_up(world: World, server: Caller) -> None:
    reference = await _busy_member(world, server)
    query = """query($r: String!, $types: [Int!]) {member(reference: $r) {
        statementSummary {pointBalance bonus spend redeem partner purchased otherAccrued expiredPoints}
        all: statement {count entries {points}}
        january: statement(to: "2026-01-31") {count entries {points transactionDate}}
        february: statement(from: "2026-02-01", to: "2026-02-28", types: [1, 2]) {count entries {points}}
        repeated: statement(types: $types) {count}
        second: statement(first: 1, skip: 1) {count entries {points}}
    }}"""
    member = (await server.ask(query, r=reference, types=[1, 2] * 1000)).data["member"]
    assert member["statementSummary"] == {
        "pointBalance": "125",
        "bonus": "5",
        "spend": "150",
        "redeem": "30",
        "partner": "0",
        "purchased": "0",
        "otherAccrued": "0",
        "expiredPoints": "0",
    }
    assert member["all"]["count"] == 4
    assert sum(int(one["points"]) for one in member["all"]["entries"]) == 125
    assert member["january"] == {
        "count": 1,
        "entries": [{"points": "100", "transactionDate": "2026-01-31T23:30:00+05:30"}],
    }
    assert sorted(one["points"] for one in member["february"]["entries"]) == ["5", "50"]
    assert member["repeated"]["count"] == 3
    assert member["second"]["count"] == 4
    assert len(member["second"]["entries"]) == 1


async def test_categories_and_expiry_add_up(world: World, server: Caller) -> None:
    reference = await _busy_member(world, server)
    query = """query($r: String!) {member(reference: $r) {
        categorizedStatement(from: "2026-02-01") {category loyaltyTxnType points transactions}
        expirySchedule(year: 2027) {period periods {scheduleDate accrual redeemed blocked expired available}}
        expiring {scheduleDate available}
        nothing: expirySchedule(year: 2030) {periods {available}}
    }}"""
    member = (await server.ask(query, r=reference)).data["member"]
    assert member["categorizedStatement"] == [
        {"category": "OpeningBalance", "loyaltyTxnType": None, "points": "100", "transactions": 0},
        {"category": "Spend", "loyaltyTxnType": 1, "points": "50", "transactions": 1},
        {"category": "Bonus", "loyaltyTxnType": 2, "points": "5", "transactions": 1},
        {"category": "Redeem", "loyaltyTxnType": 30, "points": "-30", "transactions": 1},
        {"category": "ClosingBalance", "loyaltyTxnType": None, "points": "125", "transactions": 0},
    ]
    period = {"scheduleDate": "2027-03-31T23:59:59.999000+05:30", "available": "125"}
    assert member["expirySchedule"] == {
        "period": "QUARTERLY",
        "periods": [period | {"accrual": "155", "redeemed": "30", "blocked": "0", "expired": "0"}],
    }
    assert member["expiring"] == [period]
    assert member["nothing"] == {"periods": []}


async def _busy_member(world: World, server: Caller) -> str:
    reference = await world.member(server)
    await world.earn(server, reference, 100, transactionDate="2026-01-31T23:30:00+05:30")
    await world.earn(server, reference, 50, attributes=[{"key": "channel", "value": "web"}])
    await world.redeem(server, reference, 30)
    return reference


async def test_a_statement_is_refused(world: World, server: Caller) -> None:
    reference = await world.member(server)
    for field, expected in (
        ("statement(types: [99]) {count}", ("NOT_FOUND", "NO_TRANSACTIONS", "204", None)),
        (f"statement(types: {list(range(101))}) {{count}}", ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "types")),
        ("statement(first: 0) {count}", ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "first")),
        ("statement(first: 101) {count}", ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "first")),
        ("statement(skip: -1) {count}", ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "skip")),
        ("expiring(first: 101) {available}", ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "first")),
        ("expirySchedule(year: 1800) {period}", ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "year")),
        (
            'statement(from: "2026-02-02", to: "2026-02-01") {count}',
            ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "to"),
        ),
        (
            'categorizedStatement(from: "2026-02-02", to: "2026-02-01") {points}',
            ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "to"),
        ),
        ('statement(from: "2026-02-30") {count}', ("GRAPHQL_VALIDATION_FAILED", "BAD_REQUEST", "999", "from")),
    ):
        answer = await server.ask(f'{{member(reference: "{reference}") {{relationReference {field}}}}}')
        assert answer.refusal == expected
        if answer.body.get("data"):
            assert answer.body["data"]["member"]["relationReference"] == reference


async def test_points_that_are_due_are_gone_before_any_job_ran(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    query = "query($r: String!) {member(reference: $r) {balance {available expired nextExpiryAt nextExpiringPoints}}}"
    world.clock[0] += timedelta(days=700)
    server = await world.caller()
    balance = (await server.ask(query, r=reference)).data["member"]["balance"]
    assert balance == {"available": "0", "expired": "100", "nextExpiryAt": None, "nextExpiringPoints": "0"}
