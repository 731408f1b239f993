"""A document is parsed and validated once, however often it is asked for."""

from collections import Counter
from typing import Any

import pytest
from graphql import ValidationContext
from graphql.language.parser import Parser

from schema.app import build_graphql_app
from schema.build import schema
from schema.document import MAX_CACHED_LENGTH, Counts, Documents
from tests.graphql.world import Caller, World

MEMBER = "query($r: String!) {member(reference: $r) {relationReference}}"


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often anything at all was parsed, and validated."""
    counted: Counter[str] = Counter()

    def count(owner: type[Any], name: str, what: str) -> None:
        real = getattr(owner, name)

        def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
            counted[what] += 1
            return real(self, *args, **kwargs)

        monkeypatch.setattr(owner, name, counting)

    count(Parser, "parse_document", "parsed")
    count(ValidationContext, "__init__", "validated")
    return counted


async def test_a_document_that_is_repeated_is_neither_parsed_nor_validated_again(
    world: World, server: Caller, done: Counter[str]
) -> None:
    documents = Documents(schema, introspection=False)
    references = [await world.member(server) for _ in range(3)]
    done.clear()
    async with world.client_of(build_graphql_app(introspection=False, documents=documents)) as client:
        caller = Caller(client, server.token)
        for reference in references:
            assert (await caller.ask(MEMBER, r=reference)).data == {"member": {"relationReference": reference}}
        assert documents.counts == Counts(hits=2, misses=1)
        assert done == {"parsed": 1, "validated": 1}

        # One more space is another text.
        assert (await caller.ask(MEMBER + " ", r=references[0])).data
        assert documents.counts == Counts(hits=2, misses=2)
        assert done == {"parsed": 2, "validated": 2}


async def test_what_is_refused_or_very_long_is_not_kept(world: World, server: Caller, done: Counter[str]) -> None:
    documents = Documents(schema, introspection=False)
    async with world.client_of(build_graphql_app(introspection=False, documents=documents)) as client:
        caller = Caller(client, server.token)
        done.clear()
        for _ in range(2):
            assert (await caller.ask("{nothing}")).errors
        assert documents.counts == Counts(hits=0, misses=2)
        for _ in range(2):
            assert (await caller.ask("{me {id}}" + " " * MAX_CACHED_LENGTH)).data == {"me": None}
        assert documents.counts == Counts(hits=0, misses=2)
        assert done == {"parsed": 4, "validated": 4}
