"""What is kept between requests is bounded, and nobody pushes out what others use."""

from schema.build import schema
from schema.cache import FairCache
from schema.document import CACHED_DOCUMENTS, MAX_CACHED_LENGTH, Documents
from schema.limit import MAX_TOKENS


def test_who_brings_the_most_loses_the_oldest() -> None:
    cache: FairCache[int] = FairCache(entries=10, weight=1000)
    for number in range(3):
        cache.put(f"ours-{number}", number, weight=1, owner="us")
    for number in range(100):
        cache.put(f"theirs-{number}", number, weight=1, owner="them")
    assert [cache.get(f"ours-{number}") for number in range(3)] == [0, 1, 2]
    assert cache.get("theirs-99") == 99
    assert cache.get("theirs-92") is None
    assert len(cache) == 10


def test_what_is_used_stays_longer_than_what_is_not() -> None:
    cache: FairCache[int] = FairCache(entries=3, weight=1000)
    for number in range(3):
        cache.put(str(number), number, weight=1, owner="us")
    assert cache.get("0") == 0
    cache.put("3", 3, weight=1, owner="us")
    assert [cache.get(str(number)) for number in range(4)] == [0, None, 2, 3]


def test_what_weighs_much_displaces_its_owners_things_first() -> None:
    cache: FairCache[int] = FairCache(entries=1000, weight=80)
    cache.put("ours", 0, weight=10, owner="us")
    for number in range(50):
        cache.put(f"theirs-{number}", number, weight=10, owner="them")
    assert cache.get("ours") == 0
    assert (len(cache), cache.weight) == (8, 80)
    cache.put("too heavy", 1, weight=11, owner="them")
    assert cache.get("too heavy") is None
    assert (len(cache), cache.weight) == (8, 80)


def test_strangers_flush_no_document_of_those_who_are_known() -> None:
    documents = Documents(schema, introspection=True)
    documents.prepare("query Ours {__typename}", ("program", "us"))
    for number in range(CACHED_DOCUMENTS + 50):
        documents.prepare(f"query Q{number} {{__typename}}")
    misses = documents.counts.misses
    documents.prepare("query Ours {__typename}", ("program", "us"))
    assert documents.counts.misses == misses


def test_large_documents_are_kept_by_their_size_and_long_ones_not_at_all() -> None:
    documents = Documents(schema, introspection=True)
    large = "{nodes(ids: [" + '"a" ' * (MAX_TOKENS - 20) + "]) {id}}"
    for number in range(60):
        documents.prepare(f"query Q{number} {large}")
    for number in (59, 0):
        documents.prepare(f"query Q{number} {large}")
    assert documents.counts.hits == 1
    for _ in range(2):
        documents.prepare("{__typename}" + " " * MAX_CACHED_LENGTH)
    assert documents.counts.hits == 1
