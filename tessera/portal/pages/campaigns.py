"""Campaigns: bonuses for a time."""

from starlette.responses import Response

from domain.access import Permission
from resolvers.campaign import list_campaigns
from resolvers.configuration import get_configuration
from tessera.portal.route import Page, page
from tessera.portal.visit import Visit


async def show(visit: Visit) -> Response:
    """Those that are on, that are to come, and that are over."""
    configuration = await get_configuration(visit.ctx)
    now = visit.services.clock()
    running = await list_campaigns(visit.ctx)
    stands = {
        one.name: ("On now", "good")
        if one.is_active
        else ("To come", "info")
        if now < one.span.starts
        else ("Over", "")
        for one in running
    }
    return visit.page(
        "campaigns.html",
        version=configuration.version,
        campaigns=configuration.document["campaigns"],
        stands=stands,
    )


PAGES: tuple[Page, ...] = (page("campaigns", show, Permission.CONFIGURATION_READ),)
