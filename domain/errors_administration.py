"""The part of the error table that only administrators meet; imported from `domain.errors`, as all of it is."""

from domain.refusal import TesseraError


class SecondFactorNeeded(TesseraError, code="1390", status=403, message="Show your second factor first"):
    """Somebody at the portal makes a secret or moves points by hand, and last showed a code too long ago."""


class ApprovalNeeded(TesseraError, code="1391", status=403, message="A second administrator has to approve this"):
    """The program wants such changes requested and approved; the detail says which."""


class LinkInvalid(TesseraError, code="1392", status=404, message="The link works no longer"):
    """A one-time link of an administrator was used, replaced or has lapsed, or never was one."""


class AdministratorNotFound(TesseraError, code="1393", status=404, message="Administrator does not exist"):
    """Nobody with this id, or nobody whom the caller may see."""


class AdministratorExists(TesseraError, code="1394", status=409, message="Administrator exists already"):
    """Somebody with this e-mail address is an administrator of this deployment."""


class RoleInUse(TesseraError, code="1395", status=409, message="Role is in use"):
    """Administrators have the role, or it is one of the built-in ones."""


class DeciderNotIndependent(TesseraError, code="1396", status=403, message="Somebody independent has to decide"):
    """One person may be behind who asked and who decides: invited, reset or let in again by the other, or alike."""


class WebhookNotFound(TesseraError, code="1370", status=404, message="Webhook endpoint does not exist"):
    """No webhook endpoint of this program has this name."""


class WebhookAddressRefused(TesseraError, code="1371", status=422, message="Nothing is sent to this address"):
    """The address of a webhook is in a network that the deployment does not send to, or is not https."""
