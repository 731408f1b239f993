"""`tessera voucher`: codes go into a pool from a file or standard input, and may be loaded again."""

from tests.shell.command import Deployment


def test_codes_are_loaded_once_and_counted(deployment: Deployment) -> None:
    made = str(deployment.run("program", "create", "Shop", "--json").json["program_id"])
    asked = ("voucher", "load", "codes.txt", "--pool", "CARD", "--program", made)
    file = deployment.folder / "codes.txt"
    file.write_text("A-1\n\nA-2\r\n")
    assert deployment.run(*asked).out == "CARD: 2 new, 0 known.\n"
    file.write_text("A-2\nA-3\n")
    assert deployment.run(*asked, "--last-day", "2099-12-31", "--json").json == {"pool": "CARD", "new": 1, "known": 1}
    piped = deployment.run(*(one.replace("codes.txt", "-") for one in asked), standard_input="A-4\nA-1\n")
    assert piped.out == "CARD: 1 new, 1 known.\n"
    [pool] = deployment.run("voucher", "list", "--program", made, "--json").json
    assert pool == {"pool": "CARD", "free": 4, "given": 0, "withdrawn": 0, "expired": 0}
    before = deployment.run("voucher", "list", "--program", made).out
    file.write_text("B\nB\n")
    twice = deployment.run(*asked)
    assert (twice.status, "1389" in twice.err, "B" in twice.err) == (1, True, False)
    assert deployment.run("voucher", "load", "none.txt", *asked[3:]).status != 0
    file.write_bytes(b"\xff\n")
    assert "not UTF-8" in deployment.run(*asked).err
    assert deployment.run("voucher", "list", "--program", made).out == before
