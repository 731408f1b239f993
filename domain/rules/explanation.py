"""The explanation that is stored with a posting, read back: what `GroupAward.explanation` and others wrote.

Postings are never changed, so what an older version did not write yet is None or empty here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from domain.points import EXACT, plain


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleTold:
    """A rule that matched. `gave`, `kept` and `share` are exact texts, a decimal or a fraction like `10/3`.

    A multiplier has a `factor` and gave nothing itself. `inputs` are what the rule read: personal values as
    `***`, None for what was not set. `share` is its part of the award's `exact`.
    """

    rule: str
    sequence: int
    inputs: Mapping[str, str | None]
    gave: str | None
    kept: str | None
    share: str | None
    cap: int | None
    factor: Decimal | None
    expires_months: int | None
    expires_on: date | None
    release_after_days: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorTold:
    """What multiplied a group: `of` is `tier`, `campaign` or `rule`."""

    of: str
    name: str
    factor: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class CapTold:
    """A cap that cut, and by how much. `used` before is None where nothing is counted: per transaction.

    `left` is what was below the cap, and so what it let through.
    """

    window: str
    is_program: bool
    limit: int
    used: Decimal | None
    left: Decimal
    cut: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why a posting has its points. Of an award all but the last four; of a refund `group` and `loss`.

    Of an upgrade bonus `tier` and `tier_levels`. Exact figures as texts, `spoilage` in points.
    """

    config_version: int
    group: str | None = None
    rules: Sequence[RuleTold] = ()
    factors: Sequence[FactorTold] = ()
    caps: Sequence[CapTold] = ()
    exact: str | None = None
    points: Decimal | None = None
    rounding: str | None = None
    spoilage: Decimal | None = None
    message: str | None = None
    loss: Decimal | None = None
    tier: str | None = None
    tier_levels: Sequence[str] = field(default=())


_EXPLAINED = frozenset({"group", "tier"})
_PROGRAM = "program_"


def explain(detail: Mapping[str, Any], config_version: int) -> Explanation | None:
    """The explanation in the stored `detail` of a posting; None where there is none in it."""
    if not _EXPLAINED & detail.keys():
        return None
    return Explanation(
        config_version=config_version,
        group=detail.get("group"),
        rules=tuple(_rule(one) for one in detail.get("rules", ())),
        factors=tuple(
            FactorTold(of=one["of"], name=one["name"], factor=Decimal(one["factor"]))
            for one in detail.get("factors", ())
        ),
        caps=tuple(_cap(one) for one in detail.get("caps", ())),
        exact=detail.get("exact"),
        points=_number(detail.get("points")),
        rounding=detail.get("rounding"),
        spoilage=_number(detail.get("spoilage")),
        message=detail.get("message"),
        loss=_number(detail.get("loss")),
        tier=detail.get("tier"),
        tier_levels=tuple(detail.get("levels", ())),
    )


def _rule(told: Mapping[str, Any]) -> RuleTold:
    expires = told.get("expires", {})
    return RuleTold(
        rule=told["rule"],
        sequence=told.get("sequence", 0),
        inputs=told.get("inputs", {}),
        gave=told.get("gave"),
        kept=told.get("kept", told.get("gave")),
        share=told.get("share", told.get("kept", told.get("gave"))),
        cap=told.get("cap"),
        factor=_number(told.get("factor")),
        expires_months=expires.get("months"),
        expires_on=date.fromisoformat(expires["date"]) if "date" in expires else None,
        release_after_days=told.get("release_after_days"),
    )


def _cap(told: Mapping[str, Any]) -> CapTold:
    used, limit = _number(told.get("used")), told["limit"]
    left = EXACT.subtract(Decimal(limit), used or Decimal(0))
    return CapTold(
        window=told["cap"].removeprefix(_PROGRAM),
        is_program=told["cap"].startswith(_PROGRAM),
        limit=limit,
        used=used,
        left=plain(max(Decimal(0), left)),
        cut=told["cut"],
    )


def _number(told: str | None) -> Decimal | None:
    return None if told is None else plain(Decimal(told))
