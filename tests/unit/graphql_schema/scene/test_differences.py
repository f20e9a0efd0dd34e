"""What differs between two states, by hand."""

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.ports.turns.sorted_parts import PART
from graphql_schema.scene.differences import LineageChange, differences, members_by


def test_members_are_sorted_and_occur_once() -> None:
    """A key has all of its members."""
    found = run_at_once(members_by([("a", "2"), ("b", "1"), ("a", "1"), ("a", "2")]))
    assert found == {"a": ["1", "2"], "b": ["1"]}


def test_differences() -> None:
    """A key of one state is added or removed, and one with other members is changed; equal ones are left out.

    The order is that of the keys.
    """
    before, after = {"gone": ["g"], "same": ["s"], "other": ["1", "2"]}, {"same": ["s"], "other": ["2"], "new": ["n"]}
    first = [
        ("gone", LineageChange.REMOVED, ["g"], ()),
        ("new", LineageChange.ADDED, (), ["n"]),
        ("other", LineageChange.CHANGED, ["1", "2"], ["2"]),
    ]
    counts = {"added": 1, "removed": 1, "changed": 1, "same": 1}
    assert run_at_once(differences(before, after, 9)) == (first, counts)
    assert run_at_once(differences(before, after, 2)) == (first[:2], counts)
    nothing = dict.fromkeys(("added", "removed", "changed", "same"), 0)
    assert run_at_once(differences({}, {}, 9)) == ([], nothing)


def test_of_many_differences_the_first_are_kept() -> None:
    """They are those with the first keys, in any order of all."""
    keys = [f"{number * 7919 % 10_000:04}" for number in range(10_000)]
    found = run_at_once(differences({}, {key: [key] for key in keys}, 3))
    assert [each.key for each in found.first] == ["0000", "0001", "0002"]
    assert found.counts == {"added": 10_000, "removed": 0, "changed": 0, "same": 0}


def test_states_are_compared_in_parts() -> None:
    """Others have turns of the side thread after each key, and the keys are never put in order together."""
    keys = [f"{number:04}" for number in range(100)]
    members = members_by((key, key) for key in keys)
    assert sum(1 for _ in members) >= len(keys)
    assert sum(1 for _ in differences({}, {key: [key] for key in keys}, 3)) >= len(keys)


def test_the_members_of_one_key_are_put_in_order_in_parts() -> None:
    """All edges between the versions of two models have one key: to sort 240,000 at once holds all threads."""
    members = [f"{number * 7919 % 10_007:05}" for number in range(10 * PART)]
    steps = members_by(("key", member) for member in members)
    assert sum(1 for _ in steps) >= 2 * len(members) + 10
    assert run_at_once(members_by(("key", member) for member in members)) == {"key": sorted({*members})}
