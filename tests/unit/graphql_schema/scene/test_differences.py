"""What differs between two states, by hand."""

from graphql_schema.scene.differences import LineageChange, counted, differences, members_by


def test_members_are_sorted_and_occur_once() -> None:
    """A key has all of its members."""
    assert members_by([("a", "2"), ("b", "1"), ("a", "1"), ("a", "2")]) == {"a": ["1", "2"], "b": ["1"]}


def test_differences() -> None:
    """A key of one state is added or removed, and one with other members is changed; equal ones are left out.

    The order is that of the keys.
    """
    before, after = {"gone": ["g"], "same": ["s"], "other": ["1", "2"]}, {"same": ["s"], "other": ["2"], "new": ["n"]}
    found = [*differences(before, after)]
    assert found == [
        ("gone", LineageChange.REMOVED, ["g"], ()),
        ("new", LineageChange.ADDED, (), ["n"]),
        ("other", LineageChange.CHANGED, ["1", "2"], ["2"]),
    ]
    assert counted(found, before, after) == {"added": 1, "removed": 1, "changed": 1, "same": 1}
    assert counted([], {}, {}) == dict.fromkeys(("added", "removed", "changed", "same"), 0)
