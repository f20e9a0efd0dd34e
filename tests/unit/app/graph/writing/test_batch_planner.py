"""The plan without a store: outcomes and edges as tables, over a state in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
import yaml
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.log_entry import MAX_LISTED
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.batch_planner import HANDLERS, plan_item
from app.graph.writing.unit.read_set import ReadCoverage
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import FEEDS
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    DeleteCommand,
    EventCommand,
    LinkCommand,
    RegisterCommand,
    RestoreCommand,
    UnlinkCommand,
)
from graphql_schema.ports.events.event_commands import RecordIngestionCommand
from graphql_schema.ports.outcomes import WriteOutcome

ADA = person("ada", "team ranking", roles="engineer")
OURS = {"team ranking": ["TECHNICAL"]}
THEIRS = {"team ads": ["TECHNICAL"]}


def test_every_command_has_a_handler() -> None:
    """A command that no handler plans would be an internal error of the first call; an event consists of commands."""
    missing = {each.__name__ for each in {*get_args(Command)} - HANDLERS.keys() - {EventCommand}}
    assert missing == set(), f"{missing} have no handler: add it to HANDLERS in app/graph/writing/batch_planner.py."


def dataset(values: dict[str, Any] | None = None, **fields: Iterable[str] | Mapping[str, list[str]]) -> RegisterCommand:
    """Return the dataset that the tables are about."""
    return asset("dataset d", values, **fields)


RUN = asset("run r", {"state": "START"})
NO_STATE = replace(asset("run r"), required=("state",))

OUTCOMES: list[tuple[str, list[Command], Command, str]] = [
    ("new", [], dataset(), "CREATED"),
    ("a stub is completed", [link("FEEDS", "dataset d", "model m")], dataset(), "CREATED"),
    ("same again", [dataset({"description": "x"})], dataset({"description": "x"}), "UNCHANGED"),
    ("absent leaves alone", [dataset({"description": "x"})], dataset(), "UNCHANGED"),
    ("null clears", [dataset({"description": "x"})], dataset({"description": None}), "UPDATED"),
    ("null of nothing", [dataset()], dataset({"description": None, "stage": None}), "UNCHANGED"),
    (
        "properties in another order",
        [dataset({"properties": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]})],
        dataset({"properties": [{"key": "b", "value": "2"}, {"key": "a", "value": "1"}]}),
        "UNCHANGED",
    ),
    ("an edge more", [dataset()], dataset(derivedFrom=["dataset up"]), "UPDATED"),
    (
        "list in another order",
        [dataset(derivedFrom=["dataset a", "dataset b"])],
        dataset(derivedFrom=["dataset b", "dataset a"]),
        "UNCHANGED",
    ),
    ("owners in another order", [dataset(owners=OURS | THEIRS)], dataset(owners=THEIRS | OURS), "UPDATED"),
    ("expected revision", [dataset()], replace(dataset({"description": "x"}), expected_revision=1), "UPDATED"),
    ("another revision expected", [dataset()], replace(dataset(), expected_revision=7), "CONFLICT"),
    ("a revision of nothing expected", [], replace(dataset(), expected_revision=1), "CONFLICT"),
    ("nothing expected and nothing there", [], replace(dataset(), expected_revision=0), "CREATED"),
    ("a run without state", [], NO_STATE, "INVALID"),
    ("a stub of a run without state", [link("PRODUCES", "run r", "dataset d")], NO_STATE, "INVALID"),
    ("a known run without state", [RUN], NO_STATE, "UNCHANGED"),
    (
        "other content of a version",
        [asset("dataset-version d@1", {"contentDigest": "a"})],
        asset("dataset-version d@1", {"contentDigest": "b"}),
        "CONFLICT",
    ),
    (
        "the content of a version becomes known",
        [asset("dataset-version d@1")],
        asset("dataset-version d@1", {"contentDigest": "b"}),
        "UPDATED",
    ),
    ("a version of something else", [], asset("model-version m@1", model=["model other"]), "INVALID"),
    ("a version of its model", [], asset("model-version m@1", model=["model m"]), "CREATED"),
    ("new link", [], link("FEEDS", "dataset d", "model m"), "CREATED"),
    ("same link", [link("FEEDS", "dataset d", "model m")], link("FEEDS", "dataset d", "model m"), "UNCHANGED"),
    (
        "a link with one more property",
        [link("FEEDS", "dataset d", "model m")],
        link("FEEDS", "dataset d", "model m", properties=[{"key": "k", "value": "v"}]),
        "UPDATED",
    ),
    (
        "a link that ends",
        [link("FEEDS", "dataset d", "model m", validFrom=1)],
        link("FEEDS", "dataset d", "model m", validTo=9),
        "UPDATED",
    ),
    (
        "the same end again",
        [link("FEEDS", "dataset d", "model m", validFrom=1, validTo=9)],
        link("FEEDS", "dataset d", "model m", validTo=9),
        "UNCHANGED",
    ),
    (
        "a link that is open again",
        [link("FEEDS", "dataset d", "model m", validFrom=1, validTo=9)],
        link("FEEDS", "dataset d", "model m"),
        "CREATED",
    ),
    ("a link that ends before it begins", [], link("FEEDS", "dataset d", "model m", validTo=9), "INVALID"),
    ("a link between kinds that it does not join", [], link("FEEDS", "model m", "dataset d"), "INVALID"),
    ("a version until", [], link("VERSION_OF", "model-version m@1", "model m", validTo=NOW + 1), "INVALID"),
    ("a version from", [], link("VERSION_OF", "model-version m@1", "model m", validFrom=NOW - 1), "INVALID"),
    ("a version linked to another whole", [], link("VERSION_OF", "model-version m@1", "model n"), "INVALID"),
]


@pytest.mark.parametrize(("before", "item", "outcome"), [row[1:] for row in OUTCOMES], ids=[row[0] for row in OUTCOMES])
def test_outcomes(memory: Memory, before: list[RegisterCommand | LinkCommand], item: Command, outcome: str) -> None:
    """Each situation has its outcome; an UNCHANGED or rejected item writes nothing."""
    seeded(memory, *before)
    was = dict(memory.vertices)
    assert memory.outcomes(item, now=NOW + 1) == [outcome]
    assert memory.dirty == (outcome in {"CREATED", "UPDATED"})
    if not memory.dirty:
        assert memory.vertices == was


def test_values_and_defaults(memory: Memory) -> None:
    """Defaults are stored, and a null restores them; a revision counts the changes of one asset."""
    values = {"stage": "DRAFT", "visibility": "TEAM", "sensitivity": "RESTRICTED", "displayName": "D", "format": "csv"}
    seeded(memory, dataset(values))
    first = memory.record("dataset d")
    assert {key: first[key] for key in values} == values
    assert (first["declaredSensitivity"], first["hydration"], first["revision"]) == ("RESTRICTED", "FULL", 1)
    memory.run(dataset(dict.fromkeys(values)), now=NOW + 1)
    second = memory.record("dataset d")
    assert [second.get(key) for key in values] == ["ACTIVE", "ORG", "RESTRICTED", "d", None]
    assert second["declaredSensitivity"] == "INTERNAL"  # the effective one goes down when the job has looked
    assert (second["revision"], second["createdAt"], second["updatedAt"]) == (2, NOW, NOW + 1)
    seeded(memory, asset("user ada", {"kind": "SERVICE_ACCOUNT"}), asset("tag pii", {"tagKind": "PII"}))
    user, tag = memory.record("user ada"), memory.record("tag pii")
    assert (user["kind"], user["principalKind"], user["active"]) == ("USER", "SERVICE_ACCOUNT", True)
    assert (tag["tagKind"], tag["propagates"]) == ("PII", False)


def test_a_name_truncated_in_the_id_is_stored_in_full(memory: Memory) -> None:
    """The record holds the full given name, although the URN holds a truncated one."""
    long = "n" * 900
    item = asset(f"dataset {long}", {"name": long})
    assert len(item.urn) == 512
    seeded(memory, item)
    record = memory.vertices[vertex_id("default", item.urn)]
    assert record["name"] == record["displayName"] == long


OWNERS: list[tuple[str, dict[str, list[str]], str]] = [
    ("nobody", {}, ""),
    ("a user only", {"user ada": ["TECHNICAL"]}, "user ada"),
    ("one team", {"team ads": ["BUSINESS"]}, "team ads"),
    ("technical wins", {"team ads": ["BUSINESS"], "team ranking": ["ONCALL", "TECHNICAL"]}, "team ranking"),
    ("first technical", {"team b": ["TECHNICAL"], "team a": ["TECHNICAL"]}, "team b"),
    ("first team", {"user u": ["TECHNICAL"], "team b": ["STEWARD"], "team a": ["BUSINESS"]}, "team b"),
]


@pytest.mark.parametrize(("owners", "team"), [row[1:] for row in OWNERS], ids=[row[0] for row in OWNERS])
def test_owner_team(memory: Memory, owners: dict[str, list[str]], team: str) -> None:
    """The owner team follows from the owners, also for versions registered before or after them."""
    early, late = "dataset-version d@1", "dataset-version d@2"
    seeded(memory, asset(early), dataset(owners=owners), link("FEEDS", late, "model m"))
    wanted = urn(team) if team else ""
    assert [memory.record(name)["ownerTeam"] for name in ("dataset d", early, late)] == [wanted] * 3


def test_a_feature_that_leaves_its_set_has_no_owner_left(memory: Memory) -> None:
    """A feature and its set can each declare the membership; ending it removes parent and owner team of the feature."""
    seeded(memory, asset("feature-set s", owners=OURS), asset("feature f", featureSet=["feature-set s"]))
    assert memory.record("feature f")["ownerTeam"] == urn("team ranking")
    memory.run(asset("feature f", featureSet=[]), now=NOW + 1)
    assert (memory.record("feature f")["index"]["whole"], memory.record("feature f")["ownerTeam"]) == ("", "")


ORIGINS: list[tuple[list[Command], str, float | None]] = [
    ([link("PRODUCES", "run r", "dataset d", origin="INFERRED", confidence=0.5)], "INFERRED", 0.5),
    (
        [
            link("PRODUCES", "run r", "dataset d", origin="INFERRED", confidence=0.5),
            asset("run r", outputs=["dataset d"]),
        ],
        "OBSERVED",
        None,
    ),
    (
        [
            asset("run r", outputs=["dataset d"]),
            link("PRODUCES", "run r", "dataset d", origin="INFERRED", confidence=0.5),
        ],
        "OBSERVED",
        None,
    ),
    ([asset("run r", outputs=["dataset d"]), link("PRODUCES", "run r", "dataset d")], "OBSERVED", None),
]


@pytest.mark.parametrize(("items", "origin", "confidence"), ORIGINS)
def test_the_strongest_origin_wins(
    memory: Memory, items: list[RegisterCommand | LinkCommand], origin: str, confidence: float | None
) -> None:
    """OBSERVED wins over DECLARED and DECLARED over INFERRED, in any order.

    An inference does not lower the confidence.
    """
    seeded(memory, *items)
    edge = memory.edge("PRODUCES", "run r", "dataset d")
    assert (edge["origin"], edge.get("confidence")) == (origin, confidence)


def test_links_merge_their_properties(memory: Memory) -> None:
    """Properties merge by key: given values replace, a null removes, and the rest stays."""
    details = {"runId": "mlg://run/test/default/r", "validFrom": 5, "declassify": True}
    seeded(memory, link("FEEDS", "dataset d", "model m", properties=[{"key": "a", "value": "1"}], **details))
    more = [{"key": "b", "value": "2"}, {"key": "a", "value": "3"}]
    memory.run(link("FEEDS", "dataset d", "model m", properties=more, declassify=None))
    edge = memory.edge("FEEDS", "dataset d", "model m")
    assert edge["properties"] == [{"key": "a", "value": "3"}, {"key": "b", "value": "2"}]
    assert (edge["runId"], edge["validFrom"], "declassify" in edge) == (details["runId"], 5, False)


def test_a_refused_item_leaves_nothing_for_the_next(memory: Memory) -> None:
    """Items see earlier items of the batch, but not the staged changes of a rejected or dry item."""
    dry = replace(asset("dataset dry"), dry_run=True)
    done = memory.outcomes(
        dataset(derivedFrom=["dataset up"], owners=THEIRS), dry, asset("dataset up"), dataset(), who=ADA
    )
    assert done == ["DENIED", "CREATED", "CREATED", "CREATED"]
    there = {record["id"] for record in memory.vertices.values() if record["kind"] != "CHANGE"}
    assert there == {urn("dataset up"), urn("dataset d")}
    assert memory.outcomes(dataset({"format": "a"}), dataset({"format": "b"}), who=ADA) == ["UPDATED", "UPDATED"]
    assert memory.record("dataset d")["revision"] == 3


def test_kinds_that_a_field_may_not_relate_are_rejected(memory: Memory) -> None:
    """An edge that the catalog does not allow is not stored for any caller."""
    wrong = DeclaredEdges(FEEDS.into(), "Model.inputs", {urn("run r"): {}})
    done = memory.run(replace(asset("model m"), edges=(wrong,)))
    assert (done[0].outcome.name, done[0].errors[0].path) == ("INVALID", ("inputs",))


def test_a_link_may_have_an_interval(memory: Memory) -> None:
    """An interval in the past is stored closed; a later one keeps it as an earlier interval."""
    seeded(memory, link("FEEDS", "dataset d", "model m", validFrom=1, validTo=5))
    assert memory.edge("FEEDS", "dataset d", "model m")["validTo"] == 5
    memory.run(link("FEEDS", "dataset d", "model m", validFrom=7))
    edge = memory.edge("FEEDS", "dataset d", "model m")
    assert (edge["earlier"], edge["validFrom"], edge.get("validTo", FOREVER)) == ([[1, 5, NOW, NOW]], 7, FOREVER)
    memory.run(link("FEEDS", "dataset d", "model m", validTo=NOW + 50))
    assert memory.outcomes(link("FEEDS", "dataset d", "model m")) == ["UNCHANGED"]
    assert memory.outcomes(link("FEEDS", "dataset d", "model m", validTo=None)) == ["UPDATED"]
    assert "validTo" not in memory.edge("FEEDS", "dataset d", "model m")


def test_a_link_with_a_start_is_open(memory: Memory) -> None:
    """A link without an end is open, also after it was ended: the ended interval stays, and a new end corrects it."""
    seeded(memory, link("FEEDS", "dataset d", "model m", validFrom=1))
    unlinking = UnlinkCommand("FEEDS", urn("dataset d"), urn("model m"))
    assert memory.outcomes(unlinking, now=NOW + 5) == ["UPDATED"]
    assert memory.outcomes(link("FEEDS", "dataset d", "model m", validFrom=1, validTo=9), now=NOW + 6) == ["UPDATED"]
    assert memory.outcomes(link("FEEDS", "dataset d", "model m", validFrom=7), now=NOW + 7) == ["CREATED"]
    edge = memory.edge("FEEDS", "dataset d", "model m")
    assert (edge["earlier"], edge["validFrom"], edge.get("validTo", FOREVER)) == ([[1, 9, NOW, NOW + 6]], 7, FOREVER)


STATES = [
    (["START", "RUNNING", "COMPLETE"], "COMPLETE"),
    (["COMPLETE", "START"], "COMPLETE"),
    (["RUNNING", "START"], "RUNNING"),
    (["FAIL", "RUNNING"], "FAIL"),
    (["FAIL", "COMPLETE"], "COMPLETE"),
]


@pytest.mark.parametrize(("stated", "is_"), STATES)
def test_a_state_of_a_run_that_comes_late(memory: Memory, stated: list[str], is_: str) -> None:
    """Events of a run arrive in any order.

    An ended run does not start again, and other values of the event are stored.
    """
    for number, state in enumerate(stated):
        memory.run(asset("run r", {"state": state, "codeVersion": f"c{number}"}))
    assert (memory.record("run r")["state"], memory.record("run r")["codeVersion"]) == (is_, f"c{len(stated) - 1}")


def test_a_reordered_list_is_a_change(memory: Memory) -> None:
    """A change that only reorders owners or tags increases the revision and is audited like any other."""
    owners = {"team ads": ["BUSINESS"], "user uma": ["BUSINESS"]}
    seeded(memory, asset("dataset d", owners=owners, tags=["tag a", "tag b"]))
    again = dict(reversed(owners.items()))
    done = memory.run(asset("dataset d", owners=again), asset("dataset d", tags=["tag b", "tag a"]))
    about = [each for each in memory.vertices.values() if each["kind"] == "CHANGE" and each["subject"] == done[0].urn]
    assert [each["subjectRevision"] for each in about] == [1, 2, 3]
    assert [one.revision for one in done] == [2, 3]


def event(*commands: Command, recorded: list[tuple[WriteOutcome, ...]]) -> EventCommand:
    """Return an event about the dataset; its record has the number of its outcomes, which are added to ``recorded``."""

    def record(outcomes: tuple[WriteOutcome, ...]) -> RecordIngestionCommand:
        recorded.append(outcomes)
        return RecordIngestionCommand(
            urn("dataset d"), "e1", "jobs", "WRITTEN", changed=True, values={"count": len(outcomes)}
        )

    return EventCommand(urn("dataset d"), "e1", commands, record)


def test_an_event_is_planned_command_by_command_and_then_recorded(memory: Memory) -> None:
    """A rejected command leaves the others, and the record is made of all outcomes."""
    recorded: list[tuple[WriteOutcome, ...]] = []
    (outcome,) = memory.run(event(asset("dataset d"), NO_STATE, asset("dataset e"), recorded=recorded))
    assert [each.outcome.name for each in outcome.parts] == ["CREATED", "INVALID", "CREATED"]
    assert (outcome.outcome.name, outcome.urn, recorded) == ("UPDATED", urn("dataset d"), [outcome.parts])
    assert [each["count"] for each in memory.vertices.values() if each["kind"] == "INGESTION"] == [3]
    (again,) = memory.run(event(asset("dataset d"), recorded=recorded))
    assert again.outcome.name == "UNCHANGED"


def test_an_event_is_recorded_after_all_its_reads(memory: Memory) -> None:
    """Outcomes of commands whose reads were not made are preliminary, and nothing is recorded of them."""
    recorded: list[tuple[WriteOutcome, ...]] = []
    state = memory.state(ReadCoverage((), (), (), (), ()))
    plan_item(event(asset("dataset d"), recorded=recorded), state, memory.author(), dry_run=False)
    assert recorded == []
    assert state.missing.records


def test_no_transaction_that_the_store_takes_touches_too_much_to_list(memory: Memory) -> None:
    """The write log lists all of it, so no item makes other processes forget what it did not change.

    The store takes requests up to a size. What a transaction touches has most ids for its size if stubs are made or
    assets are deleted, with short names.
    """
    few = [str(number) for number in range(40)]
    features, versions = [f"feature s.{each}" for each in few], [f"dataset-version d@{each}" for each in few]
    items: list[Command] = [
        asset("feature-set s", features=features),
        asset("feature-set s", features=[]),
        asset("feature-set s", features=features),
        asset("model-version m@1", trainedOn=[f"dataset-version {each}@1" for each in few]),
        asset("model-version m@1", trainedOn=[]),
        asset("dataset d", derivedFrom=versions),
        DeleteCommand(urn("dataset d")),
        RestoreCommand(urn("dataset d")),
    ]
    config = yaml.safe_load((Path(__file__).parents[5] / "app/store/embedded/conf/gremlin-server.yaml").read_text())
    for item in items:
        assert memory.outcomes(item) in (["CREATED"], ["UPDATED"])
        written = memory.written
        assert written
        vertices = {row["x"] for row in written["vertices"]}
        ends = {end for row in written["edges"] for end in (("out", row["l"], row["o"]), ("in", row["l"], row["i"]))}
        assert len(vertices) + len(ends) > len(few)
        bytes_of_each = len(orjson.dumps(dict(written))) / (len(vertices) + len(ends))
        assert config["maxContentLength"] / bytes_of_each < MAX_LISTED
