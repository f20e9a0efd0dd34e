"""Entries of the write log are stored and read without loss; too many ends are everything, vertices are all listed."""

import pytest

from app.graph.records.log_entry import MAX_LISTED, Lease, LogEntry, entry_of, entry_vid, entry_vids
from app.graph.records.touched import EVERYTHING, NOTHING, Touched

TOUCHED = Touched(frozenset({256, 512}), frozenset({("out", "DERIVES", 256), ("in", "DERIVES", 512)}), frozenset({"a"}))


@pytest.mark.parametrize(
    "entry",
    [
        LogEntry(1, "p", 7, TOUCHED, (256,), (512, 768), Lease("p", 9), 8, 7),
        LogEntry(2, "p", 0, NOTHING),
        LogEntry(3, "q", 0, Touched(frozenset({256}), tenants=None)),
        LogEntry(4, "q", 0, EVERYTHING),
    ],
)
def test_a_stored_entry_is_read_as_it_was(entry: LogEntry) -> None:
    """Every field has the value that it had before."""
    assert entry_of(entry.text()) == entry


def test_too_many_ids_are_everything() -> None:
    """A transaction that touches more than MAX_LISTED vertices and edges touches everything for the others."""
    most = Touched(frozenset(range(MAX_LISTED)), tenants=frozenset({"a"}))
    assert entry_of(LogEntry(1, "p", 0, most).text()).touched == most
    more = Touched(most.vertices, frozenset({("out", "DERIVES", 256)}), frozenset({"a"}))
    assert entry_of(LogEntry(1, "p", 0, more).text()).touched.everything


def test_all_vertices_are_listed_however_many() -> None:
    """The index is compared with the vertices of each entry; without them, with all vertices."""
    many = frozenset(range(4 * MAX_LISTED))
    stored = entry_of(LogEntry(1, "p", 0, Touched(many, tenants=frozenset({"a"}))).text()).touched
    assert (len(stored.vertices & many), stored.edge_ends, stored.everything) == (len(many), frozenset(), True)


def test_each_number_has_a_vertex_of_its_own() -> None:
    """The vertex id depends on nothing but the number, so that a reader can compute it."""
    vids = entry_vids(range(1, 1_000))
    assert len({*vids}) == len(vids)
    assert LogEntry(7, "p").vid == entry_vid(7) == vids[6]
