"""Aggregates, tiers, segments, campaigns and referrals in a file: what is wrong is named with its path."""

import json
from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from domain.file_terms import ScheduledExport
from domain.rules.model import DEFAULT_SEGMENTS, Configuration, EveryNth, FileTerms, Multiplier, ReferralTerms
from domain.rules.parse import parse
from domain.rules.render import to_document
from tests.domain.rules.documents import problems_of
from tests.domain.rules.full import full

Change = Callable[[dict[str, Any]], Any]
BASE, NTH, DOUBLE = (f"rule_groups[0].rules[{index}]" for index in range(3))


def rule(document: dict[str, Any], group: int, index: int) -> dict[str, Any]:
    found: dict[str, Any] = document["rule_groups"][group]["rules"][index]
    return found


def compare(attribute: str, op: str = "eq", value: Any = 1) -> dict[str, Any]:
    return {"attribute": attribute, "op": op, "value": value}


def test_the_full_document_is_read_and_survives_its_document() -> None:
    configuration = parse(full())
    assert parse(json.loads(json.dumps(to_document(configuration)))) == configuration
    assert to_document(parse(to_document(configuration))) == to_document(configuration)
    program, group = configuration.program, configuration.rule_groups[0]
    assert (program.accrual_cap_per_month, program.refund_policy, program.park_days) == (500, "floor", 30)
    assert (program.adjustment_approval_from_minor, program.pending_validity) == (1000, "release")
    assert (program.rate_limit_per_second, program.rate_burst) == (50, 200)
    assert (program.member_rate_limit_per_second, program.member_rate_burst) == (5, 10)
    assert (group.caps.transaction, group.caps.day, group.caps.month, group.caps.lifetime) == (300, 350, 400, 1000)
    assert group.rules[1].award == EveryNth(count="visits", n=10, points=Decimal(50))
    assert group.rules[1].release_after_days == 14
    assert group.rules[2].award == Multiplier(factor=Decimal(2))
    assert configuration.tiers.levels[1].from_aggregate == Decimal("99.5")
    assert configuration.segments[1].when is None
    assert configuration.referrals.max_per_referrer == 10
    assert configuration.files == FileTerms(
        delimiter="pipe",
        encoding="latin-1",
        reject_limit_percent=Decimal("12.5"),
        park_unknown_members=True,
        park_days=3,
        retention_days=90,
        personal_data_in_exports=True,
        exports=(
            ScheduledExport(kind="postings", every="hourly", at=time(0, 15), gzip=True),
            ScheduledExport(kind="attributes", since_last=False),
        ),
    )


def test_what_a_program_does_not_say_has_published_defaults() -> None:
    program = Configuration().program
    assert (program.accrual_cap_per_month, program.refund_policy) == (None, "negative")
    assert (program.adjustment_approval_from_minor, program.pending_validity, program.park_days) == (
        None, "earning", 90,
    )  # fmt: skip
    assert parse({"referrals": None, "tiers": None}).referrals == ReferralTerms()
    assert parse({"files": None}).files == parse({}).files == FileTerms()


def test_the_default_segments_can_be_given_to_a_program() -> None:
    document = to_document(Configuration(segments=DEFAULT_SEGMENTS))
    assert parse(document).segments == DEFAULT_SEGMENTS
    assert [segment.name for segment in DEFAULT_SEGMENTS] == [
        "New members", "At risk", "Active buyers", "Never purchased",
    ]  # fmt: skip


def link(**changed: str) -> dict[str, Any]:
    """A template for links."""
    return {"name": "Link", "event": "LINK", "channel": "email", "body": "{link}"} | changed


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (lambda d: d["program"].update(accrual_cap_per_month=0), "program.accrual_cap_per_month", "at least 1"),
        (lambda d: d["program"].update(refund_policy="x"), "program.refund_policy", "one of"),
        (
            lambda d: d["program"].update(adjustment_approval_from="0.5"),
            "program.adjustment_approval_from",
            "multiple",
        ),
        (lambda d: d["program"].update(pending_validity=1), "program.pending_validity", "one of"),
        (lambda d: d["program"].update(park_days=0), "program.park_days", "at least 1"),
        (lambda d: d["program"].update(rate_limit_per_second=0), "program.rate_limit_per_second", "at least 1"),
        (lambda d: d["program"].pop("rate_limit_per_second"), "program.rate_burst", "no meaning without rate_limit"),
        (
            lambda d: d["program"].update(member_rate_limit_per_second=None),
            "program.member_rate_burst",
            "no meaning without member_rate_limit_per_second",
        ),
        (lambda d: d["program"].update(allowed_origins=["*"]), "program.allowed_origins[0]", "no wildcards"),
        (lambda d: d["program"].update(allowed_origins=["http://a.b"]), "program.allowed_origins[0]", "https://"),
        (lambda d: d["program"].update(allowed_origins=[1]), "program.allowed_origins[0]", "a string"),
        (lambda d: d["program"].update(sign_in_url="https://a.b/#x"), "program.sign_in_url", "no fragment"),
        (lambda d: d["messages"].append(link(channel="sms")), "messages[2].channel", "must be email"),
        (lambda d: d["messages"].append(link(body="{code}")), "messages[2].body", "{link} is missing"),
        (lambda d: d["messages"].append(link(body="{link} {code}")), "messages[2].body", "unknown placeholder"),
        (
            lambda d: d["messages"].append(link(event="ADDRESS", body="{code}")),
            "messages[2].body",
            "unknown placeholder: this event has none",
        ),
        (lambda d: d["messages"][0].update(body="{code} {link}"), "messages[0].body", "unknown placeholder"),
        (lambda d: d["expiry"].pop("months"), "expiry.months", "is missing"),
        (lambda d: d["expiry"].update(date="2027-01-01"), "expiry.date", "no meaning"),
        (lambda d: d["aggregates"].append(d["aggregates"][0]), "aggregates[3].key", "duplicate"),
        (lambda d: d["aggregates"][0].pop("of"), "aggregates[0].of", "is missing for a sum"),
        (lambda d: d["aggregates"][0].update(of="shop"), "aggregates[0].of", "type int or decimal"),
        (lambda d: d["aggregates"][0].update(of="nope"), "aggregates[0].of", "unknown attribute"),
        (lambda d: d["aggregates"][0].update(of="transaction_date"), "aggregates[0].of", "type int or decimal"),
        (lambda d: d["aggregates"][0].update(function="median"), "aggregates[0].function", "one of"),
        (lambda d: d["aggregates"][0].update(period="wtd"), "aggregates[0].period", "one of"),
        (
            lambda d: d["aggregates"][0].update(when=compare("member.club")),
            "aggregates[0].when.attribute",
            "cannot be asked here",
        ),
        (
            lambda d: d["aggregates"][0].update(when=compare("transaction.nope")),
            "aggregates[0].when.attribute",
            "unknown attribute",
        ),
        (lambda d: rule(d, 0, 0).update(award={"type": "multiplier"}), f"{BASE}.award.factor", "is missing"),
        (lambda d: rule(d, 0, 2)["award"].update(factor=0), f"{DOUBLE}.award.factor", "more than 0"),
        (lambda d: rule(d, 0, 2)["award"].update(factor="1.00001"), f"{DOUBLE}.award.factor", "not allowed"),
        (lambda d: rule(d, 0, 2)["award"].update(factor=Decimal("1.00001")), f"{DOUBLE}.award.factor", "4 decimals"),
        (lambda d: rule(d, 0, 2)["award"].update(factor="1001"), f"{DOUBLE}.award.factor", "at most 1000"),
        (lambda d: rule(d, 0, 2).update(cap=5), f"{DOUBLE}.cap", "no meaning with a multiplier"),
        (lambda d: rule(d, 0, 1)["award"].update(count="spend_mtd"), f"{NTH}.award.count", "function count"),
        (lambda d: rule(d, 0, 1)["award"].update(n=0), f"{NTH}.award.n", "at least 1"),
        (lambda d: rule(d, 0, 1)["award"].update(release_after_days=0), f"{NTH}.award.release_after_days", "at least"),
        (lambda d: d["rule_groups"][0]["caps"].update(day=0), "rule_groups[0].caps.day", "at least 1"),
        (lambda d: d["rule_groups"][0]["caps"].update(week=1), "rule_groups[0].caps.week", "unknown key"),
        (lambda d: d["tiers"].update(assessment="weekly"), "tiers.assessment", "one of"),
        (lambda d: d["tiers"].pop("aggregate"), "tiers.aggregate", "is missing for the basis both"),
        (lambda d: d["tiers"].update(aggregate="nope"), "tiers.aggregate", "unknown aggregate"),
        (lambda d: d["tiers"].update(basis="points"), "tiers.aggregate", "no meaning"),
        (lambda d: d["tiers"]["levels"][1].pop("from"), "tiers.levels[1].from", "is missing"),
        (lambda d: d["tiers"]["levels"][1].update(name="Silver"), "tiers.levels[1].name", "duplicate"),
        (
            lambda d: d["tiers"]["levels"][1].update({"from": 0, "from_aggregate": 0}),
            "tiers.levels[1]",
            "not above",
        ),
        (lambda d: d["tiers"]["levels"][1].update(multiplier="0"), "tiers.levels[1].multiplier", "more than 0"),
        (lambda d: d["tiers"]["levels"][1].update(upgrade_bonus=-1), "tiers.levels[1].upgrade_bonus", "at least 0"),
        (lambda d: d["segments"].append({"name": "New"}), "segments[4].name", "duplicate"),
        (lambda d: d["segments"].append({"name": "Empty"}), "segments[4].when", "is missing for a dynamic"),
        (
            lambda d: d["segments"][0].update(when=compare("transaction.amount")),
            "segments[0].when.attribute",
            "cannot be asked here",
        ),
        (
            lambda d: d["segments"][0].update(when=compare("segments", "contains", "New staff")),
            "segments[0].when",
            "builds on itself",
        ),
        (
            lambda d: d["segments"][0].update(when=compare("segments", "contains", "Nobody")),
            "segments[0].when.value",
            "not one of",
        ),
        (
            lambda d: d["segments"][0].update(when=compare("segments", "eq", "Staff")),
            "segments[0].when.op",
            "does not fit a set",
        ),
        (lambda d: d["campaigns"][0].update(segment="Nobody"), "campaigns[0].segment", "unknown segment"),
        (lambda d: d["campaigns"][0].update(ends="2026-02-01"), "campaigns[0].ends", "before starts"),
        (lambda d: d["campaigns"][0].update(starts="2026-02-30"), "campaigns[0].starts", "no such date"),
        (lambda d: d["campaigns"][0].update(award={"type": "percent"}), "campaigns[0].award.type", "one of"),
        (lambda d: d["campaigns"][0]["award"].update(points=1), "campaigns[0].award.points", "unknown key"),
        (lambda d: d["campaigns"][1].update(name="Spring"), "campaigns[1].name", "duplicate"),
        (lambda d: d["referrals"].update(referrer_points="x"), "referrals.referrer_points", "integer"),
        (lambda d: d["referrals"].update(reward_on="birth"), "referrals.reward_on", "one of"),
        (lambda d: d["files"].update(delimiter=";"), "files.delimiter", "one of"),
        (lambda d: d["files"].update(encoding="utf-16"), "files.encoding", "one of"),
        (lambda d: d["files"].update(reject_limit_percent=101), "files.reject_limit_percent", "at most 100"),
        (lambda d: d["files"].update(reject_limit_percent="100.5"), "files.reject_limit_percent", "at most 100"),
        (lambda d: d["files"].update(park_days=91), "files.retention_days", "less than park_days"),
        (lambda d: d["files"].update(park_days=0), "files.park_days", "at least 1"),
        (lambda d: d["files"].update(park=True), "files.park", "unknown key"),
        (
            lambda d: d["member_attributes"].append({"key": "purchases", "name": "P", "type": "int"}),
            "member_attributes[2].key",
            "reserved",
        ),
        (lambda d: d["examples"][2]["aggregates"].update(nope=1), "examples[2].aggregates.nope", "unknown aggregate"),
        (lambda d: d["examples"][4].update(tier="Lead"), "examples[4].tier", "unknown tier"),
        (lambda d: d["examples"][5].update(segments=["New"]), "examples[5].segments[0]", "is dynamic"),
        (lambda d: d["examples"][5].update(segments=["Old"]), "examples[5].segments[0]", "unknown segment"),
        (lambda d: d["examples"][4]["sub_relation"].update(x=1), "examples[4].sub_relation.x", "unknown attribute"),
        (lambda d: d["examples"][6]["used"][0].update(window="day"), "examples[6].used[0].window", "no cap per day"),
        (lambda d: d["examples"][7]["used"][0].update(group="X"), "examples[7].used[0].group", "unknown group"),
        (lambda d: d["examples"][7]["used"][0].update(group="Extra"), "examples[7].used[0].window", "no cap per month"),
        (lambda d: d["examples"][6]["used"][0].update(points="0.5"), "examples[6].used[0].points", "multiple"),
    ],
)
def test_a_fault_is_named_with_its_path(change: Change, path: str, message: str) -> None:
    document = full()
    change(document)
    assert message in problems_of(document)[path]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda d: d["transaction_attributes"].pop(1), "aggregates[1].when.attribute"),
        (lambda d: d["transaction_attributes"].pop(0), "aggregates[2].of"),
        (lambda d: d["member_attributes"].pop(0), "rule_groups[0].rules[2].when.attribute"),
        (lambda d: d["aggregates"].pop(0), "rule_groups[1].rules[0].when.all[0].attribute"),
        (lambda d: d["aggregates"].pop(1), "rule_groups[0].rules[1].award.count"),
        (lambda d: d["tiers"]["levels"].pop(1), "rule_groups[1].rules[0].when.all[1].value[0]"),
        (lambda d: d.pop("tiers"), "rule_groups[1].rules[0].when.all[1].attribute"),
        (lambda d: d["segments"].pop(1), "rule_groups[1].rules[0].when.all[3].value[0]"),
        (lambda d: d.pop("segments"), "campaigns[0].segment"),
    ],
)
def test_what_is_in_use_cannot_be_taken_away(change: Change, path: str) -> None:
    document = full()
    change(document)
    assert path in problems_of(document)


def test_segments_may_build_on_each_other_only_so_deep() -> None:
    def chain(length: int) -> dict[str, Any]:
        bottom: dict[str, Any] = {"name": "0", "kind": "frozen"}
        rest = [{"name": str(n), "when": compare("segments", "contains", str(n - 1))} for n in range(1, length)]
        return {"segments": [*rest, bottom]}

    assert len(parse(chain(8)).segments) == 8
    assert "deeper than 8" in problems_of(chain(9))["segments[7].when"]


def test_tiers_set_by_hand_need_no_thresholds() -> None:
    levels = [{"name": "Friend"}, {"name": "Family"}]
    assert len(parse({"tiers": {"assessment": "manual", "levels": levels}}).tiers.levels) == 2
    document = {"tiers": {"assessment": "manual"}}
    assert "is missing" in problems_of(document)["tiers.levels"]


def test_a_group_has_no_more_multipliers_than_stay_exact() -> None:
    document = full()
    rules = [{"name": str(n), "award": {"type": "multiplier", "factor": 2}} for n in range(21)]
    document["rule_groups"].append({"name": "Many", "rules": rules})
    assert "more than 20 multipliers" in problems_of(document)["rule_groups[2].rules"]
