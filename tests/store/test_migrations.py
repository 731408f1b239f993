"""Migrations go up and down on both databases, and the models say what they make."""

from domain.migrations import downgrade, drift, is_current, upgrade


def test_down_to_nothing_and_up_again(database_url: str) -> None:
    assert is_current(database_url)
    downgrade(database_url, "base")
    assert not is_current(database_url)
    upgrade(database_url)
    assert is_current(database_url)


def test_models_and_migrations_agree(database_url: str) -> None:
    assert drift(database_url) == []
