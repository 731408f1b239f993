"""Reads the items of the catalogue, whose shape the schema has checked."""

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from domain.catalog import price_of
from domain.catalog_terms import CatalogItem
from domain.rules.model import Configuration
from domain.rules.parse_attribute import read_name
from domain.rules.parse_program import check_span, read_amount, read_moment, settled
from domain.rules.problem import Problems, child, shown
from domain.rules.value import read_text

MAX_DESCRIPTION = 2_000


def read_catalog(given: list[dict[str, Any]], base: Configuration, problems: Problems) -> tuple[CatalogItem, ...]:
    """The items; notes duplicate codes, unknown tiers and segments, prices that cannot be paid, and idle keys."""
    problems.distinct((item["code"] for item in given), lambda index: f"catalog[{index}].code")
    return tuple(_read_item(item, child("catalog", index), base, problems) for index, item in enumerate(given))


def _read_item(given: dict[str, Any], path: str, base: Configuration, problems: Problems) -> CatalogItem:
    texts = {key: read_name(given[key], f"{path}.{key}", problems) for key in ("code", "name")}
    texts |= {key: read_name(given[key], f"{path}.{key}", problems) for key in ("pool", "partner") if given.get(key)}
    numbers = ("limit", "low_stock", "loyalty_txn_type", "answer_days")
    plain = {key: settled(given[key]) for key in (*numbers, "enabled") if given.get(key) is not None}
    words = ("kind", "fulfilment", "stock", "limit_period")
    terms: dict[str, Any] = {
        **texts,
        **plain,
        **{key: given[key] for key in words if given.get(key) is not None},
        **{key: _amount(given, key, path, problems) for key in ("points", "money")},
        **{key: read_moment(given.get(key), f"{path}.{key}", problems) for key in ("valid_from", "valid_to")},
        **{key: tuple(given.get(key) or ()) for key in ("tiers", "segments")},
        "description": _description(given.get("description"), f"{path}.description", problems),
    }
    item = CatalogItem(**terms)
    _check_price(item, path, base, problems)
    _check_adapter(item, path, problems)
    _check_members(item, path, base, problems)
    check_span(item.valid_from, item.valid_to, f"{path}.valid_to", "valid_from", problems)
    return item


def _amount(given: dict[str, Any], key: str, path: str, problems: Problems) -> Decimal | None:
    return None if given.get(key) is None else read_amount(given[key], f"{path}.{key}", problems, positive=True)


def _description(given: str | None, path: str, problems: Problems) -> str | None:
    # Lines are its own; of a line everything is checked as of any text.
    lines = [problems.check(partial(read_text, line, MAX_DESCRIPTION), path, "") for line in (given or "").split("\n")]
    return "\n".join(lines) if given else None


def _check_price(item: CatalogItem, path: str, base: Configuration, problems: Problems) -> None:
    if (item.points is None) == (item.money is None):
        problems.add(path, "needs either points or money")
        return
    key, program = "points" if item.money is None else "money", base.program
    price = problems.check(lambda: price_of(item, program.redemption_rate, program.points_decimals), f"{path}.{key}", 1)
    if price < 1:
        problems.add(f"{path}.{key}", "is worth less than the smallest unit of points")
    if item.loyalty_txn_type is not None and item.loyalty_txn_type not in program.redemption_types:
        problems.add(f"{path}.loyalty_txn_type", "is not one of the redemption types")


def _check_adapter(item: CatalogItem, path: str, problems: Problems) -> None:
    if item.fulfilment == "webhook" and item.partner is None:
        problems.add(f"{path}.partner", "is missing for the fulfilment webhook")
    if item.fulfilment != "webhook" and item.partner is not None:
        problems.add(f"{path}.partner", f"has no meaning with the fulfilment {item.fulfilment}")
    if item.fulfilment != "pool" and item.pool is not None:
        problems.add(f"{path}.pool", f"has no meaning with the fulfilment {item.fulfilment}")
    if item.kind == "code_pool" and item.fulfilment != "pool":
        problems.add(f"{path}.fulfilment", "must be pool for the kind code_pool")
    if item.fulfilment == "pool" and item.stock == "counted":
        problems.add(f"{path}.stock", "has no meaning with the fulfilment pool, whose codes are the stock")
    if item.fulfilment == "pool" and item.answer_days is not None:
        problems.add(f"{path}.answer_days", "has no meaning with the fulfilment pool, which is done at once")
    if item.limit is None and item.limit_period != "lifetime":
        problems.add(f"{path}.limit_period", "has no meaning without a limit")


def _check_members(item: CatalogItem, path: str, base: Configuration, problems: Problems) -> None:
    known: dict[str, Iterable[Any]] = {"tiers": base.tiers.levels, "segments": base.segments}
    for key, items in known.items():
        names = {one.name for one in items}
        for index, name in enumerate(getattr(item, key)):
            if name not in names:
                problems.add(f"{path}.{key}[{index}]", f"unknown {key.removesuffix('s')}: {shown(name)}")
