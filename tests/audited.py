"""What each kind of entry of the audit trail has to say, held against every entry that any test leads to."""

import sys
from collections.abc import Mapping
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from domain.store import audit


class Shape(Enum):
    """Which of before and after an entry has. SAVED: something new has no before; NOTED: neither is needed."""

    CREATED = "after"
    REMOVED = "before"
    CHANGED = "before and after"
    SAVED = "after, and before where there was one"
    NOTED = "neither"


_NAMES: Mapping[Shape, str] = {
    Shape.CREATED: """
        admin-token.create administrator.invite administrator.join batch.upload change.request credential.create
        export.request member.enroll* order.place points.adjust points.adjust.request points.award program.create
        points.redeem redemption.reverse sftp-login.add-key sftp-login.create sub-relation.link member.merge""",
    Shape.REMOVED: """
        fulfilment-partner.remove member.unmerge partner-server.remove role.remove sftp-login.remove-key
        sub-relation.unlink webhook.remove""",
    Shape.CHANGED: """
        administrator.accept administrator.disable administrator.enable administrator.password-change
        administrator.roles administrator.sessions-end attribute_proposal.dismiss batch.discard batch.release
        catalog.stock change.approved change.done change.rejected change.withdrawn configuration.apply
        credential.reset hold.cancel member.tier.set member.update order.cancelled order.failed order.fulfilled
        order.reversed points.adjust.approve points.adjust.reject segment.freeze sftp-login.revoke
        sftp-login.rotate-password signing-key.rotate transaction.approve transaction.reject voucher.import
        voucher.withdraw webhook.disable webhook.replay webhook.replay-dead webhook.rotate-secret""",
    Shape.SAVED: "fulfilment-partner.save partner-server.save role.save webhook.save",
}
NOTED: Mapping[str, str] = {
    "administrator.lockout": "wrong codes change nothing but the time of the next try",
    "administrator.password": "a secret; its roles stay, and stand in the entry",
    "administrator.reset": "a link, which has no before; its roles stand in the entry",
    "administrator.second-factor": "a secret",
    "administrator.sign-in": "nothing is changed",
    "member.address": "which addresses, never what they are: the change itself is member.update",
    "member.erase": "what was there is forgotten, here too",
    "member.erase-again": "what was there is forgotten, here too",
    "member.export": "nothing is changed",
    "member.lockout": "wrong codes change nothing but the time of the next try",
    "member.otp.*": "a code was right; what it changes has entries of its own",
    "member.password.set": "a secret",
    "member.secret.import": "a secret",
    "message.test": "nothing is changed",
    "session.reuse": "nothing is changed by hand: a token that was used before",
    "session.revoke": "sessions end; how many stands in the entry",
}
"""Entries that need not have a before and an after, and why."""

SHAPES: Mapping[str, Shape] = {
    name: shape for shape, names in _NAMES.items() for name in names.split()
} | dict.fromkeys(NOTED, Shape.NOTED)


def shape_of(action: str) -> Shape | None:
    """The shape of an action; None for a name that no code has."""
    return next((shape for name, shape in SHAPES.items() if fnmatchcase(action, name)), None)


def check_shape(action: str, before: Any, after: Any) -> None:
    """Fail where an entry does not say what its kind has to."""
    shape = shape_of(action)
    needs_before = shape in {Shape.CHANGED, Shape.REMOVED}
    needs_after = shape in {Shape.CHANGED, Shape.CREATED, Shape.SAVED}
    assert not (needs_before and before is None), f"the entry {action} does not say what was before"
    assert not (needs_after and after is None), f"the entry {action} does not say what is after"


def hold_entries_to_their_shapes() -> None:
    """Check each entry that is written in this process; all of them are sealed by one function."""
    seal = audit.audit_hash

    def checked(*told: Any, **said: Any) -> bytes:
        # Who verifies the chain seals again, whatever became of an entry.
        if sys._getframe(1).f_code is audit.record.__code__:
            action, before, after = told[5], told[7], told[8]
            check_shape(action, before, after)
        return seal(*told, **said)

    audit.audit_hash = checked
