"""How values and tables are shown, whatever page they are on."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tessera.portal.cell import label_cells
from tessera.portal.render import environment, show_instant, show_zone
from tests.portal.world import Browser

SUMMER, WINTER = (datetime(2026, month, 1, 12, tzinfo=UTC) for month in (7, 1))
TABLE = """<table class="x"><thead><tr><th>A &amp; b</th><th class="number">Sum <b>net</b></th>
<th><span class="visually-hidden">Change</span></th><th>Last</th></tr></thead>
<tbody>{}</tbody></table>"""


@pytest.mark.parametrize(
    ("row", "labelled"),
    [
        (
            '<tr class="off"><td>1</td><td class="number">2</td><td>x</td><td></td></tr>',
            '<tr class="off"><td data-label="A &amp; b">1</td><td class="number" data-label="Sum net">2</td><td>x</td>'
            '<td data-label="Last"></td></tr>',
        ),
        ('<tr><th scope="row">q</th></tr>', '<tr><th scope="row" data-label="A &amp; b">q</th></tr>'),
        (
            '<tr><td colspan="3">wide</td><td>1</td></tr><tr><td data-label="Own">1</td></tr>',
            '<tr><td colspan="3">wide</td><td data-label="Last">1</td></tr><tr><td data-label="Own">1</td></tr>',
        ),
    ],
)
def test_cells_are_told_the_names_of_their_columns(row: str, labelled: str) -> None:
    before, after = "<p>a<td>b</p>" + TABLE.format(row), "<p>a<td>b</p>" + TABLE.format(labelled)
    assert label_cells(before) == after
    plain = "<table><tr><td>1</td></tr></table>"
    assert label_cells(plain) == plain


def test_times_tell_their_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert show_zone(berlin, SUMMER) == "Europe/Berlin (now CEST, UTC+02:00)"
    assert show_zone(ZoneInfo("UTC"), SUMMER) == "UTC"
    assert show_zone(ZoneInfo("America/Sao_Paulo"), SUMMER) == "America/Sao_Paulo (now UTC-03:00)"
    assert show_instant(WINTER, berlin) == (
        '<time datetime="2026-01-01T13:00:00+01:00" title="2026-01-01 13:00:00 CET">2026-01-01 13:00</time>'
    )


async def test_each_page_says_whose_times_it_has(ada: Browser) -> None:
    assert "Times are those of Europe/Berlin (now CET, UTC+01:00)." in (await ada.get("audit")).text
    assert "Times are those of UTC." in (await ada.get("/portal/account")).text


def test_what_may_be_left_blank_is_marked_and_what_is_needed_is_not() -> None:
    parts = environment().get_template("parts.html")
    made: Any = parts.make_module({"form": {}, "error": None})
    some = [("", "None"), ("a", "A")]
    marked = {
        "field": made.field("n", "N"),
        "password": made.field("n", "N", type="password"),
        "area": made.area("n", "N"),
        "choice": made.choice("n", "N", some),
    }
    bare = {
        "field": made.field("n", "N", required=True),
        "area": made.area("n", "N", required=True),
        "choice": made.choice("n", "N", {"a": "A"}.items()),
        "choice of none": made.choice("n", "N", some, required=True),
    }
    assert {name: "optional" in drawn for name, drawn in marked.items()} == dict.fromkeys(marked, True)
    assert {name: "optional" in drawn for name, drawn in bare.items()} == dict.fromkeys(bare, False)
