"""Who asks and what they may do: principals, permissions and the built-in roles.

Every use case checks its own permission through `Principal.require`, so that no edge can forget it.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.errors import Forbidden, SecondFactorNeeded


class Permission(StrEnum):
    """One thing that a use case may need."""

    MEMBER_READ = "member:read"
    MEMBER_WRITE = "member:write"
    MEMBER_MERGE = "member:merge"
    MEMBER_ERASE = "member:erase"
    SUB_RELATION_WRITE = "sub-relation:write"
    MEMBER_AUTHENTICATE = "member:authenticate"
    MEMBER_OTP = "member:otp"
    SESSION_START = "session:start"
    SESSION_REVOKE = "session:revoke"
    PERSONAL_INFORMATION = "member:personal-information"
    TRANSACTION_SUBMIT = "transaction:submit"
    LEDGER_READ = "ledger:read"
    POINTS_REDEEM = "points:redeem"
    REDEMPTION_REVERSE = "redemption:reverse"
    POINTS_HOLD = "points:hold"
    POINTS_TRANSFER = "points:transfer"
    POINTS_AWARD = "points:award"
    POINTS_ADJUST = "points:adjust"
    POINTS_APPROVE = "points:approve"
    CONFIGURATION_READ = "configuration:read"
    CONFIGURATION_WRITE = "configuration:write"
    CREDENTIAL_READ = "credential:read"
    CREDENTIAL_WRITE = "credential:write"
    PROGRAM_CREATE = "program:create"
    BATCH_READ = "batch:read"
    BATCH_WRITE = "batch:write"
    BATCH_DECIDE = "batch:decide"
    EXPORT_READ = "export:read"
    EXPORT_WRITE = "export:write"
    AUDIT_READ = "audit:read"
    ADMINISTRATOR_READ = "administrator:read"
    ADMINISTRATOR_WRITE = "administrator:write"
    CHANGE_APPROVE = "change:approve"
    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    ORDER_READ = "order:read"
    ORDER_CODE_READ = "order:code-read"
    ORDER_PLACE = "order:place"
    ORDER_DECIDE = "order:decide"
    WEBHOOK_READ = "webhook:read"
    WEBHOOK_WRITE = "webhook:write"


class PrincipalKind(StrEnum):
    """How the caller got in."""

    PROGRAM = "program"
    MEMBER = "member"
    APP = "app"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


_EVERYTHING = frozenset(Permission)
# Members sign in by what they know or are sent; nobody who is somebody else already does it for them.
_EVERYBODYS = _EVERYTHING - {Permission.SESSION_START}
_CUSTOMER_EXECUTIVE = frozenset(
    {
        Permission.MEMBER_READ,
        Permission.MEMBER_WRITE,
        Permission.PERSONAL_INFORMATION,
        Permission.SESSION_REVOKE,
        Permission.LEDGER_READ,
        Permission.REDEMPTION_REVERSE,
        Permission.CONFIGURATION_READ,
        Permission.BATCH_READ,
        Permission.EXPORT_READ,
        Permission.CATALOG_READ,
        Permission.ORDER_READ,
    }
)
_PROGRAM_MANAGER = _CUSTOMER_EXECUTIVE | {
    Permission.MEMBER_MERGE,
    Permission.SUB_RELATION_WRITE,
    Permission.TRANSACTION_SUBMIT,
    Permission.POINTS_REDEEM,
    Permission.POINTS_HOLD,
    Permission.POINTS_TRANSFER,
    Permission.POINTS_AWARD,
    Permission.POINTS_ADJUST,
    Permission.POINTS_APPROVE,
    Permission.CONFIGURATION_WRITE,
    Permission.BATCH_WRITE,
    Permission.BATCH_DECIDE,
    Permission.EXPORT_WRITE,
    Permission.CREDENTIAL_READ,
    Permission.AUDIT_READ,
    Permission.ADMINISTRATOR_READ,
    Permission.CHANGE_APPROVE,
    Permission.CATALOG_WRITE,
    Permission.ORDER_CODE_READ,
    Permission.ORDER_PLACE,
    Permission.ORDER_DECIDE,
    Permission.WEBHOOK_READ,
}

ROLES: dict[str, frozenset[Permission]] = {
    "program-admin": _EVERYBODYS,
    "program-manager": _PROGRAM_MANAGER,
    "customer-executive": _CUSTOMER_EXECUTIVE,
}
"""The locked roles of administrators and what each may do."""

PROGRAM_PERMISSIONS = _EVERYBODYS - {
    Permission.MEMBER_ERASE,
    Permission.PROGRAM_CREATE,
    Permission.CREDENTIAL_READ,
    Permission.CREDENTIAL_WRITE,
    Permission.AUDIT_READ,
    Permission.POINTS_APPROVE,
    Permission.BATCH_DECIDE,
    Permission.ADMINISTRATOR_READ,
    Permission.ADMINISTRATOR_WRITE,
    Permission.CHANGE_APPROVE,
    Permission.WEBHOOK_READ,
    Permission.WEBHOOK_WRITE,
}
"""What a server with client credentials may do in its own program.

It adjusts points, because call centres and shops correct through it; what needs approval waits for an
administrator all the same.
"""

MEMBER_PERMISSIONS = frozenset(
    {
        Permission.MEMBER_READ,
        Permission.MEMBER_WRITE,
        Permission.MEMBER_OTP,
        Permission.SESSION_REVOKE,
        Permission.PERSONAL_INFORMATION,
        Permission.LEDGER_READ,
        Permission.POINTS_REDEEM,
        Permission.POINTS_HOLD,
        Permission.POINTS_TRANSFER,
        Permission.CATALOG_READ,
        Permission.ORDER_READ,
        Permission.ORDER_CODE_READ,
        Permission.ORDER_PLACE,
    }
)
"""What a member-bound token may do, for its own member only."""

APP_PERMISSIONS = frozenset({Permission.SESSION_START})
"""What a publishable key is good for, which every visitor of a page can read: members sign in, go on and sign out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """The authenticated caller of a use case.

    `program_id` is the partition (a program in one environment), `public_program_id` the number
    that integrators know. Both are None for an administrator who has not chosen a program.
    `session_id` is the session of a member who signed in. `needs_proof`: somebody at the portal whose second factor was
    shown too long ago for secrets and money. `address` and `browser`: from where it is done, where it is done by hand.
    """

    kind: PrincipalKind
    actor: str
    program_id: int | None = None
    public_program_id: int | None = None
    environment: str = "sandbox"
    member_reference: str | None = None
    session_id: int | None = None
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    needs_proof: bool = False
    address: str | None = None
    browser: str | None = None

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless the principal has the permission."""
        if permission not in self.permissions:
            raise Forbidden(f"needs {permission}")

    def require_proof(self) -> None:
        """Raise SecondFactorNeeded where a person has to show the second factor first."""
        if self.needs_proof:
            raise SecondFactorNeeded

    @property
    def program(self) -> int:
        """The partition the caller works in; Forbidden where none was chosen."""
        if self.program_id is None:
            raise Forbidden("no program chosen")
        return self.program_id

    def member(self, reference: str | None) -> str | None:
        """The member reference to work on: the given one, or the token's own.

        Raises Forbidden where a member-bound caller names somebody else.
        """
        if self.member_reference is None:
            return reference
        if reference is not None and reference != self.member_reference:
            raise Forbidden("the token is bound to another member")
        return self.member_reference


def system_principal(program_id: int, public_program_id: int, environment: str, actor: str) -> Principal:
    """The principal of a job, a file or the command line within one program."""
    return Principal(
        kind=PrincipalKind.SYSTEM,
        actor=actor,
        program_id=program_id,
        public_program_id=public_program_id,
        environment=environment,
        permissions=_EVERYTHING,
    )
