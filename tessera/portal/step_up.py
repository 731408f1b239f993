"""Which actions want the second factor anew: what makes secrets, moves points, gives rights or lets persons' data out.

A session that somebody finds open is worth none of these. Paths are those below a program; use cases that only people
at the portal call check it besides.
"""

FRESH = frozenset(
    {
        # Points and what is worth points.
        "members/{member:int}/adjust",
        "members/{member:int}/award",
        "members/{member:int}/redeem",
        "members/{member:int}/entries/{entry:int}/reverse",
        "members/{member:int}/tier",
        "orders",
        "orders/{order:int}",
        "orders/{order:int}/code",
        "files",
        "files/{batch:int}",
        # What is not undone, or only with pains.
        "members/{member:int}/merge",
        "members/{member:int}/merges/{merge:int}/undo",
        "members/{member:int}/erase",
        # What somebody else asked for.
        "approvals/{kind}/{number:int}",
        # Data of persons.
        "exports",
        "exports/{export:int}",
        # Secrets, and where data goes.
        "credentials/reset",
        "credentials/go-live",
        "credentials/logins",
        "credentials/logins/{username}",
        "partners",
        "partners/{name}",
        "webhooks",
        "webhooks/{name}",
        # Rights.
        "administrators",
        "administrators/{administrator:int}",
        "roles",
    }
)
