"""Look-ups of one item: staged changes first, then the batch; and a vertex id that another asset has."""

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import stub
from app.graph.writing.unit.read_set import NotReadError, ReadCoverage
from app.graph.writing.unit.rejections import RejectedItemError
from app.graph.writing.unit.working_set import StagedChanges, StagedEdges
from graphql_schema.catalog.relations import DERIVES, Direction
from graphql_schema.ports.record import Record

UP, D = (vertex_id("default", urn(f"dataset {name}")) for name in ("up", "d"))
EDGE = ("DERIVES", UP, D)
NOTHING = ReadCoverage((), (), (), (), ())


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with a dataset that derives from another one."""
    return seeded(memory, link("DERIVES", "dataset up", "dataset d"), asset("dataset d"))


def test_staged_changes_hide_what_the_batch_has(stored: Memory) -> None:
    """An item sees its own changes, and another item of the batch does not."""
    unit = stored.unit()
    before = unit.lookup.known(D)
    unit.staging.put(D, {**before, "description": "x"})
    unit.staging.put_edge(EDGE, {**stored.edges[EDGE], "validTo": NOW})
    assert (unit.lookup.known(D)["description"], unit.lookup.is_current(EDGE)) == ("x", False)
    other = stored.unit()
    assert ("description" in other.lookup.known(D), other.lookup.is_current(EDGE)) == (False, True)


def test_edges_are_found_from_both_ends_in_a_stable_order(stored: Memory) -> None:
    """Staged and stored edges are one list, sorted, each once."""
    unit = stored.unit()
    more = [("DERIVES", far, D) for far in (UP + 1, UP - 1)]
    for key in (*more, EDGE):
        unit.staging.staged.edges[key] = {"relation": "DERIVES", "validFrom": 0}
    assert unit.lookup.edges_at("DERIVES", Direction.IN, D) == sorted([*more, EDGE])
    assert unit.lookup.edges_at("DERIVES", Direction.OUT, UP) == [EDGE]
    assert unit.lookup.edges_at("FEEDS", Direction.IN, D) == []


def test_the_edges_at_a_vertex_are_found_without_all_others(stored: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item with thousands of edges needs those of each of their ends, and no look-up goes through all of them."""
    unit = stored.unit()
    unit.staging.staged.edges[EDGE] = {"relation": "DERIVES", "validFrom": 0}
    monkeypatch.setattr(StagedEdges, "__iter__", None)
    assert unit.lookup.edges_at("DERIVES", Direction.IN, D) == [EDGE]


def test_a_vertex_id_of_another_asset_is_refused(memory: Memory) -> None:
    """A hash collision is reported to the operators, and never overwrites the other asset."""
    unit = memory.unit(coverage=ReadCoverage({D}, (), (), (), ()))
    with pytest.raises(RejectedItemError) as rejected:
        unit.lookup.vid(urn("dataset d"))
    (error,) = rejected.value.outcome.errors
    assert error.code.name == "INVALID"
    assert "has the same vertex id (a hash of tenant and URN) as another object" in error.message
    assert unit.lookup.vid(urn("dataset up")) == UP


def test_a_vertex_id_that_the_transaction_gives_to_another_asset_is_refused(memory: Memory) -> None:
    """Two URNs of one transaction with equal hashes, which any caller can search for, are never one asset."""
    other = stub("default", urn("model m"), "ada", NOW)
    staged, planned = memory.unit(), memory.unit()
    staged.staging.staged.vertices[D] = other
    planned.lookup.batch.merge(StagedChanges({D: other}))
    for unit in (staged, planned):
        with pytest.raises(RejectedItemError):
            unit.lookup.record(urn("dataset d"))


def test_a_vertex_id_of_a_receipt_is_refused(memory: Memory) -> None:
    """Idempotency keys are chosen too: a receipt that is stored or planned is never taken for an asset."""
    receipt: Record = {"id": "receipt\0ada\0k", "at": NOW}
    memory.receipts = {D: receipt}
    stored = memory.unit()
    memory.receipts = {}
    staged, planned = memory.unit(), memory.unit()
    staged.staging.staged.receipts[D] = receipt
    planned.lookup.batch.merge(StagedChanges(receipts={D: receipt}))
    for unit in (stored, staged, planned):
        assert (unit.lookup.is_taken(D, urn("dataset d")), unit.lookup.is_taken(D, receipt["id"])) == (True, False)
        with pytest.raises(RejectedItemError):
            unit.lookup.vid(urn("dataset d"))


def test_a_record_must_be_read_before_it_counts_as_absent(memory: Memory) -> None:
    """An unread URN is requested; one that was read and is absent is None."""
    unit = memory.unit(coverage=NOTHING)
    with pytest.raises(NotReadError):
        unit.lookup.record(urn("dataset d"))
    assert unit.lookup.batch.missing.records == {urn("dataset d")}
    assert memory.unit().lookup.record(urn("dataset d")) is None


def test_everything_missing_is_requested_at_once(stored: Memory) -> None:
    """Two records, two edges and a hop are three requests' worth, each collected before it fails."""
    unit = stored.unit(coverage=NOTHING)
    with pytest.raises(NotReadError):
        unit.lookup.require_records(urn("dataset a"), urn("dataset b"), urn("dataset d"))
    assert unit.lookup.batch.missing.records == {urn("dataset a"), urn("dataset b")}
    with pytest.raises(NotReadError):
        unit.lookup.require_edges(("FEEDS", UP, D), ("FEEDS", D, UP), EDGE)
    assert unit.lookup.batch.missing.edges == {("FEEDS", UP, D), ("FEEDS", D, UP)}
    with pytest.raises(NotReadError):
        unit.lookup.require_hops((DERIVES.out(), UP), (DERIVES.into(), D))
    assert unit.lookup.batch.missing.hops == {(Direction.OUT, "DERIVES", UP), (Direction.IN, "DERIVES", D)}


def test_the_parent_is_named_by_the_urn_or_the_index(memory: Memory) -> None:
    """A version has its parent in its URN, a feature in its index; an unknown parent is None."""
    seeded(memory, asset("model-version m@1"), asset("feature f", featureSet=["feature-set s"]), asset("dataset d"))
    unit = memory.unit()
    for child, parent in (("model-version m@1", "model m"), ("feature f", "feature-set s")):
        found = unit.lookup.parent(memory.record(child))
        assert found is not None
        assert found["id"] == urn(parent)
    assert unit.lookup.parent(memory.record("dataset d")) is None
    del memory.vertices[vertex_id("default", urn("model m"))]
    assert memory.unit().lookup.parent(memory.record("model-version m@1")) is None
