"""The use case of an administrator who is invited to another program: it takes the roles, and nothing else changes."""

from sqlalchemy import Connection

from domain.crypto import hash_secret
from domain.errors import LinkInvalid, Unauthorized
from domain.store import administrator as store
from domain.store import audit
from resolvers.administrator_link import to_link
from resolvers.administrator_rights import told
from resolvers.context import Services
from resolvers.sign_in import IN
from resolvers.visitor import Visitor


async def accept_invitation(services: Services, visitor: Visitor, token: str) -> None:
    """Add the roles of an invitation to those of the administrator whom it is for, who is signed in.

    Raises Unauthorized, LinkInvalid.
    """
    if visitor.stage != IN:
        raise Unauthorized
    now = services.clock()

    def body(tx: Connection) -> None:
        # Whoever resets, gives or takes roles has this row.
        store.find_row(tx, visitor.administrator.id, lock=True)
        row = store.find_link(tx, hash_secret(token), now)
        [one] = store.list_administrators(tx, [visitor.administrator.id])
        if row is None or row.administrator_id is not None or row.email != one.email or one.disabled_at is not None:
            raise LinkInvalid
        given, has = to_link(row).grants, {each.public_program_id for each in one.grants}
        # Who got a role there meanwhile does not change it.
        if has & {None, *(each.public_program_id for each in given)} or not store.take_link(tx, hash_secret(token)):
            raise LinkInvalid
        grants = [*one.grants, *given]
        store.replace_grants(tx, one.id, grants)
        # A link for another password was made for somebody who may do less.
        store.drop_links_to(tx, [one.id])
        audit.record(
            tx,
            audit.DEPLOYMENT,
            now=now,
            actor=visitor.principal,
            action="administrator.accept",
            subject=f"administrator:{one.id}",
            before=told(one.grants),
            after={"invited_by": row.created_by} | told(grants),
        )

    await services.db.write(body)
