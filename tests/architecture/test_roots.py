"""Our root names are ours: `schema` and `domain` are names of foreign distributions too."""

import importlib.metadata
import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOTS: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in the wheel, built from the checkout without any network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    [file] = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_is_imported_from_this_checkout(root: str) -> None:
    spec = importlib.util.find_spec(root)
    assert spec is not None
    assert spec.origin == str(ROOT / root / "__init__.py")


def test_no_other_distribution_provides_our_roots() -> None:
    providers = importlib.metadata.packages_distributions()
    foreign = {root: set(providers.get(root, [])) - {PROJECT["project"]["name"]} for root in ROOTS}
    assert not any(foreign.values()), foreign


def test_the_wheel_holds_our_roots_and_nothing_else(wheel: list[str]) -> None:
    roots = {name.split("/")[0] for name in wheel}
    version = PROJECT["project"]["version"]
    assert roots == {*ROOTS, f"tessera_loyalty-{version}.dist-info"}


@pytest.mark.parametrize("root", ROOTS)
def test_the_wheel_holds_every_file_of_a_package(wheel: list[str], root: str) -> None:
    files = {file.relative_to(ROOT).as_posix() for file in (ROOT / root).rglob("*") if file.is_file()}
    left_out = {name for name in files - set(wheel) if "__pycache__" not in name}
    assert not left_out
