"""The order of versions of one time: `PRECEDES`, then the natural order of names, then ids."""

from itertools import permutations
from urllib.parse import quote, unquote

import pytest

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.rules.version_order import newest_first

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


def urn(version: str) -> str:
    """Return the id of a version."""
    return f"mlg://model-version/test/default/m@{quote(version, safe='')}"


def order(versions: str, *precedes: str) -> str:
    """Return versions newest first; an edge is written `older>newer`."""
    pairs = [(urn(older), urn(newer)) for older, _, newer in (edge.partition(">") for edge in precedes)]
    return " ".join(
        unquote(each.partition("@")[2]) for each in run_at_once(newest_first(map(urn, versions.split()), pairs))
    )


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
    assert order("1 2 3 4", "4>2", "4>3") == "3 2 4 1"


def test_precedes_to_other_versions_does_not_count() -> None:
    """An edge with an end of another time orders nothing, also if a chain of two such edges joins two versions."""
    assert order("1 2", "2>9", "9>1") == "2 1"


def test_contradicting_edges_do_not_count() -> None:
    """If the edges form a cycle, the names decide."""
    assert order("1 2 3", "1>2", "2>1", "3>1") == "3 2 1"
    assert order("1 2", "1>1") == "2 1"
