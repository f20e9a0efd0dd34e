"""Audit entries: one change for each vertex that an item changed, with its fields and edges."""

from collections import Counter
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.edge_record import EdgeKey
from app.graph.writing import audit_entries
from app.graph.writing.rules import attach
from app.graph.writing.unit.audit_trail import EdgeChange
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.ports.commands import SetAliasCommand
from policies.policy import Policy


def changes(memory: Memory, text: str) -> list[Any]:
    """Return the changes of an asset, oldest first."""
    found: list[Any] = [each for each in memory.vertices.values() if each.get("subject") == urn(text)]
    return sorted(found, key=lambda change: change["createdAt"])


def fields(change: Any) -> dict[str, tuple[Any, Any]]:
    """Return before and after of each field."""
    return {entry["field"]: (entry["before"], entry["after"]) for entry in change["fields"]}


def test_an_update_has_an_entry_for_each_field_that_differs(memory: Memory) -> None:
    """Revisions and instants are none, and an absent value is null."""
    seeded(memory, asset("dataset d", {"description": "a", "format": "csv"}))
    memory.run(asset("dataset d", {"description": None, "location": "s3://x"}), now=NOW + 1)
    change = changes(memory, "dataset d")[-1]
    assert fields(change) == {"description": ("a", None), "location": (None, "s3://x")}
    values = ("action", "actor", "subjectKind", "subjectRevision", "createdAt")
    assert [change[name] for name in values] == ["UPDATED", "root", "DATASET", 2, NOW + 1]
    assert "ends" not in change


def test_a_write_without_effect_has_no_change(memory: Memory) -> None:
    """The same registration again leaves no trace in the audit."""
    seeded(memory, asset("dataset d"))
    memory.run(asset("dataset d"), now=NOW + 1)
    assert len(changes(memory, "dataset d")) == 1


def test_a_stub_is_a_change_without_fields(memory: Memory) -> None:
    """Nothing was stated about a referenced asset but its id."""
    seeded(memory, link("DERIVES", "dataset a", "dataset b"))
    (referenced,) = changes(memory, "dataset a")
    assert (referenced["action"], referenced["fields"]) == ("REGISTERED", [])


def test_an_edge_is_an_entry_with_its_far_end(memory: Memory) -> None:
    """The change of the asset names the far end, so that it is hidden from readers who may see none of its ends."""
    seeded(memory, asset("dataset b"), asset("dataset a"))
    memory.run(link("DERIVES", "dataset a", "dataset b", confidence=0.5), now=NOW + 1)
    change = changes(memory, "dataset b")[-1]
    assert (change["action"], change["ends"]) == ("LINKED", [urn("dataset a")])
    ((entry),) = change["fields"]
    assert (entry["field"], entry["edge"]) == ("upstream", ["DERIVES", urn("dataset a"), urn("dataset b")])
    assert (entry["before"], entry["was"]) == (None, None)
    assert entry["after"] == {
        "id": urn("dataset a"),
        "relation": "DERIVES",
        "origin": "DECLARED",
        "confidence": 0.5,
        "validFrom": NOW + 1,
    }


def test_the_properties_of_an_edge_are_stored_with_its_records_alone(memory: Memory) -> None:
    """An entry has two records of the edge; the sides that readers see would be two further copies."""
    seeded(memory, asset("dataset b"), asset("dataset a"))
    pairs = [{"key": "k", "value": "first"}], [{"key": "k", "value": "second"}]
    for number, each in enumerate(pairs):
        memory.run(link("DERIVES", "dataset a", "dataset b", properties=each), now=NOW + 1 + number)
    (entry,) = changes(memory, "dataset b")[-1]["fields"]
    assert [entry[side]["id"] for side in ("before", "after")] == [urn("dataset a")] * 2
    assert [entry[side].get("properties") for side in ("before", "after", "was", "is")] == [None, None, *pairs]


@pytest.mark.parametrize(
    ("source", "visible"),
    [("dataset shared", True), ("dataset ours", True), ("dataset theirs", False), ("dataset absent", False)],
)
def test_an_entry_is_marked_if_its_author_saw_the_far_end(policy: Policy, source: str, *, visible: bool) -> None:
    """A hidden and an absent end have equal entries, also when the latter is a placeholder that the author sees."""
    hana, hidden = person("hana", "team ranking", roles="engineer"), {"visibility": "TEAM"}
    ours, theirs = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
    memory = seeded(
        Memory(policy),
        asset("dataset d", owners=ours),
        asset("dataset shared", owners=theirs),
        asset("dataset ours", hidden, owners=ours),
        asset("dataset theirs", hidden, owners=theirs),
    )
    for now, confidence in ((NOW + 1, 0.5), (NOW + 2, 0.7)):
        done = memory.outcomes(link("DERIVES", source, "dataset d", confidence=confidence), who=hana, now=now)
        assert done == ["CREATED" if confidence == 0.5 else "UPDATED"]
        (entry,) = changes(memory, "dataset d")[-1]["fields"]
        assert (entry["edge"][1], entry.get("visible", False)) == (urn(source), visible)


USER, TEAM = {"user hana": ["BUSINESS"]}, {"team ads": ["TECHNICAL"]}


@pytest.mark.parametrize(
    ("before", "owners", "ends"),
    [({}, USER, [urn("model m")]), (USER, {}, [urn("model m")]), ({}, TEAM, None), (TEAM, USER, None)],
)
def test_an_inherited_owner_who_is_no_team_has_the_parent_as_its_end(
    memory: Memory, before: dict[str, Any], owners: dict[str, Any], ends: list[str] | None
) -> None:
    """The change of the version is so hidden from who may not see its model; a team is shown as its `ownerTeam`."""
    seeded(memory, asset("model m", owners=before), asset("model-version m@1"))
    memory.run(asset("model m", owners=owners), now=NOW + 1)
    change = changes(memory, "model-version m@1")[-1]
    assert (list(fields(change)), change.get("ends")) == (["ownerTeam"], ends)


def test_a_feature_of_a_set_of_a_user_has_the_set_as_its_end(memory: Memory) -> None:
    """Also beside an entry of the edge from the set, which is hidden with the set."""
    seeded(memory, asset("feature f"), asset("feature-set s", owners=USER))
    memory.run(asset("feature f", featureSet=["feature-set s"]), now=NOW + 1)
    change = changes(memory, "feature f")[-1]
    assert set(fields(change)) == {"featureSet", "ownerTeam"}
    assert change["ends"] == [urn("feature-set s")]


@pytest.mark.parametrize("features", [["feature f"], []])
def test_a_feature_that_gets_or_loses_a_set_has_the_set_as_its_end(memory: Memory, features: list[str]) -> None:
    """Such a change of the feature has no entry: the edge is an entry of the set, which may be hidden."""
    before = [] if features else ["feature f"]
    seeded(memory, asset("feature f", owners=TEAM), asset("feature-set s", owners=TEAM, features=before))
    memory.run(asset("feature-set s", features=features), now=NOW + 1)
    change = changes(memory, "feature f")[-1]
    assert (fields(change), change["ends"]) == ({}, [urn("feature-set s")])


def test_an_own_owner_who_is_no_team_has_no_such_end(memory: Memory) -> None:
    """A dataset without a parent shows its owners in entries of its own."""
    seeded(memory, asset("dataset d"))
    memory.run(asset("dataset d", owners=USER), now=NOW + 1)
    change = changes(memory, "dataset d")[-1]
    assert set(fields(change)) == {"owners", "ownerTeam"}
    assert "ends" not in change


def test_another_order_of_owners_is_a_change(memory: Memory) -> None:
    """The order decides the owner team, and shows in no field of its own."""
    one, two = {"team a": ["BUSINESS"]}, {"team b": ["BUSINESS"]}
    seeded(memory, asset("dataset d", owners=one | two))
    memory.run(asset("dataset d", owners=two | one), now=NOW + 1)
    change = changes(memory, "dataset d")[-1]
    assert fields(change) == {"ownerTeam": (urn("team a"), urn("team b"))}


def test_changes_of_one_instant_have_ids_of_their_own(memory: Memory) -> None:
    """Two items of a batch that change one asset are two changes, ordered by revision."""
    seeded(memory, asset("dataset d"))
    memory.run(*(asset("dataset d", {"description": text}) for text in "ab"), now=NOW + 1)
    assert [change["subjectRevision"] for change in changes(memory, "dataset d")] == [1, 2, 3]


def test_the_id_of_a_change_discloses_no_far_end(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another key, equal changes have other ids: none can be computed from what a change is about.

    Only the revision of the subject is in the id, which orders it.
    """
    ours, eli = {"team ranking": ["TECHNICAL"]}, person("eli", "team ranking", roles="approver")
    ids = []
    for key in (b"one", b"two"):
        monkeypatch.setattr(attach, "_KEY", key)
        memory = seeded(Memory(policy), asset("model m", owners=ours), asset("model-version m@1", owners=ours))
        move = SetAliasCommand(urn("model m"), "champion", urn("model-version m@1"))
        assert memory.outcomes(move, who=eli, now=NOW + 1) == ["UPDATED"]
        ids.append([change["id"] for change in changes(memory, "model m")])
    assert {*ids[0]}.isdisjoint(ids[1])
    prefixes = [[urn.rpartition("/")[2][:10] for urn in each] for each in ids]
    assert prefixes[0] == prefixes[1] == ["000000001-", "000000002-"]


def test_each_edge_of_an_item_is_visited_once(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One item can have thousands of edges and create as many stubs: no stub is compared with the edges of others."""
    visited = Counter[int]()
    edges = audit_entries._edges  # noqa: SLF001 - what the test is about

    def noted(unit: ItemUnit, vid: int, changes: Mapping[EdgeKey, EdgeChange]) -> Iterator[Any]:
        visited[vid] += len(changes)
        return edges(unit, vid, changes)

    monkeypatch.setattr(audit_entries, "_edges", noted)
    memory.run(asset("dataset d", derivedFrom=[f"dataset s{number}" for number in range(50)]))
    assert (len(visited), visited.total()) == (51, 50)


def test_a_change_that_no_reader_could_read_is_refused(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An item of many edges with long ids would make a change that fails each list of changes with it."""
    monkeypatch.setattr(audit_entries, "MAX_CHANGE", 2_000)
    few, many = ([f"dataset d{number}" for number in range(count)] for count in (2, 20))
    assert memory.outcomes(asset("run few", {"state": "RUNNING"}, inputs=few)) == ["CREATED"]
    (done,) = memory.run(asset("run many", {"state": "RUNNING"}, inputs=many))
    assert [error.code.name for error in done.errors] == ["INVALID"]
    assert "Give fewer edges in one item" in done.errors[0].message


def test_no_text_is_made_of_a_change_that_is_too_large(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 50 MB holds the interpreter; the fields are measured one after the other, up to the limit."""
    sizes = list[int]()

    def measured(field: object) -> bytes:
        text = orjson.dumps(field)
        sizes.append(len(text))
        return text

    monkeypatch.setattr(audit_entries, "orjson", SimpleNamespace(dumps=measured))
    monkeypatch.setattr(audit_entries, "MAX_CHANGE", 2_000)
    many = [f"dataset d{number}" for number in range(200)]
    (done,) = memory.run(asset("run many", {"state": "RUNNING"}, inputs=many))
    assert [error.code.name for error in done.errors] == ["INVALID"]
    assert sum(sizes) <= 2_000 + max(sizes)
