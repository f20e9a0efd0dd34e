"""Values with those that the current batch has replaced."""

from app.graph.writing.unit.tracked_values import TrackedValues


def test_only_the_current_batch_is_changed_and_undone() -> None:
    """The value before a batch is the one that the earlier batch left, also if the batch writes it twice."""
    values = TrackedValues({"a": [1], "b": [2]})
    values.put({"a": [3], "c": [4]})
    values.begin()
    values.put({"a": [5], "d": [6]})
    values.put({"a": [7]})
    assert values.changed() == ["a", "d"]
    assert [values.value_before(key) for key in "abcd"] == [[3], [2], [4], None]
    assert values.undo() == ["d"]
    assert values.present == {"a": [3], "b": [2], "c": [4]}
    assert (values.changed(), values.unwritten()) == ([], {"a": [3], "c": [4]})


def test_a_value_written_unchanged_is_no_change() -> None:
    """Values are compared by identity: the same object is no change, and a stored value read later is none either."""
    values = TrackedValues({"a": (same := [1])})
    values.put({"a": same})
    values.add_stored("b", [2])
    assert (values.changed(), values.unwritten(), values.stored("b")) == ([], {}, [2])
