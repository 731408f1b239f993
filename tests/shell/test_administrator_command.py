"""Administrators by the command line: the first one, invitations, a new start."""

from pathlib import Path

from tests.shell.command import run_command


def test_the_first_link_an_invitation_and_the_list(tmp_path: Path) -> None:
    settings = {"TESSERA_DATA_DIR": str(tmp_path / "data")}
    run_command(tmp_path, settings, "db", "upgrade")
    first = run_command(tmp_path, settings, "administrator", "setup")
    assert first.out.startswith("http://127.0.0.1:8080/portal/link/tpl_")
    again = run_command(tmp_path, settings, "administrator", "setup")
    assert again.out != first.out
    invited = run_command(
        tmp_path, settings, "administrator", "invite", "bob@shop.example", "--role", "program-manager"
    )
    assert (invited.status, "/portal/link/tpl_" in invited.out) == (0, True)
    assert run_command(tmp_path, settings, "administrator", "list", "--json").json == []


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    settings = {"TESSERA_DATA_DIR": str(tmp_path / "data")}
    run_command(tmp_path, settings, "db", "upgrade")
    wrong = run_command(tmp_path, settings, "administrator", "invite", "bob", "--role", "program-manager")
    assert (wrong.status, wrong.err) == (1, "998 Invalid request (email: an e-mail address)\n")
    unknown = run_command(tmp_path, settings, "administrator", "reset", "bob@shop.example")
    assert (unknown.status, unknown.err) == (1, "1393 Administrator does not exist (bob@shop.example)\n")
