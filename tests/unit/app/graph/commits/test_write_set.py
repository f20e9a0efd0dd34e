"""The bindings of one transaction: what is written of new and of stored vertices and edges."""

from typing import Any, cast

import orjson
import pytest
from support.stores.writers import NOW

from app.graph.commits import write_set
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.write_set import WriteSet
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.edge_record import UNCONFIRMED
from app.graph.records.native.write_cost import written, written_edge
from app.graph.records.record_text import text_of
from app.graph.records.vertex_record import stub
from graphql_schema.catalog.instants import FOREVER

URN = "mlg://dataset/test/default/d"
RECORD = stub("default", URN, "ada", NOW)
EDGE = {"relation": "DERIVES", "validFrom": 7, "by": ["link"]}


def bindings(writes: WriteSet) -> dict[str, Any]:
    """Return the bindings."""
    return dict(writes.bindings())


def test_an_empty_set_is_false() -> None:
    """Nothing is sent for a batch that changes nothing; a mark alone is a write."""
    writes = WriteSet()
    assert not writes
    assert bindings(writes)["stored"] == []
    writes.mark(1, "usedAt", 5, exact=False, new=False)
    assert writes


def test_a_new_vertex_is_written_with_all_values() -> None:
    """All native values and sets are sent, and the vertex is not looked up in the store."""
    writes = WriteSet()
    writes.vertex(1, RECORD, before=None)
    found = bindings(writes)
    ((row),) = found["vertices"]
    assert (found["stored"], row["x"], row["k"], row["fresh"]) == ([], 1, "Dataset", True)
    assert (row["p"]["urn"], row["p"]["deletedAt"], row["s"]["owners"]) == (URN, FOREVER, [""])


def test_of_a_stored_vertex_only_what_differs_is_written() -> None:
    """The record is always among the changes; unchanged native values and sets are not sent."""
    writes = WriteSet()
    writes.vertex(1, {**RECORD, "stage": "RETIRED"}, before=RECORD)
    found = bindings(writes)
    ((row),) = found["vertices"]
    assert (found["stored"], row["fresh"]) == ([1], False)
    assert row["p"].keys() == {"stage", "record"}
    assert row["p"]["stage"] == "RETIRED"
    assert row["s"] == {}


def test_the_index_terms_of_a_stored_vertex_are_written_if_its_texts_differ() -> None:
    """Those of its names come from the names and the id, and those of its description from that alone."""
    writes, stored = WriteSet(), {**RECORD, "description": "Daily orders."}
    writes.vertex(1, {**stored, "description": "All orders."}, before=stored)
    writes.vertex(1, {**stored, "displayName": "Orders"}, before=stored)
    described, named = bindings(writes)["vertices"]
    assert (described["p"].keys(), described["p"]["prose"], described["s"]) == ({"prose", "record"}, "all orders", {})
    assert named["p"].keys() == {"record"}
    assert named["s"] == {"titles": ["orders", "d"], "words": ["orders", "d", "default", "test"]}


def test_an_edge_has_its_interval_and_flags() -> None:
    """An open edge ends never; the kinds of its ends are written once, when it is new."""
    writes = WriteSet()
    writes.edge(("DERIVES", 1, 2), EDGE, kinds=("DATASET", "DATASET"))
    writes.edge(("DERIVES", 1, 3), {**EDGE, "validTo": 9, "declassified": True, "at": 4}, kinds=None)
    found = bindings(writes)
    new, old = found["edges"]
    assert (new["l"], new["o"], new["i"], new["fresh"]) == ("DERIVES", 1, 2, True)
    assert {name: value for name, value in new["p"].items() if name != "record"} == {
        "validFrom": 7,
        "validTo": FOREVER,
        "declassified": False,
        "fromKind": "DATASET",
        "toKind": "DATASET",
    }
    assert {name: value for name, value in old["p"].items() if name != "record"} == {
        "validFrom": 7,
        "validTo": 9,
        "declassified": True,
        "at": 4,
    }
    assert (old["fresh"], found["stored"]) == (False, [1, 2, 3])


def test_an_unconfirmed_edge_is_never_valid() -> None:
    """Its native interval is empty, so that no reader and no propagation meets it."""
    writes = WriteSet()
    writes.edge(("DERIVES", 1, 2), {**EDGE, UNCONFIRMED: True}, kinds=None)
    ((row),) = bindings(writes)["edges"]
    assert (row["p"]["validFrom"], row["p"]["validTo"]) == (7, 7)


def test_only_stored_vertices_are_looked_up() -> None:
    """An edge between two new vertices needs no read; one to a stored vertex needs that vertex."""
    writes = WriteSet()
    for vid in (1, 2):
        writes.vertex(vid, RECORD, before=None)
    writes.edge(("DERIVES", 1, 2), EDGE, kinds=("DATASET", "DATASET"))
    writes.edge(("DERIVES", 1, 9), EDGE, kinds=("DATASET", "DATASET"))
    writes.mark(2, "usedAt", 5, exact=True, new=True)
    found = bindings(writes)
    assert found["stored"] == [9]
    assert found["marks"] == [{"x": 2, "k": "usedAt", "at": 5, "exact": True}]


def test_a_mark_beside_a_record_touches_listings_of_its_tenant_alone() -> None:
    """The last use is a mark of an asset whose counts, a record, are in the same transaction; a mark alone has none."""
    writes = WriteSet()
    writes.mark(2, "usedAt", 5, exact=True, new=False)
    assert writes.touched().tenants is None
    writes.vertex(3, RECORD, before=None)
    assert writes.touched().tenants == frozenset({RECORD["tenant"]})


def test_entries_are_new_extended_or_updated() -> None:
    """An extension sends only further vertices, and an update everything but the frontier."""
    entry = OutboxEntry(4, "acme", 1, frontier={7: None})
    writes = WriteSet()
    writes.outbox([entry])
    writes.extend_frontier(entry, [8])
    writes.update_entry(entry)
    new, further, updated = bindings(writes)["notes"]
    assert (new["x"], new["fresh"], new["f"]) == (4, True, ["[7]"])
    assert further == {"x": 4, "fresh": False, "p": {}, "f": ["[8]"]}
    assert (updated["fresh"], updated["p"], updated["f"]) == (False, new["p"], [])


def test_other_processes_learn_entries_that_are_new_or_announced() -> None:
    """They read again what a job changes for them, and not what it changes for itself."""
    writes = WriteSet()
    writes.outbox([OutboxEntry(4, "acme", 1)])
    writes.update_entry(OutboxEntry(5, "acme", 1))
    writes.announce_entry(OutboxEntry(6, "acme", 1))
    assert [(row["x"], row["fresh"]) for row in bindings(writes)["notes"]] == [(4, True), (5, False), (6, False)]
    assert writes.log_entry(writes.touched()).added == (4, 6)


def test_a_receipt_lies_in_a_part_of_the_bucket_of_its_hour() -> None:
    """Two instants of ten seconds have one part, with their bucket and its own end; the next ones have another."""
    buckets, parts = [], []
    for now, end in ((0, 9_999), (9_999, 9_999), (3_599_999, 3_599_999), (3_600_000, 3_609_999)):
        writes = WriteSet()
        writes.receipt(6, {"id": "receipt\0ada\0k", "at": now}, new=True, now=now)
        found = bindings(writes)
        ((row),) = found["receipts"]
        assert (row["x"], row["fresh"], row["at"], found["shelved"]) == (6, True, now, end)
        buckets.append(found["bucket"])
        parts.append(found["shelf"])
    assert buckets[0] == buckets[1] == buckets[2] != buckets[3]
    assert parts[0] == parts[1]
    assert len({*parts, *buckets}) == 5


def test_all_that_is_written_is_touched() -> None:
    """Vertices, marks, receipts and what is deleted count as touched, and each edge at both ends."""
    writes = WriteSet()
    writes.vertex(1, RECORD, before=None)
    writes.edge(("DERIVES", 2, 3), EDGE, kinds=None)
    writes.mark(4, "usedAt", 5, exact=False, new=False)
    writes.receipt(5, {"id": "receipt\0ada\0k", "at": 7}, new=True, now=7)
    writes.delete_receipts(iter([6, 7]))
    writes.delete_attached(8, "acme", "CHANGED", 9)
    found = writes.touched()
    assert found.vertices == {1, 4, 5, 6, 7, 8}
    assert found.edges == frozenset({("DERIVES", 2, 3), ("CHANGED", 8, 9)})
    assert found.edge_ends == {("out", "DERIVES", 2), ("in", "DERIVES", 3), ("out", "CHANGED", 8), ("in", "CHANGED", 9)}
    assert bindings(writes)["gone"] == [6, 7, 8]


class Client:
    """A client without other processes that records the body of a request, and whether its rows were encoded."""

    write_order = None
    write_epoch = None

    def __init__(self) -> None:
        self.body = b""
        self.encoded: set[str] = set()

    async def submit(self, _prepared: object, bound: dict[str, Any], **_: object) -> list[int]:
        """Record a request."""
        self.body = orjson.dumps(bound)
        lists = {name: rows for name, rows in bound.items() if isinstance(rows, list) and rows}
        self.encoded = {name for name, rows in lists.items() if isinstance(rows[0], orjson.Fragment)}
        return [1]


@pytest.mark.parametrize(
    ("limit", "most", "encoded"),
    [(10_000, 100, set[str]()), (10, 100, {"vertices", "edges", "marks"}), (10_000, 2, {"vertices", "edges", "marks"})],
)
async def test_the_rows_of_a_large_set_are_encoded_before(
    monkeypatch: pytest.MonkeyPatch, limit: int, most: int, encoded: set[str]
) -> None:
    """Many characters or rows are encoded in turns, few with the body, which is the same."""
    monkeypatch.setattr(write_set, "LARGE_SET", limit)
    monkeypatch.setattr(write_set, "MANY_ROWS", most)
    writes, client = WriteSet(), Client()
    writes.vertex(1, RECORD, before=None)
    writes.edge(("DERIVES", 1, 2), EDGE, kinds=("DATASET", "DATASET"))
    writes.mark(2, "usedAt", 5, exact=True, new=False)
    await writes.submit(cast("GremlinClient", client))
    assert client.encoded == encoded
    assert client.body == orjson.dumps(bindings(writes))


def test_the_cost_counts_the_bytes_of_records() -> None:
    """As in the plan of a transaction: a text of other letters has two or three bytes for each character."""
    for letter in "xé一":
        writes, record = WriteSet(), {**RECORD, "columns": [{"name": "c", "description": letter * 9_000}]}
        writes.vertex(1, record, before=RECORD)
        writes.edge(("DERIVES", 1, 2), {**EDGE, "note": letter}, kinds=("DATASET", "DATASET"))
        assert writes.cost == written(record, RECORD).cost + written_edge(EDGE).cost


def test_the_terms_of_properties_are_characters_of_a_transaction() -> None:
    """An asset with free properties has more characters, by the 32 of each term; an update counts those that differ."""
    sizes = []
    for count in (1, 101):
        writes = WriteSet()
        record = {**RECORD, "properties": [{"key": f"k{number}", "value": "x"} for number in range(count)]}
        writes.vertex(1, record, before=None)
        sizes.append(writes.characters - len(text_of(record)))
    assert sizes[1] - sizes[0] == 100 * 32
    writes = WriteSet()
    writes.vertex(1, {**record, "revision": 2}, before=record)
    assert writes.characters == len(text_of({**record, "revision": 2}))
