"""The documents of `docs/graphql`, run one after another as an app would, in a world of their own.

`python -m tests.graphql.documents` writes the answers into the README of that folder again.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from resolvers.configuration import apply_configuration
from resolvers.delivery import deliver_messages
from resolvers.program import create_program
from tests.database import migrated_sqlite, sqlite_url
from tests.graphql.live import live
from tests.graphql.world import Caller, World, open_world
from tests.resolvers.mailbox import Mailbox

FOLDER = Path(__file__).parents[2] / "docs" / "graphql"
README = FOLDER / "README.md"

RULES = b"""
version: 1
program:
  {time_zone: Europe/London, currency: GBP, points_decimals: 1, redemption_minimum: 5, default_merchant: Corner Shop,
   sign_in_url: "https://shop.example/sign-in"}
expiry: {policy: months, months: 12, period_end: quarter}
member_attributes: [{key: shirt_size, name: Shirt size, type: string}]
rule_groups:
  - name: Purchases
    caps: {month: 150}
    rules:
      - {name: A point for a pound, award: {type: per_unit, of: transaction.amount, points: 1, per: 1}}
tiers:
  assessment: automatic
  levels:
    - {name: Silver, from: 0}
    - {name: Gold, from: 80, multiplier: 1.5, upgrade_bonus: 25}
    - {name: Platinum, from: 500}
campaigns:
  - {name: Winter, starts: 2026-02-01, ends: 2026-02-28, award: {type: multiplier, factor: 2}, message: Double points}
"""

ANN = {
    "relationReference": "M-1001",
    "status": "ACTIVE",
    "fullName": "Ann Example",
    "emailId": "ann@example.com",
    "dob": "1990-05-17",
    "attributes": [{"key": "shirt_size", "value": "M"}],
}
BEN = {"relationReference": "M-1002", "status": "ACTIVE", "fullName": "Ben Example"}

CHANCE = frozenset(
    ("id", "sessionId", "externalReference", "eventId", "lastEventId", "endCursor", "after", "token")
    + ("accessToken", "refreshToken")
)
"""Fields whose values are others in every world."""

_LINK = "mutation($i: SessionSendInput!) {sessionLinkSend(input: $i) {done}}"
_CARD = "mutation($i: SubRelationLinkInput!) {subRelationLink(input: $i) {replayed}}"
_BUY = "mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points}}"
_ENROLL = "mutation($i: MemberEnrollInput!) {memberEnroll(input: $i) {replayed}}"
_SECTION = re.compile(r"^## `(?P<name>[a-z-]+\.graphql)`\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"```json\n(?P<json>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Example:
    """What a document was sent with, and what came back."""

    variables: Mapping[str, Any]
    data: Any


@dataclass
class Story:
    """A member's app, and what it asked so far."""

    world: World
    shop: Caller
    app: Caller
    told: dict[str, Example] = field(default_factory=dict)

    async def ask(self, name: str, **variables: Any) -> Any:
        """Run a document of the folder; the first field that it answers with."""
        data = (await self.app.ask(document(name), **variables)).data
        self.told[name] = Example(variables, data)
        return next(iter(data.values()))

    async def message(self) -> Mapping[str, Any]:
        """What the message says that went to the member last."""
        mailbox = Mailbox()
        await deliver_messages(self.world.services, mailbox)
        # What lapses first goes first.
        return max(mailbox.messages, key=lambda one: one.message_id).details

    async def buy(self, amount: str, date: str) -> None:
        """The member buys something."""
        given = self.world.purchase("M-1001", amount, productCode=None, transactionDate=f"{date}T10:00:00Z")
        assert (await self.shop.ask(_BUY, i=given)).data


def document(name: str) -> str:
    """The text of a document."""
    return (FOLDER / name).read_text()


def written() -> dict[str, Example]:
    """The examples of the README, by the name of the document."""
    return dict(_sections(README.read_text()))


def _sections(text: str) -> Iterator[tuple[str, Example]]:
    for section in _SECTION.finditer(text):
        blocks = [json.loads(block["json"]) for block in _BLOCK.finditer(section["text"])]
        # A section that is new has no answer yet.
        if blocks:
            yield section["name"], Example(blocks[0] if len(blocks) > 1 else {}, blocks[-1]["data"])


async def play(world: World) -> dict[str, Example]:
    """Run every document; what each answered, by its name."""
    story = await _begin(world)
    await _sign_in(story)
    await _look(story)
    await _follow(story)
    await _spend(story)
    await _sign_out(story)
    return story.told


async def _begin(world: World) -> Story:
    issued = await create_program(world.context(), "Corner Shop")
    # The third program of this world, so the third partition.
    await apply_configuration(world.context(3), RULES)
    shop = await world.caller(issued)
    story = Story(world, shop, Caller(world.client, key=issued.publishable_key))
    for given in (ANN, BEN):
        assert (await shop.ask(_ENROLL, i=given)).data
    card = {"relationReference": "M-1001", "type": "CARD", "cardNumber": "6035550000000017"}
    assert (await shop.ask(_CARD, i=card)).data
    await story.buy("62.25", "2026-01-12")
    await story.buy("40.75", "2026-02-02")
    return story


async def _sign_in(story: Story) -> None:
    name = {"email": "ann@example.com"}
    await story.ask("sign-in-screen.graphql")
    await story.ask("sign-in-code.graphql", **name, idempotencyKey="4f6e6c1a")
    code = (await story.message())["code"]
    tokens = await story.ask("sign-in.graphql", **name, code=code, idempotencyKey="b8f0a3d2")
    story.told["sign-in.graphql"] = replace(
        story.told["sign-in.graphql"], variables={**name, "code": "123456", "idempotencyKey": "b8f0a3d2"}
    )
    story.app = replace(story.app, token=tokens["accessToken"])
    story.world.clock[0] += timedelta(seconds=30)
    await story.ask("password-set.graphql", password="correct horse battery", idempotencyKey="5a0c77b1")


async def _look(story: Story) -> None:
    for name in ("home", "expiring", "tier", "offers", "cards", "profile"):
        await story.ask(f"{name}.graphql")
    await story.ask("statement.graphql", first=2)
    changes = {"fullName": "Ann B. Example", "address": "1 High Street, Leeds", "preferredLanguage": "en"}
    await story.ask("profile-update.graphql", input=changes)
    await story.ask("address-code.graphql", idempotencyKey="0d2f9be8")
    change = {"emailId": "ann@example.org", "idempotencyKey": "c3b7a511"}
    await story.ask("address-change.graphql", code=(await story.message())["code"], **change)
    story.told["address-change.graphql"] = replace(
        story.told["address-change.graphql"], variables={"code": "123456", **change}
    )


async def _follow(story: Story) -> None:
    async with live(story.world) as served, served.connection(story.app) as talk:
        await story.buy("10", "2026-02-03")
        await talk.subscribe("1", document("live.graphql"), after="0")
        after, event = "0", await talk.data()
        while event["entry"] is None or event["entry"]["transactionDate"] < "2026-02-03T10":
            after, event = event["eventId"], await talk.data()
    story.told["live.graphql"] = Example({"after": after}, {"memberActivity": event})


async def _spend(story: Story) -> None:
    key = {"idempotencyKey": "2d7b8f0e-redeem"}
    await story.ask("redeem.graphql", points="12.5", merchantName="Corner Shop", loyaltyTxnType=None, **key)
    await story.ask("redemption.graphql", **key)
    await story.ask(
        "transfer.graphql", points="20", to="M-1002", narration="Happy birthday", idempotencyKey="9c41e5b7-gift"
    )


async def _sign_out(story: Story) -> None:
    old = story.told["sign-in.graphql"].data["sessionStartByCode"]["refreshToken"]
    await story.ask("refresh.graphql", refreshToken=old, idempotencyKey="71c5e9f4")
    assert (await story.app.ask(_LINK, i={"email": "ann@example.org"})).data
    token = (await story.message())["link"].partition("#token=")[2]
    tokens = await story.ask("sign-in-link.graphql", token=token, idempotencyKey="e02a94d6")
    await story.ask("sign-out.graphql", refreshToken=tokens["refreshToken"])


def without_chance(value: Any) -> Any:
    """The value with its types in place of what is another in every world."""
    if isinstance(value, dict):
        return {key: _kind(one) if key in CHANCE else without_chance(one) for key, one in value.items()}
    return [without_chance(one) for one in value] if isinstance(value, list) else value


def _is_same(said: Example | None, told: Example) -> bool:
    return said is not None and all(
        without_chance(one) == without_chance(other)
        for one, other in ((said.data, told.data), (dict(said.variables), dict(told.variables)))
    )


def _kind(value: Any) -> str:
    return type(value).__name__


def rewritten(text: str, told: Mapping[str, Example]) -> str:
    """The README with the answers that documents gave."""

    def section(found: re.Match[str]) -> str:
        example = told[found["name"]]
        words = _BLOCK.split(found["text"])[0].split("\nVariables:")[0].split("\nAnswers:")[0].strip()
        parts = [f"## `{found['name']}`", words]
        if example.variables:
            parts.append(f"Variables:\n\n{_block(example.variables)}")
        return "\n\n".join([*parts, f"Answers:\n\n{_block({'data': example.data})}"]) + "\n\n"

    return _SECTION.sub(section, text).rstrip() + "\n"


def _block(value: Any) -> str:
    return f"```json\n{json.dumps(_short(value), indent=2, ensure_ascii=False)}\n```"


def _short(value: Any) -> Any:
    """Tokens are cut: nobody shall think that they are good for anything."""
    if isinstance(value, dict):
        return {key: f"{one[:6]}…" if key.lower().endswith("token") else _short(one) for key, one in value.items()}
    return [_short(one) for one in value] if isinstance(value, list) else value


async def _write() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(migrated_sqlite(Path(folder)))
        async with open_world(url, Path(folder)) as world:
            told, said = await play(world), written()
            # What only chance made another stays, so that a run without a change changes nothing.
            kept = {name: said[name] if _is_same(said.get(name), one) else one for name, one in told.items()}
            README.write_text(rewritten(README.read_text(), kept))


if __name__ == "__main__":
    asyncio.run(_write())
