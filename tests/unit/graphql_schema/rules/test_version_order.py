"""The order of versions of one time: `PRECEDES`, then the natural order of names, then ids."""

import re
import tracemalloc
from itertools import pairwise, permutations
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.rules import version_order
from graphql_schema.rules.version_order import MAX_KEPT, name_key, newest_first

ORDERS = {
    "numbers": "12 11 10 9 2 1",
    "numbers behind a letter": "v10 v9 v2",
    "releases before their candidates": "2.0 2.0rc2 2.0rc1 1.10 1.9 1.0.post1 1.0 1.0.dev3",
    "an epoch": "1!0.1 2024.1",
    "names with numbers": "week-12 week-9-a week-9 week-1",
    "dates": "2024-10-02 2024-09-30 2024-09-01",
    "a number before a text": "run-a run-10",
    "names that PEP 440 does not parse are older": "0.1 nightly-9 main",
    "equal by PEP 440, so the smaller id is first": "1.0 1.0.0 v1",
}

TOKENS = ["0", "00", "1", "01", "10", "\u0663", *".-_+ !abvx~", "rc", "dev", "\u00e9", "\U0001f600", "\0", "\1", "\2"]
"""Parts of names: numbers, words of PEP 440 and others, and the characters that separate the parts of a key."""

PARTS = (
    ("", "v", "1!"),
    ("0", "1", "1.0", "1.0.1", "1.2", "1.10", "01"),
    ("", "a1", "b2", "b10", "rc1", "c2", "-1"),
    ("", ".post1", ".post10", "r2"),
    ("", ".dev", ".dev2", ".dev10"),
    ("", "+a", "+a0", "+a.1", "+a.b", "+ab", "+1", "+1.a", "+10"),
)
"""The parts of a name that PEP 440 parses, by their places."""

NAMES = (st.lists(st.sampled_from(TOKENS), max_size=6) | st.tuples(*map(st.sampled_from, PARTS))).map("".join)


def urn(version: str) -> str:
    """Return the id of a version."""
    return f"mlg://model-version/test/default/m@{quote(version, safe='')}"


def order(versions: str, *precedes: str) -> str:
    """Return versions newest first; an edge is written `older>newer`."""
    successors: dict[str, list[str]] = {}
    for older, _, newer in (edge.partition(">") for edge in precedes):
        successors.setdefault(urn(older), []).append(urn(newer))
    found = run_at_once(newest_first(map(urn, versions.split()), successors))
    return " ".join(unquote(each.partition("@")[2]) for each in found)


@pytest.mark.parametrize("name", ORDERS)
def test_names_are_in_their_natural_order(name: str) -> None:
    """Each list, written by hand, is the result for all permutations of up to six of its names."""
    names = ORDERS[name].split()[:6]
    for shuffled in permutations(names):
        assert order(" ".join(shuffled)) == " ".join(names)
    assert order(" ".join(reversed(ORDERS[name].split()))) == ORDERS[name]


def test_precedes_is_stronger_than_a_name() -> None:
    """A successor is before its predecessor, whatever their names are; the others keep their natural order."""
    assert order("1 2 3 4", "4>1") == "3 2 1 4"
    assert order("1 2 3 4", "3>2", "2>1") == "4 1 2 3"
    assert order("1 2 3 4", "4>2", "4>3", "4>3") == "3 2 4 1"


def test_precedes_to_other_versions_does_not_count() -> None:
    """An edge with an end of another time orders nothing, also if a chain of two such edges joins two versions."""
    assert order("1 2", "2>9", "9>1") == "2 1"


def test_contradicting_edges_do_not_count() -> None:
    """If the edges form a cycle, the names decide."""
    assert order("1 2 3", "1>2", "2>1", "3>1") == "3 2 1"
    assert order("1 2", "1>1") == "2 1"


def place(name: str) -> tuple[bool, Version, list[tuple[bool, int, str]]]:
    """Return the place of a name by the rule in its plainest form, part by part."""
    try:
        return True, Version(name), []
    except InvalidVersion:
        found = re.findall(r"(\d+)|(\D+)", name)
        parts = [(False, int(digits), digits) if digits else (True, 0, text) for digits, text in found]
        return False, Version("0"), parts


@given(st.lists(NAMES, max_size=30), st.sampled_from(["", "1", "1.0", "1!2a", "1+", "a9", "0" * 300, "9a" * 200]))
@example(["1.0", "1.0.dev1", "1.0a1", "1.0a1.dev1", "1.0.post1.dev1", "1.0.post1"], "")
@example(["0", "00", "0-", "00-", "0a", "00a", "01-", "1-", "01a", "1a"], "x")
@example(["\0", "\1", "\1\1", "\2", "\0a", "\0001", "a", "a\0", "a1", "a\1"], "x")
def test_keys_are_compared_as_the_parts_of_names(names: list[str], begin: str) -> None:
    """For random names, also after a common beginning, the keys are less, equal or greater as the names are."""
    names = sorted((begin + name for name in names), key=place)
    for less, greater in pairwise(names):
        assert name_key(less) <= name_key(greater)
        assert (name_key(less) == name_key(greater)) == (place(less) == place(greater))


@pytest.mark.parametrize("name", ["xa9b9" + "a9b9" * 114, "1+" + "a." * 227 + "a", "1" + ".1" * 229, "x" + "9" * 460])
def test_a_key_takes_little_more_memory_than_its_name(name: str) -> None:
    """A list has thousands of versions with names as long as an id may be: their parts would take gigabytes."""
    tracemalloc.start()
    try:
        keys = [name_key(f"{name}{number}") for number in range(10)]
        assert tracemalloc.get_traced_memory()[0] < 10 * 2_048
    finally:
        tracemalloc.stop()
    assert len(set(keys)) == 10


def test_the_keys_of_long_names_are_not_kept() -> None:
    """What is kept is bounded in bytes, because it stays until the process ends."""
    kept = version_order._kept_key  # noqa: SLF001 - what the test is about
    for characters, more in ((MAX_KEPT, 1), (MAX_KEPT + 1, 0)):
        known = kept.cache_info().currsize
        name_key("kept".ljust(characters, "-"))
        assert kept.cache_info().currsize - known == more


def test_others_have_turns_between_the_keys_of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of a long name takes a part of a millisecond, so there is a pause after each one."""
    named: list[str] = []

    def key_of(name: str) -> version_order.NameKey:
        named.append(name)
        return name_key(name)

    monkeypatch.setattr(version_order, "name_key", key_of)
    known = 0
    for _ in newest_first(map(urn, map(str, range(500))), {}):
        assert len(named) - known <= 1
        known = len(named)
    assert known == 500
