"""The state of a batch: what was read, what is missing, and what accepted items make of it."""

from collections.abc import Callable
from typing import Any

import pytest
from support.stores.writers import NOW

from app.graph.commits.write_set import WriteSet
from app.graph.records.record_text import BriefRecord
from app.graph.records.vertex_record import stub
from app.graph.writing.unit.read_set import NotReadError, ReadCoverage, ReadSet
from app.graph.writing.unit.working_set import Mark, StagedChanges, StagedEdges, WorkingSet
from graphql_schema.catalog.relations import Direction

A, B = (stub("default", f"mlg://dataset/test/default/{name}", "ada", NOW) for name in "ab")
EDGE = ("DERIVES", 1, 2)
RECORD: dict[str, Any] = {"relation": "DERIVES", "validFrom": 0}
HOP = (Direction.OUT, "DERIVES", 1)


def working_set(coverage: ReadCoverage | None = None) -> WorkingSet:
    """Return a set with two stored vertices and an edge between them; nothing else was read unless given."""
    return WorkingSet({1: A, 2: B}, {EDGE: RECORD}, {}, coverage or ReadCoverage((), (), (), (), ()))


@pytest.mark.parametrize(
    ("require", "missing"),
    [
        (lambda batch: batch.require_record(9, "mlg://x"), ReadSet(records={"mlg://x"})),
        (lambda batch: batch.require_hop(*HOP), ReadSet(hops={HOP}, ends={A["id"]})),
        (
            lambda batch: batch.require_edge(("DERIVES", 2, 1)),
            ReadSet(edges={("DERIVES", 2, 1)}, ends={A["id"], B["id"]}),
        ),
    ],
)
def test_what_was_not_read_is_requested(require: Callable[[WorkingSet], None], missing: ReadSet) -> None:
    """The requirement raises, and the set names what the next request must read."""
    batch = working_set()
    with pytest.raises(NotReadError):
        require(batch)
    assert batch.missing == missing


def test_what_was_read_or_cannot_exist_is_not_requested() -> None:
    """A known record or edge, what was read as absent, and edges of a new vertex need no request."""
    batch = working_set(ReadCoverage((), (), {"mlg://x"}, {HOP}, {("DERIVES", 2, 1)}))
    batch.require_record(1, A["id"])
    batch.require_record(9, "mlg://x")
    batch.require_hop(*HOP)
    batch.require_hop(Direction.OUT, "DERIVES", 77)
    batch.require_edge(EDGE)
    batch.require_edge(("DERIVES", 2, 1))
    batch.require_edge(("DERIVES", 77, 1))
    assert batch.missing == ReadSet()


def test_a_record_without_its_long_values_is_not_replaced() -> None:
    """An item or an effect that replaces it requests complete records first; others leave it as it is."""
    retired = {**A, "stage": "RETIRED"}
    changes: list[Callable[[WorkingSet], None]] = [
        lambda batch: batch.merge(StagedChanges(vertices={1: retired})),
        lambda batch: batch.replace(1, retired),
    ]
    for change in changes:
        missing = ReadSet()
        brief = BriefRecord(A, frozenset({"description"}), missing.require_complete)
        batch = WorkingSet({1: brief, 2: B}, {}, {}, ReadCoverage((), (), (), (), ()), missing)
        batch.merge(StagedChanges(vertices={2: {**B, "stage": "RETIRED"}}))
        assert batch.missing == ReadSet()
        with pytest.raises(NotReadError):
            change(batch)
        assert batch.missing == ReadSet(complete=True)
        assert batch.vertex(1) is brief


def test_a_group_is_requested_once_and_without_an_error() -> None:
    """Children are needed at the end of planning only, so the plan goes on; a new vertex has none."""
    batch = working_set(ReadCoverage((), {2}, (), (), ()))
    assert (batch.request_group(1), batch.request_group(2), batch.request_group(77)) == (False, True, True)
    assert batch.missing == ReadSet(groups={1})


def test_children_that_are_many_are_not_known_and_not_requested_again() -> None:
    """Children of a new parent are those of the transaction; what was cut does not count as read."""
    hops = [(Direction.IN, "VERSION_OF", vid) for vid in (1, 2, 77)]
    batch = working_set(ReadCoverage((), (), (), (), (), children={hops[1]}))
    assert [batch.request_children(*hop) for hop in hops] == [False, True, True]
    assert batch.missing == ReadSet(children={hops[0]})
    batch = working_set(ReadCoverage((), (), (), (), (), many_children={hops[0]}))
    assert not batch.request_children(*hops[0])
    assert batch.missing == ReadSet()


def test_accepted_changes_reach_the_next_item_and_the_store() -> None:
    """A merged edge is found from both ends, and only what differs from the store is written."""
    batch = working_set()
    assert not batch.has_writes
    assert batch.changed() == ([], [])
    new, edge = stub("default", "mlg://dataset/test/default/c", "ada", NOW), ("DERIVES", 3, 1)
    batch.merge(StagedChanges({3: new, 2: {**B}}, StagedEdges({edge: RECORD})))
    assert (batch.vertex(3), batch.edge(edge)) == (new, RECORD)
    assert batch.edges_at("DERIVES", Direction.IN, 1) == {edge}
    assert batch.edges_at("DERIVES", Direction.OUT, 3) == {edge}
    assert batch.edges_at("DERIVES", Direction.OUT, 1) == {EDGE}
    assert batch.edges_at("FEEDS", Direction.OUT, 1) == set()
    assert (batch.existed(1), batch.existed(3)) == (True, False)
    assert (batch.vertex_before(3), batch.vertex_before(1)) == (None, A)
    assert (batch.edge_before(edge), batch.edge_before(EDGE)) == (None, RECORD)
    assert batch.changed() == ([3, 2], [edge])
    assert batch.has_writes


def test_an_earlier_batch_of_the_transaction_is_the_state_before_the_next() -> None:
    """The next batch finds the changes of the first as existing, and has changed only its own."""
    batch = working_set()
    c, edge, later = stub("default", "mlg://dataset/test/default/c", "ada", NOW), ("DERIVES", 3, 1), {**B}
    batch.merge(StagedChanges({3: c}, StagedEdges({edge: RECORD}), marks={(3, "usedAt"): Mark(5)}))
    batch.begin()
    assert (batch.existed(3), batch.vertex_before(3), batch.edge_before(edge)) == (True, c, RECORD)
    assert (batch.stored_edge(edge), batch.stored_edge(EDGE)) == (None, RECORD)
    assert (batch.changed(), batch.batch_writes, batch.has_writes) == (([], []), False, True)
    batch.require_hop(Direction.OUT, "DERIVES", 3)  # not in the store, so that nothing of it can be read
    batch.merge(StagedChanges({2: later}))
    assert (batch.changed(), batch.vertex_before(2)) == (([2], []), B)


def test_a_batch_that_is_undone_leaves_the_state_before_it() -> None:
    """Records, edges, receipts and marks are as the batch found them, whether new, changed before or stored."""
    batch = working_set()
    first, edge, other = {**A, "revision": 2}, ("DERIVES", 3, 1), ("DERIVES", 3, 2)
    batch.merge(StagedChanges({1: first, 3: B}, StagedEdges({edge: RECORD}), {5: A}, {(1, "usedAt"): Mark(5)}))
    batch.begin()
    batch.merge(
        StagedChanges(
            {1: {**A}, 2: {**B}, 4: A},
            StagedEdges({edge: {**RECORD}, other: RECORD}),
            {5: B, 6: A},
            {(1, "usedAt"): Mark(9)},
        )
    )
    batch.replace(3, {**B})
    batch.undo()
    assert (batch.vertices, batch.edges) == ({1: first, 2: B, 3: B}, {EDGE: RECORD, edge: RECORD})
    assert (batch.receipts, batch.marks) == ({5: A}, {(1, "usedAt"): Mark(5)})
    assert batch.edges_at("DERIVES", Direction.OUT, 3) == {edge}
    assert batch.edges_at("DERIVES", Direction.IN, 2) == {EDGE}
    assert not batch.batch_writes


def test_a_receipt_alone_is_a_write() -> None:
    """A replayed key whose receipt changed must be stored, although no asset changes."""
    batch = working_set()
    batch.merge(StagedChanges(receipts={5: {"id": "receipt\0x", "at": 1}}))
    assert batch.has_writes
    assert batch.changed() == ([], [])


def test_a_record_that_was_read_late_is_stored_and_unchanged() -> None:
    """It does not replace what the batch made of the vertex, and counts for its transaction."""
    batch = working_set()
    batch.add_stored(4, A)
    size = batch.added_size
    assert size > 0
    batch.add_stored(1, B)
    batch.begin()
    assert batch.added_size == size
    assert (batch.vertex(4), batch.existed(4), batch.vertex(1)) == (A, True, A)
    assert not batch.has_writes


@pytest.mark.parametrize(
    ("earlier", "later", "both"),
    [
        (None, Mark(5), Mark(5)),
        (Mark(3), Mark(5), Mark(5)),
        (Mark(5), Mark(3), Mark(5)),
        (Mark(5, exact=True), Mark(3), Mark(5, exact=True)),
        (Mark(3, exact=True), Mark(5), Mark(5, exact=True)),
        (Mark(5), Mark(3, exact=True), Mark(3, exact=True)),
    ],
)
def test_two_marks_have_the_effect_of_both(earlier: Mark | None, later: Mark, both: Mark) -> None:
    """A mark moves forward only, unless it is exact; an exact one is kept by what follows."""
    assert later.after(earlier) == both
    batch = working_set()
    if earlier is not None:
        batch.merge(StagedChanges(marks={(1, "usedAt"): earlier}))
    batch.merge(StagedChanges(marks={(1, "usedAt"): later}))
    assert batch.marks == {(1, "usedAt"): both}


def test_new_vertices_are_written_as_new() -> None:
    """A new vertex is written as a whole with its marks, and a new edge with the kinds of its ends."""
    urn = "mlg://dataset/test/default/c"
    record = stub("default", urn, "ada", NOW)
    batch = WorkingSet({1: stub("default", A["id"], "ada", NOW)}, {}, {}, ReadCoverage((), (), (), (), ()))
    batch.merge(StagedChanges({3: record}, StagedEdges({("DERIVES", 3, 1): RECORD}), marks={(3, "usedAt"): Mark(7)}))
    writes = WriteSet()
    assert len(list(batch.add_writes(writes, NOW))) == 3
    written: Any = writes.bindings()
    assert written["stored"] == [1]
    assert [(row["x"], row["k"], row["fresh"]) for row in written["vertices"]] == [(3, "Dataset", True)]
    ((edge),) = written["edges"]
    assert (edge["o"], edge["i"], edge["fresh"]) == (3, 1, True)
    assert (edge["p"]["fromKind"], edge["p"]["toKind"]) == ("DATASET", "DATASET")
    assert written["marks"] == [{"x": 3, "k": "usedAt", "at": 7, "exact": False}]
