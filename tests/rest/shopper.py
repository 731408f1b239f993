"""A client that calls every operation, loses connections on purpose, and keeps its own account of what must be true."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rest_compat.envelope import Family
from rest_compat.routes import OPERATIONS
from tests.callers import MERCHANT, Answer, Caller

ROWS = {row.name: row for row in OPERATIONS}
DROPPED = 0.3
Step = Callable[[], Coroutine[Any, Any, None]]


@dataclass
class Account:
    """What a member must have: its points, and how many postings made them."""

    reference: str
    points: int = 0
    postings: int = 0
    purchases: dict[str, int] = field(default_factory=dict)
    redemptions: list[tuple[str, int]] = field(default_factory=list)
    request: tuple[int, int] | None = None
    cards: int = 0
    name: str = "New"

    def post(self, points: int) -> None:
        """Book one posting."""
        self.points += points
        self.postings += 1


class Shopper:
    """One client with two members of its own, so that what it did says exactly what they must have."""

    def __init__(self, number: int, caller: Caller, seed: int) -> None:
        self.caller = caller
        self.number = number
        self.randomness = random.Random(seed)
        self.accounts = [Account(f"S{number}-A"), Account(f"S{number}-B")]
        self.called: set[str] = {"Token"}
        self.dropped = 0
        self._keys = 0

    async def run(self, seconds: float) -> None:
        """Shop for so long, each step to its end."""
        for account in self.accounts:
            await self._write(
                "CreateProfileWithAttributes",
                {"relation_reference": account.reference, "status": "1", "full_name": account.name},
            )
        deadline = time.monotonic() + seconds
        steps = [self._earn, self._refund, self._queue, self._redeem, self._reverse, self._transfer, self._pay]
        steps += [self._update, self._link, self._read, self._prove]
        # Each step once, and what ends a request, so that no operation is left out however short the run is.
        for step in [*steps, self._pay]:
            await step(self.accounts[0])
        while time.monotonic() < deadline:
            await self.randomness.choice(steps)(self.randomness.choice(self.accounts))

    async def settled(self) -> None:
        """Fail unless each member has what the account of this client says."""
        for account in self.accounts:
            who = {"RelationReference": account.reference}
            assert (await self._call("CheckAvailability", who)).value == max(0, account.points), account
            assert (await self._call("GetMemberStatementSummary", who)).value["PointBalance"] == account.points
            span = {"DateFrom": "2020-01-01", "DateTo": "2099-12-31", "MaximumRange": 1}
            found = await self._call("GetMemberTransactionSummaryByDate", who | span)
            assert found.envelope["Count"] == account.postings, account
            profile = (await self._call("GetMemberProfile", {"pstrRelationReference": account.reference})).value
            assert (profile["FullName"], len(profile["MemberRelationsList"])) == (account.name, account.cards)

    async def _earn(self, account: Account, amount: int | None = None) -> None:
        amount = amount or self.randomness.randint(1, 500)
        purchase = self._purchase(account, amount)
        answer = await self._write("InsertTransactionData", purchase)
        assert answer.code == "000", answer.envelope
        account.purchases[purchase["transaction_id"]] = amount
        account.post(amount)

    async def _refund(self, account: Account) -> None:
        if not account.purchases:
            await self._earn(account)
        purchase = self.randomness.choice(list(account.purchases))
        part = self.randomness.randint(1, account.purchases[purchase])
        body = self._purchase(account, part) | {"transaction_id": purchase, "transaction_type": "CR"}
        assert (await self._write("InsertTransactionData", body)).code == "000"
        account.purchases[purchase] -= part
        if account.purchases[purchase] == 0:
            del account.purchases[purchase]
        account.post(-part)

    async def _queue(self, account: Account) -> None:
        elements = [self._purchase(account, 10) | {"_xoxo_api_client_idempotency": self._key()} for _ in range(3)]
        if self._drops():
            await self._send_and_hang_up("InsertTransactionDataV2", elements)
        # What came through before has these elements already: there each is told apart by its key.
        queued = await self._call("InsertTransactionDataV2", elements)
        assert (queued.status, queued.code) == (202, "001")
        batch = {"batch_id": queued.value["batch_id"]}
        for _ in range(1_000):
            polled = await self._call("PollTransactionBatchStatus", batch)
            if not polled.value["summary"]["pending"]:
                break
            await asyncio.sleep(0.05)
        assert polled.value["summary"] | {"pending": 0} == polled.value["summary"], "the queue stands still"
        assert len(polled.value["results"]) == len(elements)
        for element in elements:
            account.purchases[element["transaction_id"]] = 10
            account.post(10)

    async def _redeem(self, account: Account) -> None:
        if account.points < 5:
            await self._earn(account, 500 - min(0, account.points))
        body = {"RelationReference": account.reference, "Points": 5, "MerchantName": MERCHANT, "LoyaltyTxnType": 30}
        redeemed = await self._write("RedeemPoints", body)
        assert redeemed.code == "000", redeemed.envelope
        account.redemptions.append((redeemed.value, 5))
        account.post(-5)

    async def _reverse(self, account: Account) -> None:
        if not account.redemptions:
            await self._redeem(account)
        reference, points = account.redemptions.pop()
        body = {"RelationReference": account.reference, "MerchantName": MERCHANT, "ExternalReference": reference}
        assert (await self._write("ReversalPoints", body)).code == "000"
        account.post(points)

    async def _transfer(self, account: Account) -> None:
        if account.points < 7:
            await self._earn(account, 500 - min(0, account.points))
        other = next(one for one in self.accounts if one is not account)
        body = {"FromRelationReference": account.reference, "ToRelationReference": other.reference, "Points": 7}
        assert (await self._write("TransferPoints", body)).code == "000"
        account.post(-7)
        other.post(7)

    async def _pay(self, account: Account) -> None:
        who = {"RelationReference": account.reference}
        if account.request is None:
            if account.points < 3:
                await self._earn(account, 500 - min(0, account.points))
            made = await self._write("CreatePayWithRewards", who | {"Points": 3, "MerchantName": MERCHANT})
            assert made.code == "000", made.envelope
            account.request = made.value["RequestId"], 3
            account.post(-3)
            listed = await self._call("ListPayWithRewards", who | {"Status": 1})
            assert [one["RequestId"] for one in listed.value] == [made.value["RequestId"]]
            return
        request, points = account.request
        assert (await self._call("GetPayWithRewards", {"RequestId": request})).value["Status"] == "Pending"
        assert (await self._write("CancelPayWithRewards", {"RequestId": request})).code == "000"
        account.request = None
        account.post(points)

    async def _update(self, account: Account) -> None:
        profile = (await self._call("GetMemberProfile", {"pstrRelationReference": account.reference})).value
        account.name = f"Name {self._key()}"
        body = {"id": profile["Id"], "data": {"full_name": account.name}}
        assert (await self._write("UpdateProfileWithAttributes", body)).code == "000"

    async def _link(self, account: Account) -> None:
        body = {"RelationReference": account.reference, "SubRelationIdentifier": self._key(), "CardNumber": "0"}
        assert (await self._write("CreateSubRelation", body)).code == "000"
        account.cards += 1
        found = await self._call("GetSubRelations", {"pstrRelationReference": account.reference})
        assert found.envelope["Count"] == account.cards

    async def _read(self, account: Account) -> None:
        who = {"RelationReference": account.reference}
        unique = {"pstrUniqueAttributeKey": "relation_reference", "pstrUniqueAttributeValue": account.reference}
        assert (await self._call("GetMemberDetailsByUniqueAttribute", unique)).value["TotalPoints"] == account.points
        span = {"DateFrom": "2020-01-01", "DateTo": "2099-12-31"}
        *_, closing = (await self._call("GetMemberCategorizedStatement", who | span)).value
        assert closing["Points"] == account.points
        assert (await self._call("GetExpirySchedule", who | {"Year": 2026})).code == "000"

    async def _prove(self, account: Account) -> None:
        """What nobody knows, so that no member is locked out."""
        nobody = {"UniquerefID": f"{account.reference}-{self._key()}"}
        wrong = await self._call("CheckMembershipCredentialsByRelationReference", nobody | {"Password": "wrong"})
        assert wrong.code in {"117", "429"}
        code = {"OTP": "123456", "OtpType": "LOGIN"}
        for name, who in (("", {"UniquerefID": "nobody@example.com"}), ("ByRelationReference", nobody)):
            asked = await self._write(f"GenerateOTP{name}", who | {"OtpType": "LOGIN"})
            assert asked.code in {"000", "132"}, asked.envelope
            assert (await self._write(f"VerifyOTP{name}", who | code)).code in {"130", "131"}

    def _purchase(self, account: Account, amount: int) -> dict[str, Any]:
        return {
            "transaction_id": self._key(),
            "transaction_type": "DR",
            "amount": amount,
            "transaction_date": time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400)),
            "product_code": "PLAIN",
            "member_relation_reference": account.reference,
        }

    def _key(self) -> str:
        self._keys += 1
        return f"{self.number}-{self._keys}"

    def _drops(self) -> bool:
        return self.randomness.random() < DROPPED

    async def _write(self, name: str, body: Mapping[str, Any]) -> Answer:
        """Write under a key, perhaps again and again: the answer that comes is that of the one effect."""
        key = self._key()
        while self._drops():
            await self._send_and_hang_up(name, body, key)
        return await self._call(name, body, key)

    async def _call(self, name: str, given: Any, key: str | None = None) -> Answer:
        self.called.add(name)
        row = ROWS[name]
        in_query = {"params": given} if row.method == "GET" else {"json": given}
        headers = {} if key is None else {"Idempotency-Key": key}
        for _ in range(100):
            answer = await self.caller.client.request(row.method, row.path(Family.V1), headers=headers, **in_query)
            found = Answer(answer.status_code, answer.headers, answer.json())
            if found.code != "503":
                return found
            await asyncio.sleep(0.05)
        raise AssertionError("the database stays away")

    async def _send_and_hang_up(self, name: str, body: Any, key: str | None = None) -> None:
        """Send a whole request, and be gone before the answer."""
        self.dropped += 1
        content = json.dumps(body).encode()
        url = urlsplit(str(self.caller.client.base_url))
        head = [
            f"POST {ROWS[name].path(Family.V1)} HTTP/1.1",
            f"Host: {url.netloc}",
            f"Authorization: Bearer {self.caller.token}",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            *([f"Idempotency-Key: {key}"] if key else []),
        ]
        _, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write("\r\n".join([*head, "", ""]).encode() + content)
        await writer.drain()
        await asyncio.sleep(self.randomness.choice((0, 0, 0.002, 0.02)))
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
