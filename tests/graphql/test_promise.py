"""The promise to clients: planted breaks are found, growth is none."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from schema.build import schema
from schema.promise import broken_promises, deprecations, unexplained_deprecations
from schema.sdl import export_sdl
from tessera.cli import app
from tessera.commands import snapshot

RELEASED = """
directive @mine(of: Int) on FIELD
enum Kind {OLD NEW}
interface Named {name: String}
input Choice {kind: Kind, size: Int = 5}
type Member implements Named {name: String points: Int! kind(of: Kind, size: Int = 5): Kind}
type Program implements Named {name: String}
union Either = Member | Program
type Query {member(reference: String): Member either: Either choose(choice: Choice): Boolean}
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: String points: Int!", "name: String", "field removed: Field Member.points was removed."),
        (
            "points: Int!",
            "points: String!",
            "field changed kind: Field Member.points changed type from Int! to String!.",
        ),
        ("points: Int!", "points: Int", "field changed kind: Field Member.points changed type from Int! to Int."),
        ("enum Kind {OLD NEW}", "enum Kind {NEW}", "value removed from enum: Enum value Kind.OLD was removed."),
        ("union Either = Member | Program", "union Either = Member", "type removed from union"),
        ("type Program implements Named", "type Program", "implemented interface removed"),
        ("kind(of: Kind, size", "kind(size", "arg removed"),
        ("kind(of: Kind,", "kind(of: Kind!,", "arg changed kind"),
        ("kind(of: Kind,", "kind(more: Int!, of: Kind,", "required arg added"),
        ("kind(of: Kind, size: Int = 5)", "kind(of: Kind, size: Int = 6)", "arg default value change"),
        ("input Choice {kind: Kind,", "input Choice {kind: Kind, more: Int!,", "required input field added"),
        ("input Choice {kind: Kind, size: Int = 5}", "input Choice {size: Int = 5}", "field removed"),
        ("input Choice {kind: Kind, size: Int = 5}", "input Choice {kind: Kind}", "field removed"),
        (
            "input Choice {kind: Kind, size: Int = 5}",
            "input Choice {kind: Kind, size: Int = 6}",
            "default value change",
        ),
        ("input Choice {kind: Kind,", "input Choice {kind: Kind!,", "field changed kind"),
        ("directive @mine(of: Int) on FIELD", "", "directive removed"),
        ("directive @mine(of: Int) on FIELD", "directive @mine(of: Int) on QUERY", "directive location removed"),
    ],
)
def test_what_breaks_clients_is_told(old: str, new: str, told: str) -> None:
    changed = RELEASED.replace(old, new)
    assert changed != RELEASED
    (one,) = broken_promises(RELEASED, changed)
    assert told in one


def test_a_type_that_goes_is_told_with_all_that_hung_on_it() -> None:
    changed = RELEASED.replace("type Program implements Named {name: String}", "").replace("Member | Program", "Member")
    assert broken_promises(RELEASED, changed) == [
        "type removed from union: Program was removed from union type Either.",
        "type removed: Program was removed.",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("enum Kind {OLD NEW}", "enum Kind {OLD NEW NEWER}"),
        ("points: Int!", "points: Int! more: Int"),
        ("points: Int!", 'points: Int! @deprecated(reason: "Use `name`.")'),
        ("name: String points", "name: String! points"),
        ("kind(of: Kind,", "kind(more: Int, of: Kind,"),
        ("input Choice {kind: Kind,", "input Choice {kind: Kind, more: Int,"),
        ("input Choice {kind: Kind,", "input Choice {kind: Kind, more: Int! = 1,"),
        ("union Either = Member | Program", "type More {a: Int} union Either = Member | Program | More"),
        ("enum Kind", '"A description." enum Kind'),
    ],
)
def test_growth_is_no_break(old: str, new: str) -> None:
    assert RELEASED.replace(old, new) != RELEASED
    assert broken_promises(RELEASED, RELEASED.replace(old, new)) == []


def test_a_deprecation_names_what_to_use_instead() -> None:
    planted = """
        enum Kind {OLD @deprecated(reason: "Use `NEW`.") NEW @deprecated}
        input Choice {kind: Kind @deprecated(reason: "soon gone") size: Int}
        type Query {a(b: Int @deprecated(reason: "Use `c`."), c: Int): Int @deprecated(reason: "")
            d(e: Kind, f: Choice): Int}
    """
    assert unexplained_deprecations(planted) == ["Kind.NEW", "Choice.kind", "Query.a"]


def test_every_deprecation_of_our_schema_is_explained() -> None:
    assert unexplained_deprecations(export_sdl()) == []
    # A new way to deprecate something that `deprecations` does not see would be seen here.
    assert export_sdl().count("@deprecated(") == len(list(deprecations(schema._schema)))


def test_make_check_fails_on_a_break_and_a_release_renews_the_promise_on_purpose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "schema").mkdir()
    monkeypatch.setattr(snapshot, "_SOURCE", tmp_path)
    file = tmp_path / snapshot.RELEASED

    def run(*given: str) -> Result:
        return CliRunner().invoke(app, ["schema", "release", *given])

    assert run("--write").exit_code == 0
    assert file.read_text() == export_sdl()
    assert run("--check").exit_code == 0
    older = export_sdl().replace("type Query {", 'type Query {\n  "Once."\n  gone: Int\n')
    file.write_text(older)
    for given in ((), ("--check",), ("--write",)):
        refused = run(*given)
        assert refused.exit_code == 1
        assert "field removed: Field Query.gone was removed." in refused.output
        assert file.read_text() == older
    assert run("--write", "--breaking").exit_code == 0
    assert file.read_text() == export_sdl()


def test_what_is_served_keeps_the_promise() -> None:
    assert broken_promises((Path(snapshot._SOURCE) / snapshot.RELEASED).read_text(), export_sdl()) == []
