"""Records with a pointer to the dataset that their id leads to."""

from app.graph.records.merged_record import POINTER, is_merged, last_target, merged, target_of, targets_within
from app.graph.records.native.vertex_values import native_values
from app.graph.records.record_text import text_of
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import stub, with_effective_sensitivity

OLD, NEW = "mlg://dataset/test/default/old", "mlg://dataset/test/default/new"
PLAIN = stub("default", OLD, "ada", 5)
TARGET = vertex_id("default", NEW)
MERGED = merged(PLAIN, TARGET, NEW, 9)


def test_the_pointer_is_the_first_value_of_the_text() -> None:
    """The text of each later version begins with it, so that the store finds the vertex id without parsing."""
    for record in (MERGED, {**MERGED, "revision": 2}, with_effective_sensitivity(MERGED, "RESTRICTED")):
        text = text_of(record)
        assert text.startswith(POINTER)
        assert int(text.removeprefix(POINTER).partition(",")[0]) == TARGET
    assert not text_of(PLAIN).startswith(POINTER)


def test_a_merged_record_counts_as_deleted_and_is_in_no_list() -> None:
    """The native instant of deletion is before every other one, so that lists of the past leave it out, too."""
    assert (MERGED["deletedAt"], MERGED["mergedInto"]["id"]) == (9, NEW)
    assert native_values(MERGED)[0]["deletedAt"] == 0
    assert native_values(PLAIN)[0]["deletedAt"] > 9
    assert (is_merged(MERGED), is_merged(PLAIN)) == (True, False)


def test_pointers_are_followed_to_the_last_one() -> None:
    """A record without a pointer, and an absent one, lead to themselves."""
    records = {1: merged(PLAIN, 2, NEW, 9), 2: merged(PLAIN, 3, NEW, 9), 3: PLAIN}
    assert [last_target(vid, records) for vid in (1, 2, 3, 4)] == [3, 3, 3, 4]
    assert [[*targets_within(vid, records)] for vid in (1, 2, 3, 4)] == [[2, 3], [3], [], []]
    assert [target_of(each) for each in (records[1], PLAIN, {}, None)] == [2, None, None, None]
