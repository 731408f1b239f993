"""Settings: every `TESSERA_*` variable, from the environment, a `.env` file in the current folder, or files of secrets.

A wrong setting stops the start with one sentence per mistake. `docs/settings.md` is the table for people.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from domain.file_terms import MOST_LANES
from domain.network import read_networks
from domain.signing import Algorithm
from tessera.environment import unknown_setting
from tessera.gateway import is_web_address, read_sender, read_sms_body, read_smtp_url
from tessera.secret_files import secret_folders

PREFIX = "TESSERA_"
ENV_FILE = ".env"
SECRET_KEY_FILE = "secret.key"  # noqa: S105 - the name of a file
MIN_SECRET_KEY_CHARACTERS = 32
MIN_TOKEN_CHARACTERS = 16

_SQLITE_DRIVERS = {"sqlite", "sqlite+aiosqlite"}
# What other tools call the same thing; SQLAlchemy would look for another driver under these names.
_POSTGRES_DRIVERS = {"postgres", "postgresql", "postgresql+asyncpg"}
# These hold secrets, which belong on no screen and in no log.
_SECRETS = frozenset({"secret_key", "database_url", "smtp_url", "sms_url", "sms_authorization", "metrics_token"})


# What takes the value of a setting, or raises ValueError.
_READERS: Mapping[str, Callable[[str], object]] = {
    "smtp_url": read_smtp_url,
    "mail_from": read_sender,
    "sms_body": read_sms_body,
    "visit_networks": read_networks,
    "webhook_networks": read_networks,
    "metrics_networks": read_networks,
}


class SettingsRefused(Exception):
    """The settings do not hold; the message names each variable, what it takes and what it was."""


def _setting(default: Any, accepts: str, purpose: str, **limits: Any) -> Any:
    return Field(default=default, description=purpose, json_schema_extra={"accepts": accepts}, **limits)


class Settings(BaseSettings):
    """What a deployment decides; made by `load_settings`, never changed afterwards."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, frozen=True, extra="ignore", env_ignore_empty=True
    )

    env: Literal["sandbox", "production"] = _setting(
        "sandbox", "'sandbox' or 'production'", "The deployment's environment, a partition of all data."
    )
    data_dir: Path = _setting(
        Path("var"), "a folder", "Database, `demo.json`, keys and files all follow it; made if absent."
    )
    database_url: str | None = _setting(
        None,
        "sqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/NAME",
        "The database; by default SQLite, `tessera.db` in the data folder.",
    )
    database_pool_size: int = _setting(
        16, "a whole number from 1 to 200", "PostgreSQL: connections of one process.", ge=1, le=200
    )
    batch_processes: int | None = _setting(
        None,
        f"a whole number from 1 to {MOST_LANES}",
        "PostgreSQL: processes that post the rows of one large file; by default one for each core, 8 at most.",
        ge=1,
        le=MOST_LANES,
    )
    secret_key: SecretStr | None = _setting(
        None,
        f"a text of at least {MIN_SECRET_KEY_CHARACTERS} characters",
        "The secret that all keys are derived from. Required in production and wherever several machines "
        f"share a database; a sandbox makes one and keeps it in `{SECRET_KEY_FILE}` in the data folder.",
    )
    token_algorithm: Algorithm = _setting(
        "HS512",
        "'HS512' or 'EdDSA'",
        "What new access tokens are signed with; both are accepted, each with keys of its own.",
    )
    rate_limit_per_second: int | None = _setting(
        None,
        "a whole number from 1 to 100000",
        "Requests of one program in a second, the most for every program.",
        ge=1,
        le=100_000,
    )
    rate_burst: int | None = _setting(
        None, "a whole number from 1 to 1000000", "Requests of one program that may come at once.", ge=1, le=1_000_000
    )
    host: str = _setting("127.0.0.1", "a host name or address", "Where the server listens.", min_length=1)
    port: int = _setting(
        8080, "a port number from 1 to 65535", "The port of API, GraphQL and documentation.", ge=1, le=65535
    )
    smtp_url: SecretStr | None = _setting(
        None,
        "smtp://, smtp+starttls:// or smtps://USER:PASSWORD@HOST:PORT",
        "The mail server that takes e-mails to members.",
    )
    mail_from: str | None = _setting(
        None, "an e-mail address, or NAME <ADDRESS>", "Whom e-mails to members come from; needed with a mail server."
    )
    sms_url: SecretStr | None = _setting(
        None, "an https:// or http:// address", "The gateway that text messages to members are posted to, as JSON."
    )
    sms_body: str = _setting(
        '{"to": "{to}", "text": "{text}"}',
        "a JSON object that has {to} and {text} in its texts",
        "What the gateway is posted: {to}, {text} and {id} are filled in.",
    )
    sms_authorization: SecretStr | None = _setting(None, "the value of a header", "`Authorization` for the gateway.")
    sftp_host: str | None = _setting(None, "a host name or address", "Where SFTP is served; default: as the rest.")
    sftp_port: int = _setting(2222, "a port number from 1 to 65535", "The port of the SFTP server.", ge=1, le=65535)
    visit_networks: str = _setting(
        "",
        "networks, separated by commas, such as 10.1.0.0/16",
        "Networks besides the internet in which partners' SFTP servers are visited.",
    )
    webhook_networks: str = _setting(
        "",
        "networks, separated by commas, such as 10.1.0.0/16",
        "Networks besides the internet that webhooks are sent to.",
    )
    trusted_proxies: str = _setting(
        "",
        "addresses or networks, separated by commas",
        "Proxies whose `X-Forwarded-*` headers are believed; none by default.",
    )
    graphql_introspection: bool | None = _setting(
        None, "true or false", "May clients read the GraphQL schema; by default in a sandbox only."
    )
    graphql_documents: Path | None = _setting(
        None,
        "a file or a folder of files as graphql-codegen writes persisted-documents.json",
        "GraphQL documents that clients may ask for by their ids; read and checked at the start.",
    )
    graphql_trusted_only: bool = _setting(
        False, "true or false", "Does GraphQL run no documents but those of `TESSERA_GRAPHQL_DOCUMENTS`."
    )
    log_format: Literal["console", "json"] = _setting(
        "console", "'console' or 'json'", "How messages are written to standard error."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "'debug', 'info', 'warning' or 'error'", "The least important messages that are written."
    )
    access_log: bool = _setting(
        False, "true or false", "One message per request: method, path, status, time, request id."
    )

    metrics_token: SecretStr | None = _setting(
        None,
        f"a text of at least {MIN_TOKEN_CHARACTERS} characters",
        "What `/metrics` is read with, as a bearer token; without it only from `TESSERA_METRICS_NETWORKS`.",
        min_length=MIN_TOKEN_CHARACTERS,
    )
    metrics_networks: str = _setting(
        "127.0.0.0/8, ::1/128",
        "networks, separated by commas, such as 10.1.0.0/16",
        "From where `/metrics` is read without a token.",
    )
    metrics_port: int | None = _setting(
        None,
        "a port number from 1 to 65535",
        "Where `tessera worker` and `tessera sftp` serve `/metrics`, `/healthz` and `/readyz`; they do not by default.",
        ge=1,
        le=65535,
    )
    verify_accounts_per_minute: int = _setting(
        600,
        "a whole number from 0 to 100000",
        "Accounts that are verified in the background; 0: none.",
        ge=0,
        le=100_000,
    )
    tracing: bool = _setting(False, "true or false", "Are traces sent by OpenTelemetry, as `OTEL_*` variables say.")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("not a URL") from None
        if url.drivername in _SQLITE_DRIVERS and url.database not in {None, "", ":memory:"}:
            return _render(url.set(drivername="sqlite+aiosqlite"))
        if url.drivername in _POSTGRES_DRIVERS and url.database:
            return _render(url.set(drivername="postgresql+asyncpg"))
        raise ValueError("another database")

    @field_validator(*_READERS)
    @classmethod
    def _readable(cls, value: str | SecretStr | None, info: ValidationInfo) -> str | SecretStr | None:
        if value is not None:
            _READERS[str(info.field_name)](value.get_secret_value() if isinstance(value, SecretStr) else value)
        return value

    @field_validator("sms_url")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_web_address(value.get_secret_value()):
            raise ValueError("no address")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < MIN_SECRET_KEY_CHARACTERS:
            raise ValueError("too short")
        return value

    @property
    def is_production(self) -> bool:
        """Whether this deployment is a live one."""
        return self.env == "production"

    @property
    def sqlite_file(self) -> Path | None:
        """The file of the embedded database; None on PostgreSQL."""
        if self.database_url is None:
            return self.data_dir.absolute() / "tessera.db"
        url = make_url(self.database_url)
        return Path(str(url.database)).absolute() if url.get_backend_name() == "sqlite" else None

    @property
    def effective_database_url(self) -> str:
        """The SQLAlchemy URL of the database, with the default filled in."""
        file = self.sqlite_file
        return f"sqlite+aiosqlite:///{file}" if file is not None else str(self.database_url)

    @property
    def shown_database_url(self) -> str:
        """The database's URL without its password, for people."""
        return make_url(self.effective_database_url).render_as_string(hide_password=True)

    @property
    def effective_sftp_host(self) -> str:
        """Where the SFTP server listens."""
        return self.sftp_host or self.host

    @property
    def introspection_enabled(self) -> bool:
        """Whether GraphQL clients may read the schema."""
        return not self.is_production if self.graphql_introspection is None else self.graphql_introspection


def load_settings(**overrides: Any) -> Settings:
    """The settings of the environment and `.env`; `overrides` (options of a command) win.

    Raises SettingsRefused.
    """
    unknown = unknown_setting({f"{PREFIX}{name.upper()}" for name in Settings.model_fields}, PREFIX, ENV_FILE)
    if unknown is not None:
        raise SettingsRefused(unknown)
    try:
        given = {name: value for name, value in overrides.items() if value is not None}
        settings = Settings(**given | ({"_secrets_dir": folders} if (folders := secret_folders()) else {}))
    except ValidationError as error:
        raise SettingsRefused("\n".join(_sentence(mistake) for mistake in error.errors())) from None
    if settings.is_production and settings.secret_key is None:
        raise SettingsRefused(
            f"{PREFIX}SECRET_KEY must be set in production: {accepted_values('secret_key')}, the same on every machine."
        )
    if settings.graphql_trusted_only and settings.graphql_documents is None:
        raise SettingsRefused(
            f"{PREFIX}GRAPHQL_DOCUMENTS must be set with {PREFIX}GRAPHQL_TRUSTED_ONLY: "
            f"{accepted_values('graphql_documents')}."
        )
    if settings.smtp_url is not None and settings.mail_from is None:
        raise SettingsRefused(f"{PREFIX}MAIL_FROM must be set with {PREFIX}SMTP_URL: {accepted_values('mail_from')}.")
    return settings


def accepted_values(name: str) -> str:
    """What a setting takes, in words."""
    extra = Settings.model_fields[name].json_schema_extra
    return str(extra["accepts"]) if isinstance(extra, dict) else ""


def _sentence(mistake: Any) -> str:
    name = str(mistake["loc"][0])
    given = "" if name in _SECRETS else f", not '{mistake['input']}'"
    return f"{PREFIX}{name.upper()} must be {accepted_values(name)}{given}."


def _render(url: URL) -> str:
    return url.render_as_string(hide_password=False)
