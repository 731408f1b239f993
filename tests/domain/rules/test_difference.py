"""What a configuration document changes of another, by list and name."""

from domain.rules.difference import ListChange, compare

BEFORE = {
    "version": 1,
    "program": {"time_zone": "UTC", "currency": "EUR"},
    "product_codes": [{"code": "A", "sub_codes": []}, {"code": "B", "sub_codes": []}],
    "rule_groups": [
        {"name": "Base", "caps": {"day": None}, "rules": [{"name": "One"}, {"name": "Two"}]},
        {"name": "Gone", "rules": []},
    ],
    "tiers": {"assessment": "off", "levels": [{"name": "Silver", "from": 0}]},
    "segments": [],
}


def test_items_are_added_changed_removed_kept_and_put_in_another_sequence() -> None:
    after = {
        "version": 1,
        "program": {"currency": "USD", "time_zone": "UTC"},
        "product_codes": [{"sub_codes": [], "code": "B"}, {"code": "A", "sub_codes": ["X"]}],
        "rule_groups": [
            {"name": "Base", "caps": {"day": 5}, "rules": [{"name": "Two"}, {"name": "Three"}]},
            {"name": "New", "rules": [{"name": "One"}]},
        ],
        "tiers": {"assessment": "off", "levels": [{"name": "Silver", "from": 0}, {"name": "Gold", "from": 5}]},
        "segments": [],
    }
    assert compare(BEFORE, after) == [
        ListChange(where="program", added=[], changed=["currency"], removed=[], kept=["time_zone"]),
        ListChange(where="product_codes", added=[], changed=["A"], removed=[], kept=["B"], reordered=True),
        ListChange(where="rule_groups", added=["New"], changed=["Base"], removed=["Gone"], kept=[]),
        ListChange(where="rules of Base", added=["Three"], changed=[], removed=["One"], kept=["Two"]),
        ListChange(where="rules of New", added=["One"], changed=[], removed=[], kept=[]),
        ListChange(where="tiers", added=[], changed=[], removed=[], kept=["assessment"]),
        ListChange(where="levels", added=["Gold"], changed=[], removed=[], kept=["Silver"]),
    ]


def test_a_group_whose_rules_alone_change_is_kept() -> None:
    after = {**BEFORE, "rule_groups": [{**BEFORE["rule_groups"][0], "rules": []}, BEFORE["rule_groups"][1]]}  # type: ignore[index]
    groups = {one.where: one for one in compare(BEFORE, after)}
    assert groups["rule_groups"].kept == ["Base", "Gone"]
    assert groups["rules of Base"].removed == ["One", "Two"]
