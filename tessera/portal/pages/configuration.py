"""All pages of the configuration."""

from tessera.portal.pages import (
    attributes,
    campaigns,
    item,
    promote,
    review,
    rule,
    rules,
    segments,
    settings,
    tiers,
    versions,
)
from tessera.portal.route import Page

PAGES: tuple[Page, ...] = (
    *rules.PAGES,
    *rule.PAGES,
    *review.PAGES,
    *attributes.PAGES,
    *tiers.PAGES,
    *segments.PAGES,
    *campaigns.PAGES,
    *settings.PAGES,
    *item.PAGES,
    *versions.PAGES,
    *promote.PAGES,
)
