"""The files of `deploy/` say what this version takes: commands, settings, paths, ports."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from tessera.cli import app
from tessera.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {f"TESSERA_{name.upper()}" for name in Settings.model_fields}
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OWN = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "tessera"}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
# What a service of the Compose specification may have, of what is used here; a misspelled key would say nothing.
KEYS = {
    "build", "cap_add", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "ports",
    "read_only", "restart", "secrets", "security_opt", "shm_size", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip


def is_command(words: list[str]) -> bool:
    """Whether `tessera` takes these, down to the last option."""
    group: Any = typer.main.get_command(app)
    name, *rest = words
    command = group.commands[name]
    with command.make_context(name, list(rest)) as context:
        return bool(context.command is command)


def test_the_services_of_compose_are_whole() -> None:
    assert set(COMPOSE) <= {"name", "services", "secrets", "volumes", "networks"} | {
        name for name in COMPOSE if name.startswith("x-")
    }
    assert set(OWN) == {"api-1", "api-2", "worker", "sftp"}
    for name, one in COMPOSE["services"].items():
        assert set(one) <= KEYS, name
        assert set(one.get("secrets", [])) <= set(COMPOSE["secrets"])
        mounted = {volume.partition(":")[0] for volume in one.get("volumes", [])}
        assert {volume for volume in mounted if not volume.startswith(".")} <= set(COMPOSE["volumes"])
        assert set(one.get("depends_on", [])) <= set(COMPOSE["services"])
    for one in OWN.values():
        assert is_command(one["command"])
        assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
        assert {name for name in one["environment"] if name.startswith("TESSERA_")} <= SETTINGS
        assert "TESSERA_SECRET_KEY" not in one["environment"]
    # Named so that they are read as the settings that they are.
    named = {name.upper() for name in COMPOSE["secrets"] if name.startswith("tessera_")}
    assert named <= SETTINGS
    assert named >= {"TESSERA_SECRET_KEY", "TESSERA_DATABASE_URL"}


def test_whoever_is_trusted_is_who_stands_in_front() -> None:
    subnet = COMPOSE["networks"]["default"]["ipam"]["config"][0]["subnet"]
    assert all(one["environment"]["TESSERA_TRUSTED_PROXIES"] == subnet for one in OWN.values())
    caddy = (DEPLOY / "Caddyfile").read_text()
    assert set(re.findall(r"(api-\d):8080", caddy)) == {"api-1", "api-2"}
    assert caddy.count("{") == caddy.count("}")
    assert "@inner path /metrics" in caddy


def test_the_image_has_what_it_starts() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    instructions = [line.split(maxsplit=1) for line in re.sub(r"\\\n", " ", text).splitlines() if line[:1].isupper()]
    assert {name for name, _ in instructions} <= {
        "FROM", "ENV", "WORKDIR", "RUN", "COPY", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT",
        "CMD",
    }  # fmt: skip
    for name, rest in instructions:
        if name == "COPY" and not rest.startswith("--from"):
            assert all((ROOT / source).exists() for source in rest.split()[:-1])
        if name == "ENV":
            assert {one for one in re.findall(r"(TESSERA_\w+)=", rest)} <= SETTINGS
    assert ["USER", "10001:10001"] in instructions
    assert all("--require-hashes" in rest for name, rest in instructions if name == "RUN" and "requirements" in rest)
    ignored = (ROOT / ".containerignore").read_text().split()
    assert not set(ignored) & {source for name, rest in instructions if name == "COPY" for source in rest.split()}
    assert {".git", ".env", "var"} <= set(ignored)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_units_start_what_there_is_and_give_it_little(unit: Path) -> None:
    lines = [line for line in unit.read_text().splitlines() if line and not line.startswith(("#", "["))]
    entries = [(name, value) for name, _, value in (line.partition("=") for line in lines)]
    values = dict(entries)
    program, *arguments = shlex.split(values["ExecStart"])
    assert program.endswith("/bin/tessera")
    assert is_command(arguments)
    assert unit.stem == f"tessera-{arguments[0]}"
    assert set(re.findall(r"(TESSERA_\w+)=", values["Environment"])) <= SETTINGS
    secrets = {value.partition(":")[0].upper() for name, value in entries if name == "LoadCredential"}
    assert secrets == {"TESSERA_SECRET_KEY", "TESSERA_DATABASE_URL"}
    hardened = {"NoNewPrivileges": "true", "ProtectSystem": "strict", "ProtectHome": "true", "User": "tessera"}
    assert hardened.items() <= values.items()


def test_there_is_a_unit_for_each_process() -> None:
    assert [unit.stem for unit in UNITS] == ["tessera-serve", "tessera-sftp", "tessera-worker"]
