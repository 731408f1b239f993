"""Symbols of the menu and of buttons: outlines on a grid of 24, drawn in the colour of the text."""

from collections.abc import Mapping

from markupsafe import Markup

_OUTLINES: Mapping[str, str] = {
    "home": "M4 11l8-7 8 7M6 10v10h12V10M10 20v-6h4v6",
    "people": "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2.5 20c.6-3.6 3.2-5.5 6.5-5.5s5.9 1.9 6.5 5.5"
    "M16 4.5a3.5 3.5 0 010 6.5M18 14.8c2 .8 3.2 2.6 3.5 5.2",
    "person": "M12 12a4 4 0 100-8 4 4 0 000 8zM4.5 20.5c.7-4 3.6-6 7.5-6s6.8 2 7.5 6",
    "check": "M4 12.5l5 5L20 6.5",
    "rule": "M5 5h14M5 12h9M5 19h5M17 15l2 2 3-4",
    "tag": "M4 4h8l8.5 8.5-8 8L4 12zM8 8h.01",
    "tier": "M4 20V14h4v6M10 20V9h4v11M16 20V4h4v16",
    "segment": "M12 3a9 9 0 109 9h-9zM15 3.5A9 9 0 0120.5 9H15z",
    "flag": "M5 21V4h13l-2.5 4.5L18 13H5",
    "gear": "M12 15a3 3 0 100-6 3 3 0 000 6zM12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3M5.3 5.3l2.1 2.1"
    "M16.6 16.6l2.1 2.1M18.7 5.3l-2.1 2.1M7.4 16.6l-2.1 2.1",
    "file": "M6 3h8l5 5v13H6zM14 3v5h5",
    "export": "M12 15V4M8 8l4-4 4 4M5 14v6h14v-6",
    "server": "M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01",
    "key": "M8 16a4.5 4.5 0 110-9 4.5 4.5 0 010 9zM12.3 11.5H21M18 11.5v3.5M15 11.5v2.5",
    "shield": "M12 3l8 3v6c0 5-3.5 8-8 9.5C7.5 20 4 17 4 12V6z",
    "history": "M4 12a8 8 0 108-8c-3 0-5.5 1.5-7 4M4 4v4.5h4.5M12 8v4.5l3 2",
    "search": "M10.5 17a6.5 6.5 0 100-13 6.5 6.5 0 000 13zM15.5 15.5L21 21",
    "gift": "M4 11h16v10H4zM3 7h18v4H3zM12 7v14M12 7c-5 0-5-4.5-2.5-4.5S12 7 12 7s0-4.5 2.5-4.5S17 7 12 7",
    "cart": "M3 4h3l2.5 11h9L20 7H7M9.5 19.5h.01M16.5 19.5h.01",
    "bell": "M6 17V11a6 6 0 1112 0v6l1.5 2h-15zM10 21h4",
    "chart": "M4 4v16h16M8 16v-4M12 16V8M16 16v-6",
    "up": "M12 19V5M6 11l6-6 6 6",
    "down": "M12 5v14M6 13l6 6 6-6",
    "mail": "M3 6h18v13H3zM3 7l9 7 9-7",
}
_LOGO = (
    ("1", "M3 3h8v8H3z"),
    ("2", "M13 3h8v8h-8z"),
    ("3", "M3 13h8v8H3z"),
    ("4", "M13 17a4 4 0 108 0 4 4 0 10-8 0z"),
)


def icon(name: str) -> Markup:
    """A symbol, which says nothing that the text beside it does not."""
    return Markup(
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7"'
        ' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="{}"/></svg>'
    ).format(_OUTLINES[name])


def logo() -> Markup:
    """Four tiles, of which one is round."""
    tiles = Markup().join(Markup('<path class="tile-{}" d="{}"/>').format(number, path) for number, path in _LOGO)
    return Markup('<svg class="logo" viewBox="0 0 24 24" aria-hidden="true">{}</svg>').format(tiles)
