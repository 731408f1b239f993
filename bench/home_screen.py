"""B4 (ii): the home screen of an app from PostgreSQL, beside what reads the same by SQL alone.

The name of the member is left out, for it is encrypted and no SQL finds it.
"""

import json
from functools import partial

from bench.asking import PATH, asking_round, fetch, prove_alike
from bench.bare_stack import URL_VARIABLE
from bench.measure import alternate
from bench.population import Past
from bench.report import Floor, Line
from bench.scale import Scale
from bench.subject import Serving, Subject, ask, product, token, uvicorn_worker

DOCUMENT = """query Home($reference: String!) {member(reference: $reference) {
    relationReference enrolledAt tier {name since} balance {available pending nextExpiryAt nextExpiringPoints}
    ledger(first: 20) {edges {node {kind points transactionDate}} pageInfo {hasNextPage}}}}"""

_PREFIX = "S-"
_TIER = f"UPDATE member SET tier = 'Silver', tier_since = enrolled_at WHERE relation_reference LIKE '{_PREFIX}%'"  # noqa: S608 - our own prefix
# With more postings than the screen shows.
_SPENT_LOTS = 10


def screen_pasts(scale: Scale) -> list[Past]:
    """The members whose home screens are asked for."""
    return [Past(f"{_PREFIX}{number}", spent_lots=_SPENT_LOTS) for number in range(1, scale.screens + 1)]


def measure_home_screen(postgres: Subject, scale: Scale) -> list[Line]:
    """The product with the program's token, by turns with the bare SQL."""
    for statement in (_TIER, "VACUUM ANALYZE"):
        ask(postgres, statement)
    with (
        product(postgres) as ours,
        uvicorn_worker("bench.bare_screen:app", {URL_VARIABLE: postgres.dsn}) as bare,
    ):
        access = token(ours, postgres.credentials)
        _prove(ours, bare, access)
        asked = partial(asking_round, prefix=_PREFIX, members=scale.screens)
        body = _body("@member")
        rounds, below = alternate(
            scale.rounds,
            lambda number: asked(ours, body, scale, number, token=access),
            lambda number: asked(bare, body, scale, number),
        )
        _prove(ours, bare, access)
    floor = Floor("the same by SQL alone: asyncpg and orjson", below, least=0.4)
    return [Line("B4", "GraphQL, home screen with 20 postings, PostgreSQL", rounds, [floor])]


def _prove(ours: Serving, bare: Serving, access: str) -> None:
    for number in (1, 2):
        body = _body(f"{_PREFIX}{number}")
        prove_alike({"Tessera": fetch(ours.url + PATH, body, access), "the bare SQL": fetch(bare.url + PATH, body)})


def _body(reference: str) -> str:
    return json.dumps({"query": DOCUMENT, "variables": {"reference": reference}})
