"""Registered documents: apart for each caller, and bounded for each and for all."""

from app.http.graphql.registered_documents import ENTRY_BYTES, Caller, RegisteredDocuments

ADA: Caller = ("t", "ada")
BO: Caller = ("t", "bo")
ENTRY = ENTRY_BYTES + 10


def cache_of(callers: int, entries: int) -> RegisteredDocuments:
    """Return a cache for a number of callers, each with a number of entries of ten bytes."""
    return RegisteredDocuments(total_bytes=callers * entries * ENTRY, caller_bytes=entries * ENTRY)


def test_callers_share_nothing() -> None:
    """The document of a caller is not found by another caller, or in another tenant."""
    cache = RegisteredDocuments()
    cache.put(ADA, "h", "{ a }")
    assert cache.get(ADA, "h") == "{ a }"
    assert [cache.get(caller, "h") for caller in (BO, ("u", "ada"))] == [None, None]


def test_a_caller_displaces_own_documents_only() -> None:
    """Beyond the bound of a caller, its least recently used document is forgotten, and no other one."""
    cache = cache_of(callers=2, entries=2)
    cache.put(BO, "x", "x" * 10)
    cache.put(ADA, "a", "x" * 10)
    cache.put(ADA, "b", "x" * 10)
    assert cache.get(ADA, "a") is not None
    cache.put(ADA, "c", "x" * 10)
    assert [cache.get(ADA, name) is not None for name in "abc"] == [True, False, True]
    assert cache.get(BO, "x") is not None


def test_all_callers_together_are_bounded() -> None:
    """Beyond the bound of all, the caller who used none for the longest time loses documents; sizes are in bytes."""
    cache = cache_of(callers=2, entries=1)
    for subject in ("ada", "bo"):
        cache.put(("t", subject), "h", "ä" * 5)
    assert cache.get(ADA, "h") is not None
    cache.put(("t", "cy"), "h", "ä" * 5)
    assert [cache.get(("t", subject), "h") is not None for subject in ("ada", "bo", "cy")] == [True, False, True]
    assert cache.size == 2 * ENTRY


def test_many_documents_and_callers_stay_below_the_bound() -> None:
    """The size is never above the bound, and is that of the documents which are still found."""
    cache = cache_of(callers=3, entries=4)
    for number in range(500):
        cache.put(("t", str(number * 7 % 11)), str(number % 23), "x" * (number % 11))
        cache.put(("t", str(number * 7 % 11)), str(number % 23), "x" * (number % 11))
        assert cache.size <= cache.total_bytes
    found = [cache.get(("t", str(caller)), str(name)) for caller in range(11) for name in range(23)]
    assert cache.size == sum(len(text) + ENTRY_BYTES for text in found if text is not None)
