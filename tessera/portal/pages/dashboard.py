"""The dashboard: how the program stands, how it went, what waits."""

from starlette.responses import Response

from domain.access import Permission
from resolvers.batch import list_batches
from resolvers.catalog import list_running_out
from resolvers.overview import Period, Span, get_overview, list_periods
from tessera.portal.chart import Series, draw_bars
from tessera.portal.route import Page, page
from tessera.portal.visit import Visit

_NEWEST_FILES = 5


async def show(visit: Visit) -> Response:
    """The figures; the chart, which reads the journal, is loaded behind them."""
    overview = await get_overview(visit.ctx)
    batches = await list_batches(visit.ctx, first=_NEWEST_FILES) if visit.may(Permission.BATCH_READ) else []
    running_out = await list_running_out(visit.ctx) if visit.may(Permission.CATALOG_READ) else []
    return visit.page(
        "dashboard.html", overview=overview, batches=batches, running_out=len(running_out), span=_span(visit)
    )


async def show_chart(visit: Visit) -> Response:
    """Points by day or by month: a part of the dashboard, and a page of its own where there is no script."""
    span = _span(visit)
    periods = await list_periods(visit.ctx, span)
    labels = [one.begins_at.astimezone(visit.zone).strftime("%d %b" if span == "days" else "%b %y") for one in periods]
    series = [Series(name=name, values=[getattr(one, name) for one in periods]) for name in _KINDS]
    title = f"Points issued, redeemed and expired in the last {len(periods)} {span}"
    is_part = visit.request.headers.get("hx-request") == "true"
    return visit.page(
        "chart_part.html" if is_part else "chart.html",
        drawn=draw_bars(title, labels, series),
        title=title,
        rows=list(zip(labels, periods, strict=True)),
        is_blank=not any(_has_points(one) for one in periods),
        span=span,
    )


_KINDS = ("issued", "redeemed", "expired")


def _has_points(period: Period) -> bool:
    return any(getattr(period, name) for name in _KINDS)


def _span(visit: Visit) -> Span:
    return "days" if visit.asked("span") == "days" else "months"


PAGES: tuple[Page, ...] = (
    page("", show, Permission.CONFIGURATION_READ),
    page("chart", show_chart, Permission.CONFIGURATION_READ),
)
