"""The policy within a write: hidden records are absent, and attached records follow their subjects."""

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.edge_record import UNCONFIRMED
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.unit.read_set import NotReadError, ReadCoverage
from graphql_schema.catalog.relations import DERIVES
from graphql_schema.ports.commands import MergeCommand, OpenIncidentCommand

ADA, BO = person("ada", "team ranking", roles="engineer"), person("bo", "team ads")
THEIRS = {"team ads": ["TECHNICAL"]}
SHUT = asset("dataset shut", {"visibility": "TEAM"}, owners=THEIRS)


def test_a_hidden_asset_is_absent_to_its_caller_only(memory: Memory) -> None:
    """The owner team sees it; others get the response of an unknown id."""
    seeded(memory, SHUT)
    assert memory.unit(BO).visibility.visible(urn("dataset shut")) == memory.record("dataset shut")
    assert memory.unit(ADA).visibility.visible(urn("dataset shut")) is None
    assert memory.unit(ADA).visibility.visible(urn("dataset none")) is None


def test_hidden_ids_are_reported_for_the_access_log(memory: Memory) -> None:
    """A stored asset that is hidden is reported once; a visible, an absent and a new one are not."""
    seeded(memory, SHUT, asset("dataset open"))
    unit = memory.unit(ADA)
    for text in ("dataset shut", "dataset open", "dataset none", "dataset shut"):
        unit.visibility.report_hidden_id(urn(text))
    assert [*unit.visibility.hidden_ids] == [urn("dataset shut")]


def test_an_incident_is_visible_through_one_of_its_assets(memory: Memory) -> None:
    """A caller who sees one asset sees the incident; one who sees none does not."""
    seeded(memory, SHUT, asset("dataset open"))
    opened = memory.run(
        OpenIncidentCommand((urn("dataset shut"), urn("dataset open")), "late", "HIGH"),
        OpenIncidentCommand((urn("dataset shut"),), "gone", "HIGH"),
    )
    both, alone = (str(each.created_record) for each in opened)
    unit = memory.unit(ADA)
    assert unit.visibility.visible(both) is not None
    assert unit.visibility.visible(alone) is None
    assert memory.unit(BO).visibility.visible(alone) is not None


def test_a_change_of_edges_alone_needs_a_visible_end(memory: Memory) -> None:
    """A change that only names hidden far ends would disclose that there are any."""
    seeded(memory, SHUT, asset("dataset open"), link("DERIVES", "dataset shut", "dataset open"))
    changes = [each for each in memory.vertices.values() if each.get("subject") == urn("dataset open")]
    (linked,) = [each for each in changes if each["action"] == "LINKED"]
    assert linked["ends"] == [urn("dataset shut")]
    assert not memory.unit(ADA).visibility.is_visible(linked)
    assert memory.unit(BO).visibility.is_visible(linked)


def test_neighbours_are_current_confirmed_and_visible(memory: Memory) -> None:
    """Ended, unconfirmed and hidden ones are left out, as if they did not exist."""
    names = ("plain", "ended", "unconfirmed", "shut")
    seeded(memory, SHUT, *(link("DERIVES", f"dataset {name}", "dataset d") for name in names))
    vids = {name: vertex_id("default", urn(f"dataset {name}")) for name in (*names, "d")}
    ended, unconfirmed = (("DERIVES", vids[name], vids["d"]) for name in ("ended", "unconfirmed"))
    memory.edges[ended] = {**memory.edges[ended], "validTo": NOW}
    memory.edges[unconfirmed] = {**memory.edges[unconfirmed], UNCONFIRMED: True}
    found = memory.unit(ADA).visibility.neighbours(DERIVES.into(), vids["d"])
    assert [record["id"] for _, record in found] == [urn("dataset plain")]
    assert memory.unit(ADA).visibility.neighbours(DERIVES.into("Feature"), vids["d"]) == []


def test_an_absent_attached_record_costs_the_requests_of_a_hidden_one(memory: Memory) -> None:
    """The number of requests must be equal for a hidden incident and an absent one."""
    unit = memory.unit(ADA, coverage=ReadCoverage((), (), {urn("incident i")}, (), ()))
    with pytest.raises(NotReadError):
        unit.visibility.visible(urn("incident i"))
    assert len(unit.lookup.batch.missing.records) == 1
    plain = memory.unit(ADA, coverage=ReadCoverage((), (), {urn("dataset i")}, (), ()))
    assert plain.visibility.visible(urn("dataset i")) is None


def test_fields_that_the_rules_hide_are_masked(memory: Memory) -> None:
    """A discoverable draft keeps its name, and loses what only readers see."""
    seeded(memory, asset("dataset d", {"stage": "DRAFT", "location": "s3://x"}, owners=THEIRS))
    record = memory.record("dataset d")
    assert "location" not in memory.unit(ADA).visibility.masked(record)
    assert memory.unit(ADA).visibility.masked(record)["name"] == "d"
    assert memory.unit(BO).visibility.masked(record)["location"] == "s3://x"


@pytest.mark.parametrize("parent", ["hidden", "absent"])
def test_a_version_of_a_hidden_parent_is_hidden_before_it_is_stored(memory: Memory, parent: str) -> None:
    """The sensitivity of the parent reaches the new stub at the end of the batch; a link is as one to an absent id."""
    eva = person("eva", "team ads", roles="engineer")
    ranking, ads = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
    seeded(memory, asset("model hidden", {"sensitivity": "RESTRICTED"}, owners=ranking), asset("dataset d", owners=ads))
    (done,) = memory.run(link("FEEDS", "dataset d", f"model-version {parent}@7"), who=eva, now=NOW + 1, dry_run=True)
    assert (done.outcome.name, done.changed_end_known, len(done.placeholders)) == ("CREATED", False, 2)


@pytest.mark.parametrize("parent", ["old", "absent"])
def test_a_version_of_a_dataset_merged_into_a_hidden_one_is_hidden(memory: Memory, parent: str) -> None:
    """The merged id leads to a hidden dataset: a link to a version of it is as one to an absent id."""
    eva = person("eva", "team ads", roles="engineer")
    ranking, ads = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
    seeded(memory, asset("dataset new", {"sensitivity": "RESTRICTED"}, owners=ranking), asset("dataset d", owners=ads))
    memory.run(
        link("DERIVES", "dataset old", "dataset new"), MergeCommand(urn("dataset old"), urn("dataset new"), None)
    )
    assert memory.record("dataset old")["mergedInto"]
    linking = link("DERIVES", "dataset d", f"dataset-version {parent}@7")
    (done,) = memory.run(linking, who=eva, now=NOW + 1, dry_run=True)
    assert (done.outcome.name, done.changed_end_known, len(done.placeholders)) == ("CREATED", False, 2)
