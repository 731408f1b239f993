"""The data folder of a deployment, and the secret that a sandbox keeps in it."""

import secrets

from tessera.file import write_once
from tessera.settings import (
    MIN_SECRET_KEY_CHARACTERS,
    PREFIX,
    SECRET_KEY_FILE,
    Settings,
    SettingsRefused,
    accepted_values,
)


def ensure_secret_key(settings: Settings) -> str:
    """The deployment's secret: the configured one, or in a sandbox the one kept in the data folder.

    Raises SettingsRefused where the kept one is damaged.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    ensure_data_dir(settings)
    file = settings.data_dir / SECRET_KEY_FILE
    if not file.exists():
        write_once(file, secrets.token_urlsafe(48))
    kept = file.read_text().strip()
    if len(kept) < MIN_SECRET_KEY_CHARACTERS:
        raise SettingsRefused(f"{file} must hold {accepted_values('secret_key')}, and does not.")
    return kept


def ensure_data_dir(settings: Settings) -> None:
    """Make the data folder, for its owner alone. Raises SettingsRefused."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsRefused(f"{PREFIX}DATA_DIR: {settings.data_dir} cannot be made: {error.strerror}.") from None
