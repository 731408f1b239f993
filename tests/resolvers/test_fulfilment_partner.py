"""Partners who fulfil orders: kept by administrators, their secrets sealed and shown once."""

from dataclasses import replace

from resolvers.fulfilment_partner import SavePartner, list_partners, remove_partner, save_partner
from tests.resolvers.conftest import Shop, contents
from tests.resolvers.desk import administrator, enroll, member_of, nothing_written, outcome
from tests.resolvers.wares import last_audit
from tests.resolvers.webhook import posting

URL = "https://tailor.example/orders"


async def test_partners_are_kept_by_administrators_and_their_secrets_are_shown_once(shop: Shop) -> None:
    posting(shop)
    workshop = shop.contexts[0]
    await enroll(workshop, "ANN")
    assert (await save_partner(workshop, SavePartner(name="Tailor", url=URL))).secret is not None
    known = await save_partner(workshop, SavePartner(name="Tailor", url=URL))
    assert known.secret is None
    made = await save_partner(administrator(workshop, "root"), SavePartner(name="Potter", url=URL))
    assert made.secret is not None
    assert made.secret not in repr(made)
    newest = await last_audit(workshop)
    assert (newest.action, newest.subject, newest.before) == (
        "fulfilment-partner.save",
        "fulfilment-partner:Potter",
        None,
    )
    assert newest.after == {"url": URL, "enabled": True, "new_secret": True}
    rows = await contents(workshop)
    assert made.secret.encode() not in b"".join(
        cell if isinstance(cell, bytes) else str(cell).encode()
        for table in rows.values()
        for row in table
        for cell in row
    )
    assert [one.name for one in await list_partners(workshop)] == ["Potter", "Tailor"]
    assert await list_partners(shop.contexts[1]) == []
    bare = replace(workshop, services=replace(workshop.services, carrier=None))
    async with nothing_written(shop):
        for ctx, name, url, code in (
            (workshop, "Tail/or", URL, "998"),
            (workshop, "Tailor", "ftp://tailor.example", "998"),
            (workshop, "Tailor", "http://10.0.0.1/", "1371"),
            (member_of(workshop, "ANN"), "Tailor", URL, "403"),
            (administrator(workshop, "manager", "program-manager"), "Tailor", URL, "403"),
            (bare, "Tailor", URL, "503"),
        ):
            assert await outcome(save_partner(ctx, SavePartner(name=name, url=url))) == code
        assert await outcome(remove_partner(workshop, "Nobody")) == "1379"
        assert await outcome(remove_partner(shop.contexts[1], "Tailor")) == "1379"
