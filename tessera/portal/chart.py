"""Charts, drawn on the server as SVG: no script, no style in it, and a table of the same figures beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from tessera.portal.render import show_number

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 8, 12, 24
_GRID_LINES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Figures of one kind, one for each label."""

    name: str
    values: Sequence[Decimal]


def draw_bars(title: str, labels: Sequence[str], series: Sequence[Series]) -> Markup:
    """Bars side by side for each label."""
    most = nice_top(max((value for one in series for value in one.values), default=Decimal(0)))
    width = (WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    bar = width * 0.7 / max(len(series), 1)
    drawn = [Markup("<title>{}</title>").format(title), *_grid(most)]
    for place, label in enumerate(labels):
        left = _LEFT + place * width
        for number, one in enumerate(series):
            height = float(max(one.values[place], Decimal(0)) / most) * (HEIGHT - _TOP - _BOTTOM)
            drawn.append(
                Markup(
                    '<rect class="series-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5">'
                    "<title>{}</title></rect>"
                ).format(
                    number + 1,
                    left + width * 0.15 + number * bar,
                    HEIGHT - _BOTTOM - height,
                    max(bar - 1, 1),
                    height,
                    f"{label}: {show_number(one.values[place])} {one.name}",
                )
            )
        # As many labels as have room.
        if place % max(1, len(labels) // 10) == 0:
            drawn.append(
                Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                    left + width / 2, HEIGHT - 6, label
                )
            )
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img">{}</svg>').format(
        WIDTH, HEIGHT, Markup().join(drawn)
    )


def nice_top(most: Decimal) -> Decimal:
    """The next number above that people count in: 1, 2, 2.5 or 5 with zeros."""
    if most <= 0:
        return Decimal(_GRID_LINES)
    unit = Decimal(10) ** most.adjusted()
    return next(step * unit for step in map(Decimal, ("1", "2", "2.5", "5", "10")) if step * unit >= most)


def _grid(most: Decimal) -> list[Markup]:
    lines = []
    for number in range(_GRID_LINES + 1):
        y = HEIGHT - _BOTTOM - number * (HEIGHT - _TOP - _BOTTOM) / _GRID_LINES
        lines.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(_LEFT, WIDTH - _RIGHT, y, y, _LEFT - 6, y + 4, show_number(most * number / _GRID_LINES))
        )
    return lines
