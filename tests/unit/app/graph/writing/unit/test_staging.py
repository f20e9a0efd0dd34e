"""Changes of one item: staged only where something differs, and merged with the revision they cause."""

from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.writing.unit.rejections import RejectedItemError
from app.graph.writing.unit.working_set import Mark
from graphql_schema.catalog.relations import CHANGED, CONTAINS

D, UP = (vertex_id("default", urn(f"dataset {name}")) for name in ("d", "up"))
EDGE = ("DERIVES", UP, D)
LATER = NOW + 5


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with a dataset that derives from another one."""
    return seeded(memory, asset("dataset d"), link("DERIVES", "dataset up", "dataset d"))


def test_an_equal_record_or_edge_is_not_staged(stored: Memory) -> None:
    """An item that changes nothing has no changes; who recorded an edge and when is no difference."""
    unit = stored.unit(now=LATER)
    edge = stored.edges[EDGE]
    assert not unit.staging.put(D, dict(stored.vertices[D]))
    assert not unit.staging.put_edge(EDGE, {**edge, "recordedAt": LATER, "recordedBy": "someone"})
    assert not unit.staging.has_changes


def test_no_record_replaces_one_of_another_name(stored: Memory) -> None:
    """Not even if the vertex id was looked up before the other object was staged there."""
    unit = stored.unit(now=LATER)
    new = vertex_id("default", urn("dataset new"))
    unit.staging.put(new, {**stored.vertices[D], "id": urn("dataset new")})
    for vid in (D, new):
        with pytest.raises(RejectedItemError, match="INVALID"):
            unit.staging.put(vid, {**stored.vertices[D], "id": urn("dataset equal")})
    assert [record["id"] for record in unit.staging.staged.vertices.values()] == [urn("dataset new")]


def test_a_changed_edge_has_its_recorder(stored: Memory) -> None:
    """The instant and the subject are those of the author."""
    unit = stored.unit(now=LATER)
    assert unit.staging.put_edge(EDGE, {**stored.edges[EDGE], "confidence": 0.5})
    edge = unit.staging.staged.edges[EDGE]
    assert (edge["confidence"], edge["recordedAt"], edge["recordedBy"]) == (0.5, LATER, "root")
    assert unit.staging.has_changes


def test_an_edge_in_the_order_of_time_gets_the_time_of_its_source(memory: Memory) -> None:
    """The versions of a dataset are ordered by the time of the version."""
    seeded(memory, asset("dataset-version d@1", {"sourceCreatedAt": 77}))
    version = vertex_id("default", urn("dataset-version d@1"))
    assert memory.edge("VERSION_OF", "dataset-version d@1", "dataset d")["at"] == 77
    unit = memory.unit()
    unit.staging.put(version, {**memory.vertices[version], "sourceCreatedAt": 99})
    key = ("VERSION_OF", version, D)
    assert unit.staging.put_edge(key, memory.edges[key])
    assert unit.staging.staged.edges[key]["at"] == 99


def test_revisions_rise_for_what_changed(stored: Memory) -> None:
    """A changed record and one whose edges changed rise by one, whatever the number of its changes; others do not."""
    unit = stored.unit(now=LATER)
    before = stored.vertices
    unit.staging.put(D, {**before[D], "description": "a"})
    unit.staging.put(D, {**unit.lookup.known(D), "description": "b"})
    new = vertex_id("default", urn("dataset new"))
    unit.staging.put(new, {**before[D], "id": urn("dataset new"), "revision": 1})
    unit.staging.bump_revisions(UP)
    staged: Any = unit.staging.staged.vertices
    assert [staged[vid]["revision"] - before[vid]["revision"] for vid in (D, UP)] == [1, 1]
    assert [(staged[vid]["updatedAt"], staged[vid]["updatedBy"]) for vid in (D, UP)] == [(LATER, "root")] * 2
    assert staged[new]["revision"] == 1


def test_a_record_that_changed_back_is_dropped(stored: Memory) -> None:
    """Two changes that cancel each other are no change, and cause no revision."""
    unit = stored.unit(now=LATER)
    before = stored.vertices[D]
    unit.staging.put(D, {**before, "description": "a"})
    unit.staging.put(D, dict(before))
    unit.staging.bump_revisions()
    assert not unit.staging.has_changes


def test_an_attached_record_is_ordered_where_its_relation_is(memory: Memory) -> None:
    """The edge of a change has its place in the history; a structural edge has none."""
    unit = memory.unit()
    unit.staging.attach(CHANGED, 1, 2, 55)
    unit.staging.attach(CONTAINS, 1, 2, 55)
    assert unit.staging.staged.edges == {
        ("CHANGED", 1, 2): {"relation": "CHANGED", "validFrom": 0, "at": 55},
        ("CONTAINS", 1, 2): {"relation": "CONTAINS", "validFrom": 0},
    }


def test_marks_are_no_change_of_the_record(memory: Memory) -> None:
    """The last of several days counts, and a mark alone causes no revision."""
    unit = memory.unit()
    for day in (5, 9, 7):
        unit.staging.mark(D, "usedAt", day)
    assert unit.staging.staged.marks == {(D, "usedAt"): Mark(9)}
    assert not unit.staging.has_changes


def test_nothing_reaches_the_batch_before_it_is_merged(stored: Memory) -> None:
    """A rejected item leaves nothing behind."""
    unit = stored.unit()
    unit.staging.put(D, {**stored.vertices[D], "description": "x"})
    assert not unit.lookup.batch.has_writes
    unit.staging.merge()
    assert unit.lookup.batch.changed() == ([D], [])
