"""The sizes of our modules and functions, and the record of those that are longer than they should be.

`python -m tests.architecture.module_sizes` lowers the record to today's sizes. It never adds to it and
never raises it: that is a decision, made by hand in `module_sizes.json` and seen in review.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("domain", "resolvers", "schema", "rest_compat", "ingestion", "tessera", "tests", "bench")
RECORD = Path(__file__).with_suffix(".json")

MODULE_SOFT, MODULE_HARD = 300, 500
FUNCTION_SOFT, FUNCTION_HARD = 40, 70

# A migration is written once and never changed; as long as the tables are, so long is it.
EXCLUDED = ("domain/migrations/versions/",)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def measure(root: Path = ROOT) -> dict[str, int]:
    """The lines of each module (`domain/ids.py`) and each function (`domain/ids.py::new_id`)."""
    sizes: dict[str, int] = {}
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*.py")):
            name = file.relative_to(root).as_posix()
            if not name.startswith(EXCLUDED):
                source = file.read_text(encoding="utf-8")
                sizes[name] = len(source.splitlines())
                sizes.update(_functions(ast.parse(source, name), f"{name}::"))
    return sizes


def limits(name: str) -> tuple[int, int]:
    """The soft and the hard limit of a module or function."""
    return (FUNCTION_SOFT, FUNCTION_HARD) if "::" in name else (MODULE_SOFT, MODULE_HARD)


def recorded() -> dict[str, int]:
    """The sizes above the soft limit that are put up with for now."""
    record: dict[str, int] = json.loads(RECORD.read_text(encoding="utf-8"))
    return record


def complaints(sizes: dict[str, int], record: dict[str, int]) -> list[str]:
    """What is too long, has grown, or is recorded as longer than it is."""
    found = []
    for name, size in sizes.items():
        soft, hard = limits(name)
        allowed = max(soft, record.get(name, 0))
        if size > hard:
            found.append(f"{name}: {size} lines, and never more than {hard}: split it")
        elif size > allowed:
            found.append(f"{name}: {size} lines, of {allowed} that it may have: split it")
    for name, size in record.items():
        actual = sizes.get(name, 0)
        if actual < size or actual <= limits(name)[0]:
            found.append(f"{name}: recorded with {size} lines, now {actual}: make snapshots")
    return found


def _functions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
    """Each function with its lines; the docstring does not count, so that nobody saves on it."""
    for node in ast.iter_child_nodes(tree):
        inner = prefix
        if isinstance(node, Function):
            yield f"{prefix}{node.name}", _lines(node)
        if isinstance(node, Function | ast.ClassDef):
            inner = f"{prefix}{node.name}."
        yield from _functions(node, inner)


def _lines(function: Function) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def _lower_record() -> None:
    sizes = measure()
    lowered = {
        name: min(size, sizes[name]) for name, size in recorded().items() if sizes.get(name, 0) > limits(name)[0]
    }
    RECORD.write_text(json.dumps(lowered, indent=4, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _lower_record()
