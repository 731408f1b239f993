"""The catalogue and orders over GraphQL."""

from typing import Any

import pytest

from tests.graphql.world import Answer, Caller, World

CATALOG = """
version: 1
tiers: {assessment: manual, levels: [{name: Silver, from: 0}, {name: Gold, from: 500}]}
catalog:
  - {code: CARD, name: Gift card, kind: gift_card, money: "0.25", fulfilment: pool, low_stock: 5, limit: 2}
  - {code: BOWL, name: Bowl, kind: merchandise, points: 20.5, fulfilment: manual, stock: counted,
     valid_from: 2026-02-01, valid_to: 2026-02-28}
  - {code: GIFT, name: For the choir, kind: donation, points: 500, fulfilment: manual}
  - {code: GOLD, name: Gold only, kind: voucher, points: 5, fulfilment: manual, tiers: [Gold]}
"""

FIELDS = """id status externalReference item itemName kind points amount placedAt endedAt answerBy failure hasCode
    partnerReference fulfilment partner attempts placedBy endedBy delivery reason
    entry {points narration} reversal {points} member {relationReference}"""
PLACE = f"""mutation($i: OrderPlaceInput!) {{orderPlace(input: $i) {{
    replayed code order {{{FIELDS}}} member {{balance {{available}}}}}}}}"""
END = "mutation($i: %sInput!) {%s(input: $i) {replayed code order {%s} member {balance {available}}}}"
ITEMS = """query($r: String, $k: CatalogKind, $n: Int, $a: String) {
    catalog(relationReference: $r, kind: $k, first: $n, after: $a) {pageInfo {hasNextPage endCursor} edges {node {
        code name kind points amount inStock stock lowStock limit limitPeriod validFrom validUntil isOpen tiers segments
        fulfilment pool partner answerDays enabled offer {affordable missing ordered refusal}}}}}"""
OWN = """query($s: OrderStatus, $n: Int, $a: String) {me {orders(status: $s, first: $n, after: $a) {
    edges {node {id item status}} pageInfo {hasNextPage endCursor}}}}"""
LIST = """query($f: OrdersFilter, $n: Int, $a: String) {orders(filter: $f, first: $n, after: $a) {
    totalCount edges {node {id item}} pageInfo {hasNextPage endCursor}}}"""
CODE = "query($i: ID!) {orderCode(id: $i)}"
STOCK = "mutation($i: CatalogStockChangeInput!) {catalogStockChange(input: $i) {item stock}}"
IMPORT = "mutation($i: VoucherCodesImportInput!) {voucherCodesImport(input: $i) {pool codes}}"
WITHDRAW = "mutation($i: VoucherCodesWithdrawInput!) {voucherCodesWithdraw(input: $i) {pool codes}}"
POOLS = "{voucherPools {pool free given withdrawn expired}}"


@pytest.fixture
async def shop(server: Caller) -> Caller:
    """The program's server, with a catalogue, two codes and a bowl."""
    apply = "mutation($d: String!) {configurationApply(input: {document: $d}) {changed}}"
    await server.ask(apply, d=CATALOG)
    assert (await server.ask(IMPORT, i={"pool": "CARD", "codes": ["C-1", "C-2"]})).data
    assert (await server.ask(STOCK, i={"item": "BOWL", "by": 1})).data
    return server


async def place(caller: Caller, **given: Any) -> Answer:
    return await caller.ask(PLACE, i=given)


async def end(caller: Caller, name: str, order_id: str, **given: Any) -> Answer:
    kind = f"{name[0].upper()}{name[1:]}"
    return await caller.ask(END % (kind, name, FIELDS), i={"orderId": order_id} | given)


async def test_a_member_sees_what_it_may_order_and_orders_it(world: World, shop: Caller) -> None:
    app = await world.caller(member=await world.member(shop, 60))
    items = [edge["node"] for edge in (await app.ask(ITEMS)).data["catalog"]["edges"]]
    assert [(one["code"], one["points"], one["offer"]["refusal"]) for one in items] == [
        ("CARD", "25", None),
        ("BOWL", "20.5", None),
        ("GIFT", "500", "INSUFFICIENT_POINTS"),
    ]
    assert items[2]["offer"] == {
        "affordable": False, "missing": "440", "ordered": 0, "refusal": "INSUFFICIENT_POINTS",
    }  # fmt: skip
    hidden = ("stock", "tiers", "segments", "fulfilment", "pool", "partner", "answerDays", "enabled")
    assert {one[name] for one in items for name in hidden} == {None}
    bowl = items[1]
    assert (bowl["validFrom"], bowl["validUntil"]) == ("2026-02-01T00:00:00+05:30", "2026-03-01T00:00:00+05:30")
    async with world.nothing_written():
        answer = await place(app, item="CARD")
        assert answer.refusal == ("BAD_USER_INPUT", "BAD_REQUEST", "999", "idempotencyKey")
    first = (await place(app, item="CARD", points="25", idempotencyKey="K")).data["orderPlace"]
    assert (first["code"], first["replayed"], first["member"]["balance"]["available"]) == ("C-1", False, "35")
    assert (first["order"]["status"], first["order"]["entry"]) == (
        "FULFILLED",
        {"points": "-25", "narration": "Ordered: Gift card"},
    )
    again = (await place(app, item="CARD", points="25", idempotencyKey="K")).data["orderPlace"]
    assert again == first | {"replayed": True}
    page = (await app.ask(OWN)).data["me"]["orders"]
    assert [edge["node"]["item"] for edge in page["edges"]] == ["CARD"]
    assert (await app.ask(CODE, i=first["order"]["id"])).data == {"orderCode": "C-1"}


async def test_orders_by_hand_end_one_way_or_the_other(world: World, shop: Caller) -> None:
    reference = await world.member(shop, 600)
    app, admin = await world.caller(member=reference), await world.administrator(program=1)
    placed = (await place(admin, item="BOWL", relationReference=reference, delivery="12 Elm")).data["orderPlace"]
    assert (placed["order"]["status"], placed["order"]["delivery"], placed["code"]) == ("PLACED", "12 Elm", None)
    fulfilled = (await end(admin, "orderFulfil", placed["order"]["id"], code="X-1", reference="R")).data["orderFulfil"]
    assert (fulfilled["order"]["status"], fulfilled["code"]) == ("FULFILLED", "X-1")
    assert fulfilled["order"]["partnerReference"] == "R"
    assert fulfilled["order"]["endedBy"].startswith("admin:")
    gift = (await place(app, item="GIFT", idempotencyKey="G")).data["orderPlace"]["order"]
    failed = (await end(admin, "orderFail", gift["id"], reason="Closed")).data["orderFail"]
    assert (failed["order"]["status"], failed["order"]["failure"]) == ("REVERSED", "REFUSED")
    assert (failed["order"]["reason"], failed["order"]["reversal"]) == ("Closed", {"points": "500"})
    gift = (await place(app, item="GIFT", idempotencyKey="H")).data["orderPlace"]["order"]
    cancelled = (await end(app, "orderCancel", gift["id"])).data["orderCancel"]
    assert cancelled["order"]["failure"] == "CANCELLED"
    assert cancelled["member"]["balance"]["available"] == "579.5"
    seen = (await app.ask(f"query($i: ID!) {{node(id: $i) {{... on Order {{{FIELDS}}}}}}}", i=gift["id"])).data["node"]
    assert {seen[name] for name in ("fulfilment", "partner", "attempts", "placedBy", "endedBy")} == {None}
    async with world.nothing_written():
        for name, given in (("orderFulfil", {}), ("orderFail", {"reason": "No"}), ("orderCancel", {})):
            answer = await end(admin, name, gift["id"], **given)
            assert answer.refusal == ("CONFLICT", "ORDER_NOT_OPEN", "1387", None)


async def test_lists_are_narrowed_counted_and_paged(world: World, shop: Caller) -> None:
    reference = await world.member(shop, 2000)
    app = await world.caller(member=reference)
    for number in range(3):
        assert (await place(app, item="GIFT", idempotencyKey=f"K{number}")).data
    other = await world.member(shop, 60)
    assert (await place(shop, item="CARD", relationReference=other)).data
    page = (await shop.ask(LIST, n=2)).data["orders"]
    assert (page["totalCount"], [edge["node"]["item"] for edge in page["edges"]]) == (4, ["CARD", "GIFT"])
    rest = (await shop.ask(LIST, n=2, a=page["pageInfo"]["endCursor"])).data["orders"]
    assert (len(rest["edges"]), rest["pageInfo"]["hasNextPage"]) == (2, False)
    for only, count in (
        ({"relationReference": reference}, 3),
        ({"status": "FULFILLED"}, 1),
        ({"item": "GIFT", "status": "FULFILLED"}, 0),
        ({"fulfilment": "MANUAL"}, 3),
        ({"placedFrom": "2026-02-03T06:16:03.703Z"}, 4),
        ({"placedBefore": "2026-02-03T06:16:03.703Z"}, 0),
    ):
        assert (await shop.ask(LIST, f=only)).data["orders"]["totalCount"] == count, only
    mine = (await app.ask(OWN, n=2, s="PLACED")).data["me"]["orders"]
    assert (len(mine["edges"]), mine["pageInfo"]["hasNextPage"]) == (2, True)
    rest = (await app.ask(OWN, n=2, a=mine["pageInfo"]["endCursor"])).data["me"]["orders"]
    assert (len(rest["edges"]), rest["pageInfo"]["hasNextPage"]) == (1, False)


async def test_administrators_see_the_whole_catalogue_and_what_is_left(world: World, shop: Caller) -> None:
    desk = await world.administrator("customer-executive", program=1)
    page = (await desk.ask(ITEMS, n=3)).data["catalog"]
    items = [edge["node"] for edge in page["edges"]]
    assert [(one["code"], one["stock"], one["lowStock"], one["fulfilment"], one["pool"]) for one in items] == [
        ("CARD", 2, True, "POOL", "CARD"),
        ("BOWL", 1, False, "MANUAL", None),
        ("GIFT", None, False, "MANUAL", None),
    ]
    rest = (await desk.ask(ITEMS, n=3, a=page["pageInfo"]["endCursor"])).data["catalog"]
    assert [edge["node"]["tiers"] for edge in rest["edges"]] == [["Gold"]]
    assert (await desk.ask('{catalogItem(code: "GIFT") {kind amount offer {missing}}}')).data == {
        "catalogItem": {"kind": "DONATION", "amount": None, "offer": None}
    }
    assert (await desk.ask(ITEMS, k="DONATION")).data["catalog"]["edges"][0]["node"]["code"] == "GIFT"
    assert (await desk.ask(POOLS)).data["voucherPools"] == [
        {"pool": "CARD", "free": 2, "given": 0, "withdrawn": 0, "expired": 0}
    ]
    assert (await shop.ask(WITHDRAW, i={"pool": "CARD"})).data == {"voucherCodesWithdraw": {"pool": "CARD", "codes": 2}}
    refused = await shop.ask(IMPORT, i={"pool": "CARD", "codes": ["C-3", "C-1"]})
    assert refused.refusal == ("CONFLICT", "VOUCHER_CODES_REFUSED", "1389", "codes")
    assert "C-1" not in str(refused.body)


async def test_nobody_sees_or_ends_what_is_anothers(world: World, shop: Caller) -> None:
    reference = await world.member(shop, 600)
    stranger = await world.caller(member=await world.member(shop, 60))
    foreign = await world.caller(world.theirs)
    order = (await place(shop, item="GIFT", relationReference=reference)).data["orderPlace"]["order"]
    desk = await world.administrator("customer-executive", program=1)
    async with world.nothing_written():
        for caller in (stranger, foreign):
            assert (await caller.ask("query($i: ID!) {order(id: $i) {id}}", i=order["id"])).data == {"order": None}
            assert (await caller.ask(CODE, i=order["id"])).refusal[1] == "ORDER_NOT_FOUND"
            assert (await end(caller, "orderCancel", order["id"])).refusal[1] == "ORDER_NOT_FOUND"
        assert (await foreign.ask(LIST)).data["orders"]["totalCount"] == 0
        assert (await foreign.ask(ITEMS)).data["catalog"]["edges"] == []
        assert (await stranger.ask(LIST)).refusal[1] == "FORBIDDEN"
        assert (await stranger.ask(POOLS)).refusal[1] == "FORBIDDEN"
        assert (await stranger.ask(ITEMS, r=reference)).refusal[1] == "FORBIDDEN"
        assert (await desk.ask(CODE, i=order["id"])).refusal[1] == "FORBIDDEN"
        for name, given in (("orderFulfil", {}), ("orderFail", {"reason": "No"}), ("orderCancel", {})):
            assert (await end(desk, name, order["id"], **given)).refusal[1] == "FORBIDDEN"
        assert (await end(stranger, "orderFulfil", order["id"])).refusal[1] == "FORBIDDEN"


async def test_a_price_that_was_shown_is_held_to(world: World, shop: Caller) -> None:
    app = await world.caller(member=await world.member(shop, 60))
    async with world.nothing_written():
        answer = await place(app, item="BOWL", points="20", idempotencyKey="K")
        assert answer.refusal == ("CONFLICT", "PRICE_CHANGED", "1385", "points")
