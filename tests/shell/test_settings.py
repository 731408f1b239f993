"""Settings: where they come from, and what stops a start."""

import stat
from pathlib import Path

import pytest

from tessera.data_folder import ensure_secret_key
from tessera.settings import (
    SECRET_KEY_FILE,
    Settings,
    SettingsRefused,
    load_settings,
)

KEY = "k" * 32


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` and no data folder but the test's own."""
    monkeypatch.chdir(tmp_path)


def test_everything_follows_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_DATA_DIR", str(tmp_path / "elsewhere"))
    settings = load_settings()
    assert settings.sqlite_file == tmp_path / "elsewhere" / "tessera.db"
    assert settings.effective_database_url == f"sqlite+aiosqlite:///{tmp_path}/elsewhere/tessera.db"


def test_the_defaults_are_those_of_the_interface(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.env, settings.host, settings.port, settings.sftp_port, settings.log_format) == (
        "sandbox",
        "127.0.0.1",
        8080,
        2222,
        "console",
    )
    assert settings.sqlite_file == tmp_path / "var" / "tessera.db"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "http", "TESSERA_PORT must be a port number from 1 to 65535, not 'http'."),
        ("PORT", "70000", "TESSERA_PORT must be a port number from 1 to 65535, not '70000'."),
        ("ENV", "staging", "TESSERA_ENV must be 'sandbox' or 'production', not 'staging'."),
        ("LOG_FORMAT", "xml", "TESSERA_LOG_FORMAT must be 'console' or 'json', not 'xml'."),
        ("ACCESS_LOG", "perhaps", "TESSERA_ACCESS_LOG must be true or false, not 'perhaps'."),
        ("PROT", "1", "TESSERA_PROT is not a setting of Tessera; did you mean TESSERA_PORT?"),
        ("WHATEVER_ELSE", "1", "TESSERA_WHATEVER_ELSE is not a setting of Tessera."),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TESSERA_{name}", value)
    with pytest.raises(SettingsRefused) as refusal:
        load_settings()
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:geheim@host/db",
        "geheim",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql+psycopg://h/geheim",
    ],
)
def test_another_database_is_refused_without_showing_the_url(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_DATABASE_URL", url)
    with pytest.raises(SettingsRefused, match="TESSERA_DATABASE_URL must be sqlite:///FILE or") as refusal:
        load_settings()
    assert "geheim" not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["postgresql+asyncpg", "postgresql", "postgres"])
def test_every_spelling_of_postgresql_means_the_same_driver(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_DATABASE_URL", f"{scheme}://user:p%40ss@host:5433/name")
    settings = load_settings()
    assert settings.effective_database_url == "postgresql+asyncpg://user:p%40ss@host:5433/name"
    assert settings.shown_database_url == "postgresql+asyncpg://user:***@host:5433/name"
    assert settings.sqlite_file is None


def test_production_needs_a_secret_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TESSERA_ENV", "production")
    with pytest.raises(SettingsRefused, match="TESSERA_SECRET_KEY must be set in production"):
        load_settings()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("TESSERA_SECRET_KEY", KEY)
    settings = load_settings()
    assert ensure_secret_key(settings) == KEY
    assert not settings.introspection_enabled
    assert list(tmp_path.iterdir()) == []


def test_a_short_secret_key_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_SECRET_KEY", "short-and-secret")
    with pytest.raises(SettingsRefused, match="at least 32 characters") as refusal:
        load_settings()
    assert "short-and-secret" not in str(refusal.value)


def test_a_sandbox_makes_its_secret_key_once_and_for_its_owner_only(tmp_path: Path) -> None:
    settings = load_settings()
    first = ensure_secret_key(settings)
    file = tmp_path / "var" / SECRET_KEY_FILE
    assert len(first) >= 32
    assert ensure_secret_key(load_settings()) == first == file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in file.parent.iterdir()] == [SECRET_KEY_FILE]


def test_a_damaged_secret_key_is_refused_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "var" / SECRET_KEY_FILE
    file.parent.mkdir()
    file.write_text("cut")
    with pytest.raises(SettingsRefused, match="must hold a text of at least 32 characters"):
        ensure_secret_key(load_settings())
    assert file.read_text() == "cut"


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TESSERA_DATA_DIR", str(tmp_path / "file" / "below"))
    with pytest.raises(SettingsRefused, match="TESSERA_DATA_DIR: .* cannot be made"):
        ensure_secret_key(load_settings())


def test_the_environment_wins_over_the_file_and_an_option_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("TESSERA_PORT=1111\nTESSERA_HOST=0.0.0.0\nUNRELATED=1\n")
    assert load_settings().port == 1111
    monkeypatch.setenv("TESSERA_PORT", "2222")
    assert load_settings().port == 2222
    assert load_settings(port=3333, host=None).port == 3333
    assert load_settings().host == "0.0.0.0"  # noqa: S104 - what the file says


def test_a_misspelled_name_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TESSERA_DATA_DIRECTORY=/tmp\n")
    with pytest.raises(SettingsRefused, match="did you mean TESSERA_DATA_DIR"):
        load_settings()


def test_every_setting_stands_in_the_table_and_nothing_else() -> None:
    table = Path(__file__).parents[2] / "docs" / "settings.md"
    rows = [line.split("|")[1].strip(" `") for line in table.read_text().splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(f"TESSERA_{name.upper()}" for name in Settings.model_fields)


def test_secrets_may_lie_in_files_as_systemd_lays_them_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tessera_secret_key").write_text(KEY)
    (tmp_path / "tessera_port").write_text("9001")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("TESSERA_PORT", "9002")
    settings = load_settings()
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == KEY
    assert settings.port == 9002, "the environment wins"
