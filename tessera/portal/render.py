"""Templates: how values are shown, and the assets that pages name."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from domain.clock import NEVER, last_moment
from tessera.portal.icon import icon, logo

STATIC = Path(__file__).parent / "static"
_THIN_SPACE = "\u202f"


@cache
def environment() -> Environment:
    """The templates of the portal; a name that a page does not give is an error, not a blank."""
    made = Environment(
        loader=PackageLoader("tessera.portal"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": show_number,
        "when": show_instant,
        "day": show_day,
        "until": show_last_day,
        "zone": show_zone,
        "words": show_words,
        "pretty": show_json,
        "plural": plural,
    }
    made.globals |= {"asset": asset_path, "icon": icon, "logo": logo}
    return made


def show_number(value: Decimal | int | float | None) -> str:
    """A number as people read it: with groups of three, and no needless zeros."""
    if value is None:
        return "–"
    digits, _, fraction = f"{Decimal(str(value)):f}".partition(".")
    fraction = fraction.rstrip("0")
    sign, digits = ("−", digits[1:]) if digits.startswith("-") else ("", digits)
    return f"{sign}{int(digits):,}".replace(",", _THIN_SPACE) + (f".{fraction}" if fraction else "")


def show_instant(value: datetime | None, zone: tzinfo) -> Markup:
    """An instant in the program's zone, for people and for machines; its seconds and zone for who points at it."""
    if value is None:
        return Markup("–")
    local = value.astimezone(zone)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        local.isoformat(timespec="seconds"), local.strftime("%Y-%m-%d %H:%M:%S %Z"), local.strftime("%Y-%m-%d %H:%M")
    )


def show_zone(zone: tzinfo, now: datetime) -> str:
    """The zone of a page's times, and how far it is from UTC now: `Europe/Berlin (CET, UTC+01:00)`."""
    local, name = now.astimezone(zone), str(zone)
    short, offset = local.strftime("%Z"), f"UTC{local.isoformat()[-6:]}"
    # Zones that people have no letters for are called by their offset.
    return name if name == short else f"{name} (now {f'{short}, {offset}' if short.isalpha() else offset})"


def show_day(value: date | datetime | None, zone: tzinfo) -> Markup:
    """A day in the program's zone."""
    if value is None:
        return Markup("–")
    local = value.astimezone(zone).date() if isinstance(value, datetime) else value
    return Markup('<time datetime="{0}">{0}</time>').format(local.isoformat())


def show_last_day(value: datetime | None, zone: tzinfo) -> Markup:
    """The last day on which something can be spent that is gone from this instant on."""
    return Markup("never") if value is None or value >= NEVER else show_day(last_moment(value), zone)


def show_words(value: Any) -> str:
    """A name of the code as words: `per_unit` and `PER_UNIT` are Per unit."""
    return str(value).replace("_", " ").replace("-", " ").replace(".", ": ").capitalize()


def show_json(value: Any) -> str:
    """A document as people read it."""
    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()


def plural(count: int, one: str, many: str | None = None) -> str:
    """How many of something: `1 row`, `2 rows`."""
    return f"{show_number(count)} {one if count == 1 else many or one + 's'}"


@cache
def assets() -> Mapping[str, tuple[bytes, str]]:
    """What pages load, by name, with the digest that stands in the address."""
    found = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.is_file()}
    return {name: (body, hashlib.sha256(body).hexdigest()[:12]) for name, body in found.items()}


def asset_path(name: str) -> str:
    """The address of an asset, which changes with it."""
    return f"/portal/static/{name}?v={assets()[name][1]}"
