"""`kill -9` in the middle of orders: each ends fulfilled once or reversed once, and no code is given twice."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import orjson
from sqlalchemy import Connection, select, update

from domain.access import system_principal
from domain.clock import system_clock
from domain.crypto import KeyRing
from domain.models import catalog_order, voucher_code
from domain.network import read_networks
from domain.store.database import open_database
from domain.store.program import ProgramCache
from resolvers.context import Context, Services
from resolvers.fulfilment_partner import SavePartner, save_partner
from resolvers.program import list_environment_programs
from resolvers.verification import verify_ledger
from tessera.webhook import HttpCarrier
from tests.callers import Caller, callers
from tests.database import Dialect, FreshDatabase
from tests.ledger.test_outage import until
from tests.receiver import Received, Receiver, Reply, receiving
from tests.scale import scaled
from tests.servers import CONFIGURATION, NO_CERTIFICATES, SECRET, Credentials, Deployment, Server, running_servers

KILLS = max(3, scaled(50))
# With fifty kills these are a thousand orders.
ORDERS_PER_KILL = 20
MEMBERS = 6
POINTS = 100_000
PRICES = {"CARD": 7, "BOWL": 5, "TEE": 3}
CATALOG = b"""
catalog:
  - {code: CARD, name: Card, kind: gift_card, points: 7, fulfilment: pool}
  - {code: BOWL, name: Bowl, kind: merchandise, points: 5, fulfilment: manual, stock: counted}
  - {code: TEE, name: Shirt, kind: merchandise, points: 3, fulfilment: webhook, partner: Tailor, stock: counted}
"""
PIECES = 10_000
IMPORT = "mutation($i: VoucherCodesImportInput!) {voucherCodesImport(input: $i) {codes}}"
STOCK = "mutation($i: CatalogStockChangeInput!) {catalogStockChange(input: $i) {stock}}"
PLACE = "mutation($i: OrderPlaceInput!) {orderPlace(input: $i) {replayed code order {id status externalReference}}}"
ENDS = {
    "fulfil": "mutation($i: OrderFulfilInput!) {orderFulfil(input: $i) {order {status}}}",
    "fail": "mutation($i: OrderFailInput!) {orderFail(input: $i) {order {status}}}",
    "cancel": "mutation($i: OrderCancelInput!) {orderCancel(input: $i) {order {status}}}",
}


async def ask(caller: Caller, document: str, given: Mapping[str, Any]) -> Any:
    """What a mutation gives; the code of its refusal. Raises httpx2.TransportError where no whole answer comes."""
    answer = await caller.client.post("/graphql", json={"query": document, "variables": {"i": given}})
    body = orjson.loads(answer.content)
    return body["errors"][0]["extensions"]["v1Code"] if body.get("errors") else next(iter(body["data"].values()))


@dataclass
class Tailor:
    """A partner: gives each order once, by its id, or refuses it, or says nothing for the first times."""

    randomness: random.Random
    decided: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    def answer(self, request: Received) -> Reply:
        order = request.told["data"]["order"]
        self.asked[request.id] += 1
        decision = self.decided.setdefault(order, self.randomness.choice(("fulfilled", "failed")))
        if self.randomness.random() < 0.3:
            # What was decided gets lost on its way.
            return Reply(status=503)
        code = f"TEE-{order}" if decision == "fulfilled" else None
        return Reply(status=200, body=orjson.dumps({"status": decision, "code": code}))


@dataclass
class Load:
    """Orders with their keys; what was answered, and what is open because no answer came."""

    randomness: random.Random
    placed: dict[str, Any] = field(default_factory=dict)
    open: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    lost: int = 0

    async def run(self, caller: Caller, first: int, count: int) -> None:
        """Place so many orders at once, and end those that are fulfilled by hand."""
        await asyncio.gather(*(self._order(caller, f"K{number}") for number in range(first, first + count)))

    async def settle(self, caller: Caller) -> None:
        """Retry what is open, each with its key."""
        for key in list(self.open):
            await self._order(caller, key)
        for key in [one for one, how in self.ended.items() if how.startswith("?")]:
            await self._end(caller, key)

    async def _order(self, caller: Caller, key: str) -> None:
        given = self.open.setdefault(
            key,
            {
                "item": self.randomness.choice(tuple(PRICES)),
                "relationReference": f"O{self.randomness.randrange(MEMBERS)}",
                "delivery": "12 Elm Street",
                "idempotencyKey": key,
            },
        )
        try:
            answer = await ask(caller, PLACE, given)
        except (httpx2.TransportError, orjson.JSONDecodeError):
            self.lost += 1
            return
        assert isinstance(answer, dict), answer
        del self.open[key]
        self.placed[key] = answer | {"item": given["item"]}
        if given["item"] == "BOWL":
            self.ended[key] = f"?{self.randomness.choice(tuple(ENDS))}"
            await self._end(caller, key)

    async def _end(self, caller: Caller, key: str) -> None:
        how = self.ended[key].removeprefix("?")
        given = {"orderId": self.placed[key]["order"]["id"], "idempotencyKey": f"{key}-end"}
        try:
            answer = await ask(caller, ENDS[how], given | ({"reason": "Broken"} if how == "fail" else {}))
        except (httpx2.TransportError, orjson.JSONDecodeError):
            self.lost += 1
            return
        expected = "FULFILLED" if how == "fulfil" else "REVERSED"
        assert answer == {"order": {"status": expected}}, answer
        self.ended[key] = expected


def services_of(url: str, folder: Path) -> Services:
    """Services beside those of the server."""
    db = open_database(url, data_dir=folder, serving=False)
    return Services(db=db, clock=system_clock, keys=KeyRing(SECRET), programs=ProgramCache(), environment="sandbox")


async def let_leases_lapse(url: str, folder: Path) -> int:
    """What was leased, or rests, is due now, as if time had passed; how many orders are open."""
    services = services_of(url, folder)

    def body(tx: Connection) -> int:
        tx.execute(update(catalog_order).where(catalog_order.c.due_at.is_not(None)).values(due_at=datetime.now(UTC)))
        return len(tx.execute(select(catalog_order.c.id).where(catalog_order.c.status == "PLACED")).all())

    try:
        return await services.db.write(body)
    finally:
        await services.db.close()


async def until_none_is_open(url: str, folder: Path) -> None:
    """Wait for the server's job, with time that passes fast."""
    for _ in range(120):
        if not await let_leases_lapse(url, folder):
            return
        await asyncio.sleep(1)
    raise AssertionError("orders are stuck")


async def open_shop(caller: Caller) -> None:
    """Members who can pay, more than enough of everything, and the partner."""
    for number in range(MEMBERS):
        await caller.enroll(f"O{number}")
        await caller.earn(f"O{number}", POINTS, f"T{number}")
    codes = [f"CARD-{number}" for number in range(KILLS * ORDERS_PER_KILL)]
    assert isinstance(await ask(caller, IMPORT, {"pool": "CARD", "codes": codes}), dict)
    for item in ("BOWL", "TEE"):
        assert await ask(caller, STOCK, {"item": item, "quantity": PIECES}) == {"stock": PIECES}


async def everything_ended_once(url: str, folder: Path, load: Load, tailor: Tailor, caller: Caller) -> None:
    """Orders, points, stock, codes and what the partner did agree."""
    services = services_of(url, folder)
    try:
        assert await verify_ledger(services) == []
        orders = await services.db.read(lambda tx: tx.execute(select(catalog_order)).all())
        given = await services.db.read(lambda tx: list(tx.scalars(select(voucher_code.c.order_id))))
    finally:
        await services.db.close()
    by_reference = {str(one.external_reference): one for one in orders}
    placed = {one["order"]["externalReference"]: key for key, one in load.placed.items()}
    assert by_reference.keys() == placed.keys(), "an order for each key, and no other"
    assert len(placed) == KILLS * ORDERS_PER_KILL
    assert {one.status for one in orders} <= {"FULFILLED", "REVERSED"}
    for reference, one in by_reference.items():
        expected = {
            "CARD": "FULFILLED",
            "BOWL": load.ended.get(placed[reference]),
            "TEE": {"fulfilled": "FULFILLED", "failed": "REVERSED"}[tailor.decided.get(reference, "failed")],
        }[one.item]
        assert one.status == expected, (reference, one.item)
    fulfilled = Counter(one.item for one in orders if one.status == "FULFILLED")
    spent = sum(PRICES[item] * count for item, count in fulfilled.items())
    assert sum([POINTS - await caller.available(f"O{number}") for number in range(MEMBERS)]) == spent
    assert Counter(one for one in given if one is not None) == Counter(one.id for one in orders if one.item == "CARD")
    codes = [one["code"] for one in load.placed.values() if one["item"] == "CARD"]
    assert len(set(codes)) == len(codes)
    for item in ("BOWL", "TEE"):
        assert await ask(caller, STOCK, {"item": item, "by": 0}) == {"stock": PIECES - fulfilled[item]}


async def test_orders_survive_kills(
    dialect: Dialect, fresh_database: FreshDatabase, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    randomness = random.Random(f"{dialect} {KILLS}")
    load, tailor = Load(randomness), Tailor(random.Random(1))
    with fresh_database() as url, receiving(Receiver(reply=tailor.answer)) as receiver:
        deployment = Deployment(url, tmp_path, webhook_networks="127.0.0.0/8")
        credentials = deployment.create_program("shop", CONFIGURATION + CATALOG)
        with running_servers(deployment) as [server]:
            await open_partner(url, tmp_path, receiver)
            async with callers([server], credentials) as [caller]:
                await open_shop(caller)
            for turn in range(KILLS):
                await kill_in_the_middle(server, credentials, load, turn)
                await asyncio.to_thread(server.start)
                await let_leases_lapse(url, tmp_path)
                async with callers([server], credentials) as [caller]:
                    await load.settle(caller)
            assert load.lost > 0, "kills that interrupt nothing prove nothing"
            async with callers([server], credentials) as [caller]:
                assert not load.open
                await until_none_is_open(url, tmp_path)
                assert max(tailor.asked.values()) > 1, "partners that are never asked again prove nothing"
                await everything_ended_once(url, tmp_path, load, tailor, caller)
    record_property("kills", KILLS)
    record_property("orders", len(load.placed))
    record_property("answers that were lost", load.lost)
    record_property("asked of the partner again", sum(count - 1 for count in tailor.asked.values()))


async def open_partner(url: str, folder: Path, receiver: Receiver) -> None:
    """Keep the partner, as an administrator does."""
    carrier = HttpCarrier(networks=read_networks("127.0.0.0/8"), https_only=False, trusted=NO_CERTIFICATES)
    services = replace(services_of(url, folder), carrier=carrier)
    try:
        [program] = await list_environment_programs(services)
        principal = system_principal(program.id, program.public_id, program.environment, "test")
        ctx = Context(services=services, principal=principal, source="test", request_id="-")
        await save_partner(ctx, SavePartner(name="Tailor", url=receiver.url))
    finally:
        await services.db.close()


async def kill_in_the_middle(server: Server, credentials: Credentials, load: Load, turn: int) -> None:
    """Start orders, and end the server while they are on their way."""
    async with callers([server], credentials) as [caller]:
        running = asyncio.create_task(load.run(caller, turn * ORDERS_PER_KILL, ORDERS_PER_KILL))
        # By how many were answered, because a busy machine does little in a fixed time, and a fast one all of it.
        enough = len(load.placed) + load.randomness.randrange(ORDERS_PER_KILL)
        await until(lambda: len(load.placed) >= enough or running.done())
        await asyncio.sleep(load.randomness.uniform(0, 0.05))
        await asyncio.to_thread(server.kill)
        await running
