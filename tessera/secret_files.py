"""Secrets in files, as containers and systemd lay them down."""

import os
from pathlib import Path


def secret_folders() -> list[str]:
    """The folders in which a file may hold a setting, named as its variable in lower case."""
    return [one for one in ("/run/secrets", os.environ.get("CREDENTIALS_DIRECTORY", "")) if one and Path(one).is_dir()]
