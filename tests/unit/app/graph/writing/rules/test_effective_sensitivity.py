"""The effective sensitivity within a batch: the highest of everything that propagates to an asset."""

from collections import Counter
from dataclasses import replace

import pytest
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.writers import asset, link, person, urn

from app.graph.commits.sensitivity_floors import FloorView, SensitivityFloor
from app.graph.records.edge_record import UNCONFIRMED, EdgeKey
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.rules.effective_sensitivity import with_known_sensitivity
from app.graph.writing.unit.lookup import Lookup
from app.graph.writing.unit.visibility import CallerVisibility
from graphql_schema.ports.record import Record


def vid(text: str) -> int:
    """Return the vertex id of ``kind name``."""
    return vertex_id("default", urn(text))


def sensitivity(memory: Memory, text: str) -> str:
    """Return the effective sensitivity of an asset."""
    return str(with_known_sensitivity(memory.unit(), vid(text))["sensitivity"])


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a restricted dataset with two generations of data derived from it; nothing was propagated yet."""
    return seeded(
        memory,
        asset("dataset raw", {"sensitivity": "RESTRICTED"}),
        asset("dataset a", {"sensitivity": "PUBLIC"}),
        asset("dataset b", {"sensitivity": "CONFIDENTIAL"}),
        link("DERIVES", "dataset raw", "dataset a"),
        link("DERIVES", "dataset a", "dataset b"),
    )


def test_the_highest_source_counts_at_any_distance(stored: Memory) -> None:
    """The data two steps downstream is as sensitive as its origin, and the origin itself is unchanged."""
    assert [sensitivity(stored, f"dataset {name}") for name in ("raw", "a", "b")] == ["RESTRICTED"] * 3
    assert stored.record("dataset b")["sensitivity"] == "CONFIDENTIAL"


def test_a_hidden_source_counts_as_absent(stored: Memory) -> None:
    """To a caller who may not see the restricted source, the right on the result is that without it."""
    mal = person("mal", "team ads", roles="engineer")
    found = [with_known_sensitivity(stored.unit(who), vid("dataset a"))["sensitivity"] for who in (mal, ROOT)]
    assert found == ["PUBLIC", "RESTRICTED"]


def test_an_edge_that_carries_nothing_is_not_followed(stored: Memory) -> None:
    """A declassified edge ends the propagation."""
    key = ("DERIVES", vid("dataset raw"), vid("dataset a"))
    stored.edges[key] = {**stored.edges[key], "declassified": True}
    assert [sensitivity(stored, f"dataset {name}") for name in ("a", "b")] == ["PUBLIC", "CONFIDENTIAL"]


def test_a_cycle_of_data_ends(stored: Memory) -> None:
    """Each asset is visited once."""
    seeded(stored, link("DERIVES", "dataset b", "dataset raw"))
    assert sensitivity(stored, "dataset a") == "RESTRICTED"


def test_propagation_stops_at_the_kinds_of_the_settings(stored: Memory) -> None:
    """An asset of such a kind has its own sensitivity only."""
    unit = stored.unit()
    unit.author = replace(unit.author, propagation_stops=frozenset({"Dataset"}))
    assert with_known_sensitivity(unit, vid("dataset b"))["sensitivity"] == "CONFIDENTIAL"


def test_a_floor_on_a_source_counts(stored: Memory) -> None:
    """A source whose raise has not been stored yet is as sensitive as its floor."""
    key = ("DERIVES", vid("dataset raw"), vid("dataset a"))
    stored.edges[key] = {**stored.edges[key], "declassified": True}
    floor = SensitivityFloor("default", "RESTRICTED", frozenset({vid("dataset a")}))
    unit = stored.unit()
    unit.author = replace(unit.author, floors=FloorView("default", [floor]))
    assert with_known_sensitivity(unit, vid("dataset b"))["sensitivity"] == "RESTRICTED"


def test_a_first_registration_examines_each_source_once(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has tens of thousands of sources, visible and hidden, and all other writers wait for its plan."""
    bo, ada = person("bo", "team search", roles="engineer"), person("ada", "team ranking", roles="engineer")
    owners = {"team search": ["TECHNICAL"]}
    sources = [f"dataset {name}" for name in ("open", "draft")]
    seeded(memory, asset("dataset open", owners=owners), asset("dataset draft", {"visibility": "TEAM"}, owners=owners))
    memory.run(*(link("DERIVES", name, "dataset stub") for name in sources), who=bo)
    decided, examined = Counter[str](), Counter[int]()
    is_visible, edge = CallerVisibility.is_visible, Lookup.edge

    def counted_decision(self: CallerVisibility, record: Record) -> bool:
        decided[record["id"]] += 1
        return is_visible(self, record)

    def counted_edge(self: Lookup, key: EdgeKey) -> Record | None:
        examined[key[1]] += 1
        return edge(self, key)

    monkeypatch.setattr(CallerVisibility, "is_visible", counted_decision)
    monkeypatch.setattr(Lookup, "edge", counted_edge)
    assert memory.outcomes(asset("dataset stub"), who=ada) == ["CREATED"]
    assert [decided[urn(name)] for name in sources] == [1, 1]
    assert examined[vid("dataset open")] == 1
    assert [UNCONFIRMED in memory.edge("DERIVES", name, "dataset stub") for name in sources] == [False, True]
