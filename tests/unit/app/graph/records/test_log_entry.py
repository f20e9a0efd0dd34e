"""Entries of the write log are stored and read without loss; too many ends are everything, vertices are all listed."""

import threading
from dataclasses import replace

import orjson
import pytest

from app.graph.records import log_entry
from app.graph.records.log_entry import (
    MAX_LISTED,
    MAX_UNGROUPED,
    Lease,
    LogEntry,
    entries_of,
    entry_of,
    entry_vid,
    entry_vids,
)
from app.graph.records.touched import EVERYTHING, NOTHING, Touched
from graphql_schema.execution.side_thread import run_aside

TOUCHED = Touched(frozenset({256, 512}), frozenset({("out", "DERIVES", 256), ("in", "DERIVES", 512)}), frozenset({"a"}))


@pytest.mark.parametrize(
    "entry",
    [
        LogEntry(1, "p", 7, TOUCHED, (256,), (512, 768), Lease("p", 9), 8, 7, (("acme", "ada"), ("acme", "bo"))),
        LogEntry(2, "p", 0, NOTHING),
        LogEntry(3, "q", 0, Touched(frozenset({256}), tenants=None)),
        LogEntry(4, "q", 0, EVERYTHING),
        LogEntry(5, "q", 0, Touched.of_edges(frozenset(), frozenset({("DERIVES", 1, 2), ("FEEDS", 3, 1)}), None)),
    ],
)
def test_a_stored_entry_is_read_as_it_was(entry: LogEntry) -> None:
    """Every field has the value that it had before."""
    assert entry_of(entry.text()) == entry


def test_many_ids_are_all_listed() -> None:
    """Another process forgets what they name, and nothing else; one of an older release, to which many are everything.

    That one reads ``all``, and ``e`` as triples, and knows no further key.
    """
    ends = frozenset((direction, "DERIVES", vid) for direction in ("in", "out") for vid in range(MAX_UNGROUPED))
    many = Touched(frozenset({256}), ends, frozenset({"a"}))
    text = LogEntry(1, "p", 0, many).text()
    assert entry_of(text).touched == many
    stored = orjson.loads(text)
    assert (stored["v"], stored["e"], stored["all"]) == ([256], [], True)


def test_too_many_ids_are_everything() -> None:
    """A transaction that touches more than MAX_LISTED vertices and edges touches everything for the others."""
    most = Touched(frozenset(range(MAX_LISTED)), tenants=frozenset({"a"}))
    assert entry_of(LogEntry(1, "p", 0, most).text()).touched == most
    more = Touched(most.vertices, frozenset({("out", "DERIVES", 256)}), frozenset({"a"}))
    assert entry_of(LogEntry(1, "p", 0, more).text()).touched.everything


def test_all_vertices_are_listed_however_many() -> None:
    """The index is compared with the vertices of each entry; without them, with all vertices."""
    many = frozenset(range(2 * MAX_LISTED))
    stored = entry_of(LogEntry(1, "p", 0, Touched(many, tenants=frozenset({"a"}))).text()).touched
    assert (len(stored.vertices & many), stored.edge_ends, stored.everything) == (len(many), frozenset(), True)


def test_the_edges_of_many_ends_are_not_known() -> None:
    """An entry with them would be half as long again; what is read ahead then counts by the ends."""
    edges = frozenset(("DERIVES", vid, vid + 1) for vid in range(MAX_UNGROUPED))
    many = Touched.of_edges(frozenset(), edges, frozenset({"a"}))
    assert entry_of(LogEntry(1, "p", 0, many).text()).touched == replace(many, edges=None)


async def test_long_entries_are_read_in_the_side_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may learn several entries with tens of thousands of ids at once; few short ones are read at once."""
    texts = [LogEntry(number, "p", touched=TOUCHED).text() for number in (2, 1)]
    aside = await run_aside(threading.get_ident)
    threads = []

    def read(text: str) -> LogEntry:
        threads.append(threading.get_ident())
        return entry_of(text)

    monkeypatch.setattr(log_entry, "entry_of", read)
    few = await entries_of(texts)
    monkeypatch.setattr(log_entry, "LONG_ENTRY", len(texts[0]) - 1)
    assert await entries_of(texts) == few
    assert [entry.number for entry in few] == [1, 2]
    assert threads == [threading.get_ident()] * 2 + [aside] * 2


def test_each_number_has_a_vertex_of_its_own() -> None:
    """The vertex id depends on nothing but the number, so that a reader can compute it."""
    vids = entry_vids(range(1, 1_000))
    assert len({*vids}) == len(vids)
    assert LogEntry(7, "p").vid == entry_vid(7) == vids[6]
