"""The menu: the parts of the portal, and what one has to be allowed for each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from domain.access import Permission


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A part of the portal. `path` is below the program; `icon` is a symbol of `icons.svg`."""

    title: str
    path: str
    needs: Permission
    icon: str


MENU: Sequence[tuple[str, Sequence[Item]]] = (
    (
        "Overview",
        (
            Item(title="Dashboard", path="", needs=Permission.CONFIGURATION_READ, icon="home"),
            Item(title="Members", path="members", needs=Permission.MEMBER_READ, icon="people"),
            Item(title="Orders", path="orders", needs=Permission.ORDER_READ, icon="cart"),
            Item(title="Approvals", path="approvals", needs=Permission.CONFIGURATION_READ, icon="check"),
        ),
    ),
    (
        "Program",
        (
            Item(title="Rules", path="rules", needs=Permission.CONFIGURATION_READ, icon="rule"),
            Item(title="Attributes", path="attributes", needs=Permission.CONFIGURATION_READ, icon="tag"),
            Item(title="Tiers", path="tiers", needs=Permission.CONFIGURATION_READ, icon="tier"),
            Item(title="Segments", path="segments", needs=Permission.CONFIGURATION_READ, icon="segment"),
            Item(title="Campaigns", path="campaigns", needs=Permission.CONFIGURATION_READ, icon="flag"),
            Item(title="Catalogue", path="catalog", needs=Permission.CATALOG_READ, icon="gift"),
            Item(title="Settings", path="settings", needs=Permission.CONFIGURATION_READ, icon="gear"),
            Item(title="Versions", path="versions", needs=Permission.CONFIGURATION_READ, icon="history"),
            Item(title="Promote", path="promote", needs=Permission.CONFIGURATION_READ, icon="export"),
        ),
    ),
    (
        "Partners",
        (
            Item(title="Files", path="files", needs=Permission.BATCH_READ, icon="file"),
            Item(title="Exports", path="exports", needs=Permission.EXPORT_READ, icon="export"),
            Item(title="Partner servers", path="partners", needs=Permission.CREDENTIAL_READ, icon="server"),
        ),
    ),
    (
        "Administration",
        (
            Item(title="API credentials", path="credentials", needs=Permission.CREDENTIAL_READ, icon="key"),
            Item(title="Webhooks", path="webhooks", needs=Permission.WEBHOOK_READ, icon="bell"),
            Item(title="Administrators", path="administrators", needs=Permission.ADMINISTRATOR_READ, icon="shield"),
            Item(title="Audit trail", path="audit", needs=Permission.AUDIT_READ, icon="history"),
        ),
    ),
)


def menu_of(permissions: Collection[Permission]) -> Sequence[tuple[str, Sequence[Item]]]:
    """What somebody with these permissions finds, by group."""
    groups = ((title, [item for item in items if item.needs in permissions]) for title, items in MENU)
    return [(title, items) for title, items in groups if items]
