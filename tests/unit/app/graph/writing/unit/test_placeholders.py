"""Stubs of referenced assets, and the record that a hidden asset is treated as."""

import pytest
from support.stores.equal_hashes import give_equal_hashes
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.writing.unit.placeholders import absent_record, ensure_stub
from app.graph.writing.unit.read_set import NotReadError, ReadCoverage
from app.graph.writing.unit.rejections import RejectedItemError

GUEST = person("guest")


def test_a_stub_is_made_once(memory: Memory) -> None:
    """The first reference stages a stub, open to all and without an owner; the second finds it."""
    unit = memory.unit()
    vid = ensure_stub(unit, urn("dataset d"))
    assert vid == vertex_id("default", urn("dataset d")) == ensure_stub(unit, urn("dataset d"))
    record = unit.lookup.known(vid)
    assert [record[key] for key in ("hydration", "ownerTeam", "visibility", "createdAt", "createdBy")] == [
        "STUB",
        "",
        "ORG",
        NOW,
        "root",
    ]
    assert [*unit.staging.staged.vertices] == [vid]


def test_a_known_asset_is_left_alone(memory: Memory) -> None:
    """A registered asset is not staged again."""
    seeded(memory, asset("dataset d"))
    unit = memory.unit()
    ensure_stub(unit, urn("dataset d"))
    assert not unit.staging.has_changes


def test_a_version_makes_its_parent_and_the_edge_between(memory: Memory) -> None:
    """A new version of an unknown model is three changes."""
    unit = memory.unit()
    version, model = ensure_stub(unit, urn("model-version m@1")), vertex_id("default", urn("model m"))
    assert {*unit.staging.staged.vertices} == {version, model}
    edge = unit.staging.staged.edges["VERSION_OF", version, model]
    assert (edge["by"], edge["validFrom"]) == (["id"], 0)


def test_a_version_with_the_vertex_id_of_its_parent_is_refused(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent is staged first, and the version does not replace it."""
    give_equal_hashes(monkeypatch, urn("model m"), urn("model-version m@1"))
    with pytest.raises(RejectedItemError, match="INVALID"):
        ensure_stub(memory.unit(), urn("model-version m@1"))


def test_a_version_takes_team_and_visibility_of_its_parent(memory: Memory) -> None:
    """A stub does not open what the model closes."""
    closed = asset("model m", {"visibility": "TEAM"}, owners={"team ads": ["TECHNICAL"]})
    seeded(memory, closed)
    unit = memory.unit()
    record = unit.lookup.known(ensure_stub(unit, urn("model-version m@1")))
    assert (record["ownerTeam"], record["visibility"]) == (urn("team ads"), "TEAM")


def test_an_absent_asset_is_one_only_after_it_was_read(memory: Memory) -> None:
    """A stub over an asset that was not read would overwrite it."""
    unit = memory.unit(coverage=ReadCoverage((), (), (), (), ()))
    with pytest.raises(NotReadError):
        ensure_stub(unit, urn("dataset d"))
    assert not unit.staging.has_changes


def test_a_hidden_asset_is_treated_as_a_new_stub(memory: Memory) -> None:
    """Nothing of the stored record remains; a version has the team of its model only if the caller sees the model."""
    team = {"team ads": ["TECHNICAL"]}
    seeded(
        memory,
        asset("dataset d", {"visibility": "TEAM", "sensitivity": "RESTRICTED"}, owners=team),
        asset("model shut", {"visibility": "TEAM"}, owners=team),
        asset("model open", owners=team),
    )
    unit = memory.unit(GUEST)
    record = absent_record(unit, urn("dataset d"))
    assert [record[key] for key in ("hydration", "ownerTeam", "visibility", "sensitivity")] == [
        "STUB",
        "",
        "ORG",
        "INTERNAL",
    ]
    owners = [absent_record(unit, urn(f"model-version {name}@1"))["ownerTeam"] for name in ("open", "shut", "none")]
    assert owners == [urn("team ads"), "", ""]
    assert not unit.staging.has_changes
