"""Values with those that the current batch has replaced."""

from app.graph.records.native.write_cost import EDGE_COST
from app.graph.records.record_text import size_of
from app.graph.writing.unit.tracked_values import TrackedValues, TrackedWrites


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


def test_an_edge_counts_once_as_it_is_now() -> None:
    """A call may write the same long edge again and again, and its transaction has it once."""
    writes, key = TrackedWrites(), ("FEEDS", 1, 2)
    for length in (100, 900):
        writes.count_edges({key: {"note": "x" * length}})
    assert writes.of_batch == (EDGE_COST, size_of({"note": "x" * 900}))
    writes.begin()
    writes.count_edges({key: {"note": "x" * 901}, ("FEEDS", 2, 1): {}})
    assert writes.of_batch == (EDGE_COST, 1 + size_of({}))
    assert writes.cost == 2 * EDGE_COST
    writes.undo()
    assert writes.cost == EDGE_COST
