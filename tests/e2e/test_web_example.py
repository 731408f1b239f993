"""The member app of `examples/web`: built from its lock file, and used in Chromium against a real server."""

import http.server
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import SOURCE
from tests.e2e.programs import run
from tests.servers import Deployment, Server

DRIVE = Path(__file__).with_name("web_example_drive.mjs")
EMAIL = "ann@example.com"
CONFIGURATION = """
version: 1
program:
  {{time_zone: Europe/London, currency: GBP, points_decimals: 2, redemption_minimum: 5, default_merchant: Corner Shop,
   allowed_origins: ["{origin}"], sign_in_url: "{origin}/"}}
expiry: {{policy: months, months: 12, period_end: year}}
product_codes: [{{code: BOOKS}}]
rule_groups:
  - name: Purchases
    rules:
      - {{name: A point for a pound, award: {{type: per_unit, of: transaction.amount, points: 1, per: 1}}}}
tiers:
  assessment: automatic
  levels: [{{name: Silver, from: 0}}, {{name: Gold, from: 1000, multiplier: 1.5}}]
campaigns:
  - name: Double
    starts: 2020-01-01
    ends: 2099-12-31
    award: {{type: multiplier, factor: 2}}
    message: Double points
fraud:
  redemption: {{max_points: 100}}
"""
MEMBERS = f"relation_reference,email_id,full_name,status\nM-1001,{EMAIL},Ann Example,1\n"
PURCHASES = """transaction_id,transaction_type,transaction_date,member_relation_reference,product_code,amount
T-1,DR,2026-01-12,M-1001,BOOKS,62.25
T-2,DR,2026-02-02,M-1001,BOOKS,21.88
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a member saw who went through the whole app."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not on this machine, and `make e2e` needs it"
    folder = tmp_path_factory.mktemp("web")
    deployment = Deployment(f"sqlite+aiosqlite:///{folder / 'tessera.db'}", folder)
    deployment.command("db", "upgrade")
    app = _sources(folder)
    with _pages(app / "dist") as origin:
        issued = _program(deployment, origin)
        server = Server(deployment)
        server.start()
        try:
            _build(app, server.url, issued["publishable_key"])
            shutil.copy(DRIVE, app)
            given = {
                "page": f"{origin}/",
                "api": server.url,
                "outbox": str(folder / "otp_outbox.jsonl"),
                "chromium": chromium,
                "identity": {name: issued[name] for name in ("client_id", "client_secret")},
                "key": issued["publishable_key"],
                "email": EMAIL,
            }
            _, _, said = run("node", DRIVE.name, json.dumps(given), cwd=app).rstrip().rpartition("\n")
            yield {"page": given["page"], "api": server.url, **json.loads(said)}
        finally:
            server.stop()


def _sources(folder: Path) -> Path:
    """The app's sources where they stand in the repository, with what they refer to, and nothing that was built."""
    unwanted = shutil.ignore_patterns("node_modules", "dist", "gql", ".env.local")
    for part in ("examples/web", "docs/graphql"):
        shutil.copytree(SOURCE / part, folder / part, ignore=unwanted)
    (folder / "schema").mkdir()
    shutil.copy(SOURCE / "schema" / "schema.graphql", folder / "schema")
    return folder / "examples" / "web"


def _build(app: Path, api: str, key: str) -> None:
    (app / ".env.local").write_text(f"VITE_TESSERA_URL={api}\nVITE_PUBLISHABLE_KEY={key}\n")
    run("npm", "ci", "--ignore-scripts", cwd=app)
    run("npm", "run", "build", cwd=app)


def _program(deployment: Deployment, origin: str) -> dict[str, Any]:
    """A program that allows the page, with a member who bought twice."""
    issued: dict[str, Any] = json.loads(deployment.command("program", "create", "Corner Shop", "--json"))
    files = {
        "rules.yaml": CONFIGURATION.format(origin=origin),
        "Web_CPD.csv": MEMBERS,
        "Web_TXN.csv": PURCHASES,
    }
    for name, text in files.items():
        (deployment.data_dir / name).write_text(text)
    program = ("--program", str(issued["program_id"]))
    deployment.command("rules", "apply", "rules.yaml", *program)
    for name in ("Web_CPD.csv", "Web_TXN.csv"):
        deployment.command("batch", "load", name, *program)
    return issued


@contextmanager
def _pages(folder: Path) -> Iterator[str]:
    """Serve the files of a folder; their origin."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=os.fspath(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_member_signs_in_by_code_and_sees_its_own(seen: dict[str, Any]) -> None:
    assert seen["wrongCode"] == "This code is wrong or has run out. Check it, or ask for a new one."
    assert (seen["greeting"], seen["balance"], seen["tier"]) == ("Hello, Ann Example", "168.26", "Silver")
    assert seen["progress"] == "0.1682"
    assert seen["expiring"].splitlines() == ["Dec 31, 2027", "168.26 points"]
    assert "Double points" in seen["offers"]


def test_who_asks_for_too_many_codes_is_told_how_long_to_wait(seen: dict[str, Any]) -> None:
    told, _, wait = seen["tooOften"].partition(" It is possible again in ")
    assert told == "You asked for many codes. Please wait before you ask for the next."
    assert re.fullmatch(r"(59|60) minutes\.", wait)


def test_the_access_token_is_stored_nowhere(seen: dict[str, Any]) -> None:
    assert seen["stored"] == ["sessionId", "refreshToken", "refreshKey"]


def test_the_statement_says_why(seen: dict[str, Any]) -> None:
    assert seen["why"].splitlines() == [
        "You bought BOOKS for £21.88.",
        "“A point for a pound” gave 21.88 (amount 21.88).",
        "Times 2, with the offer “Double”.",
        "These points can be spent until Dec 31, 2027.",
        "When it was posted your balance became 168.26.",
    ]


def test_refusals_are_told_in_plain_words(seen: dict[str, Any]) -> None:
    assert seen["nothingTyped"] == "Enter a number with up to 2 decimals, like 12.5."
    assert seen["tooMuch"] == "You have 168.26 points to spend."
    assert seen["refused"].startswith("Nothing was redeemed. That is over a limit of the program")
    assert seen["redeemed"].startswith("12.5 points redeemed for charity.")


def test_what_is_posted_appears_by_itself_and_nothing_is_missed(seen: dict[str, Any]) -> None:
    assert (seen["live"], seen["samePage"]) == ("+6.6 points · Purchases", "the same page")
    assert seen["resumed"] == {"behind": True, "points": ["10", "12"]}
    assert (seen["offlineBalance"], seen["member"]) == ("184.36", "M-1001")


def test_a_redemption_whose_answer_is_lost_debits_once(seen: dict[str, Any]) -> None:
    assert seen["dropped"] == 1
    assert seen["lost"].startswith("We do not know yet whether 20 points were redeemed")
    assert seen["retried"].startswith("20 points redeemed for gift card. It had gone through already")
    assert seen["redemptions"] == ["-20", "-12.5"]


def test_sessions_end_in_every_tab(seen: dict[str, Any]) -> None:
    assert (seen["leftBehind"], seen["ended"]) == (None, True)
    # The token of the link is gone from the address before anything is asked.
    assert seen["address"] == seen["page"]


def test_the_page_complains_of_nothing_and_asks_nobody_else(seen: dict[str, Any]) -> None:
    assert seen["complaints"] == []
    assert seen["hosts"] == sorted(urlsplit(seen[one]).netloc for one in ("page", "api"))


def test_it_is_accessible_and_fits_every_screen(seen: dict[str, Any]) -> None:
    assert len(seen["axe"]) == 17
    assert {name: found for name, found in seen["axe"].items() if found} == {}
    assert seen["overflow"] == []
