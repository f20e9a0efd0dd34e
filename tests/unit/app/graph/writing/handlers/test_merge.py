"""Merging two datasets: what moves, what prevents it, the rights, and what the old id means in later commands."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.edge_record import is_current
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.handlers import merge as module
from graphql_schema.catalog.relations import INPUT_TO
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    MergeCommand,
    ObserveCommand,
    ObservedValue,
    RecordUsageCommand,
    RevertCommand,
    UnlinkCommand,
)
from policies.principal import Principal

OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
ADA, BO = person("ada", "team ranking", roles="engineer"), person("bo", "team ads", roles="engineer")
CI = person("ci", "team ranking", roles="automation")
LATER, TWO = NOW + 10, ("dataset new", "dataset old")


def merge(source: str = "dataset old", target: str = "dataset new", reason: str | None = None) -> MergeCommand:
    """Return the merge of two datasets."""
    return MergeCommand(urn(source), urn(target), reason)


def refusal(memory: Memory, command: Command, who: Principal = ADA) -> tuple[str, tuple[str, ...]]:
    """Return code and path of a refused command, which has written nothing."""
    (done,) = memory.run(command, who=who, now=LATER)
    (error,) = done.errors
    assert not memory.dirty
    return error.code.name, error.path


def current(memory: Memory, now: int = LATER) -> set[tuple[str, str, str]]:
    """Return the current edges between assets, with the names of their ends."""
    names = {vid: record["name"] for vid, record in memory.vertices.items() if "hydration" in record}
    return {
        (relation, names[source], names[target])
        for (relation, source, target), edge in memory.edges.items()
        if is_current(edge, now) and source in names and target in names
    }


def changes(memory: Memory, text: str) -> list[dict[str, Any]]:
    """Return the changes of an asset with the action MERGED."""
    found = [each for each in memory.vertices.values() if each.get("action") == "MERGED"]
    return [dict(each) for each in found if each["subject"] == urn(text)]


@pytest.fixture
def estate(memory: Memory) -> Memory:
    """Return a store with a registered dataset, and a placeholder between a source of another team and a model of ada.

    Ada has referred to the placeholder first.
    """
    seeded(memory, asset("dataset new", owners=OURS), asset("dataset raw", owners=THEIRS))
    version = asset("model-version m@1", owners=OURS, trainedOn=["dataset old"])
    assert memory.outcomes(version, who=ADA) == ["CREATED"]
    return seeded(memory, link("DERIVES", "dataset raw", "dataset old"))


def test_edges_continue_and_the_old_id_points_there(estate: Memory) -> None:
    """Both directions move, with their declarers and authors; those at the old dataset end."""
    was = estate.edge("FEEDS", "dataset old", "model-version m@1")
    (done,) = estate.run(merge(reason="one table"), who=ADA, now=LATER)
    assert (done.outcome.name, done.urn, done.revision) == ("UPDATED", urn("dataset new"), 2)
    assert current(estate) >= {("DERIVES", "raw", "new"), ("FEEDS", "new", "m")}
    assert not {each for each in current(estate) if "old" in each}
    edge = estate.edge("FEEDS", "dataset new", "model-version m@1")
    assert edge == {**was, "validFrom": LATER, "recordedAt": LATER}
    ended = estate.edge("FEEDS", "dataset old", "model-version m@1")
    assert (ended["validTo"], ended["by"], ended["recordedBy"]) == (LATER, [], was["recordedBy"])
    record = estate.record("dataset old")
    assert (record["mergedInto"]["id"], record["deletedAt"]) == (urn("dataset new"), LATER)


def test_a_joined_edge_names_who_gave_each_declarer(memory: Memory) -> None:
    """Of two edges that become one, the recorder of the other is named as who gave its declarers."""
    seeded(memory, asset("dataset new", owners=OURS), asset("run r", {"state": "COMPLETE"}, owners=OURS))
    assert memory.outcomes(link("INPUT_TO", "dataset new", "run r"), who=ADA) == ["CREATED"]
    assert memory.outcomes(asset("run r", inputs=["dataset old"]), who=CI) == ["UPDATED"]
    assert memory.outcomes(merge(), now=LATER) == ["UPDATED"]
    edge = memory.edge("INPUT_TO", "dataset new", "run r")
    assert (edge["by"], edge["recordedBy"], edge["declaredBy"]) == (["Run.inputs", "link"], "ada", {"Run.inputs": "ci"})


def merge_error(memory: Memory, text: str = "dataset old", who: Principal = ADA) -> tuple[str, str]:
    """Return code and message of a refused merge, which has written nothing, with … for the id."""
    (done,) = memory.run(merge(text), who=who, now=LATER)
    (error,) = done.errors
    assert not memory.dirty
    return error.code.name, error.message.replace(urn(text), "…")


@pytest.mark.parametrize("values", [{"sensitivity": "RESTRICTED"}, {"visibility": "TEAM"}])
def test_a_hidden_version_of_others_prevents_the_merge_unnamed(memory: Memory, values: dict[str, str]) -> None:
    """Its edge would continue at an own dataset for ever; the error is that of a dataset which has an own version."""
    seeded(memory, asset("dataset new", owners=OURS), asset("model m", owners=THEIRS))
    for text in ("dataset old", "dataset other"):
        assert memory.outcomes(link("DERIVES", text, "dataset new"), who=ADA) == ["CREATED"]
    assert memory.outcomes(asset("model-version m@7", values, trainedOn=["dataset old"]), who=BO) == ["CREATED"]
    assert memory.outcomes(asset("dataset-version other@1"), who=ADA) == ["CREATED"]
    assert merge_error(memory) == merge_error(memory, "dataset other")
    assert merge_error(memory)[0] == "CONFLICT"
    assert memory.outcomes(merge(), now=LATER) == ["UPDATED"]
    assert ("FEEDS", "new", "m") in current(memory)


def test_a_hidden_source_of_others_prevents_the_merge(memory: Memory) -> None:
    """Its sensitivity and tags would reach the own dataset, to which its owner may not link it, by a hidden edge."""
    seeded(memory, asset("dataset new", owners=OURS), asset("dataset shut", {"visibility": "TEAM"}, owners=THEIRS))
    memory.run(link("DERIVES", "dataset old", "dataset new"), who=ADA)
    assert memory.outcomes(*(link("DERIVES", "dataset shut", to) for to in TWO), who=BO) == ["DENIED", "CREATED"]
    assert merge_error(memory)[0] == "CONFLICT"


def test_what_the_caller_linked_to_a_hidden_asset_prevents_no_merge(memory: Memory) -> None:
    """So the outcome does not disclose whether the named asset exists: it is that of an absent id."""
    seeded(memory, asset("dataset new", owners=OURS), asset("dataset shut", {"visibility": "TEAM"}, owners=THEIRS))
    for text in ("dataset shut", "dataset absent"):
        assert memory.outcomes(link("DERIVES", "dataset old", text), who=ADA) == ["CREATED"]
        (done,) = memory.run(merge(), who=ADA, now=LATER, dry_run=True)
        assert done.outcome.name == "UPDATED"


@pytest.mark.parametrize(("registrant", "outcome"), [(BO, "DENIED"), (ADA, "UPDATED")])
def test_an_unowned_asset_of_others_is_not_moved(memory: Memory, registrant: Principal, outcome: str) -> None:
    """Its later owner could not take it back; who registered it moves the edge that another caller declared."""
    seeded(memory, asset("dataset new", owners=OURS))
    assert memory.outcomes(link("DERIVES", "dataset old", "dataset new"), who=ADA) == ["CREATED"]
    assert memory.outcomes(asset("dataset free"), who=registrant) == ["CREATED"]
    assert memory.outcomes(link("DERIVES", "dataset old", "dataset free"), who=BO) == ["CREATED"]
    assert memory.outcomes(merge(), who=ADA, now=LATER) == [outcome]
    if outcome == "DENIED":
        code, message = merge_error(memory)
        assert (code, urn("dataset free") in message, "bo" in message) == ("DENIED", True, True)
        assert memory.outcomes(merge(), now=LATER) == ["UPDATED"]
    assert ("DERIVES", "new", "free") in current(memory)


def test_an_unowned_placeholder_of_others_is_moved(memory: Memory) -> None:
    """It accepts any edge, as that of a link."""
    seeded(memory, asset("dataset new", owners=OURS))
    assert memory.outcomes(link("DERIVES", "dataset old", "dataset new"), who=ADA) == ["CREATED"]
    assert memory.outcomes(link("DERIVES", "dataset old", "dataset stub"), who=BO) == ["CREATED"]
    assert memory.outcomes(merge(), who=ADA, now=LATER) == ["UPDATED"]


def test_the_audit_of_both_and_of_the_consumer(estate: Memory) -> None:
    """Each has one change with the reason: the ids of each other, and the edges as entries of the end they change."""
    estate.run(merge(reason="one table"), who=ADA, now=LATER)
    for text, field, other in (("dataset old", "into", "dataset new"), ("dataset new", "from", "dataset old")):
        (change,) = changes(estate, text)
        assert change["reason"] == "one table"
        assert {"field": field, "before": None, "after": {"id": urn(other)}} in change["fields"]
        assert [entry["edge"][1:] for entry in change["fields"] if "edge" in entry] == [[urn("dataset raw"), urn(text)]]
    (change,) = changes(estate, "model-version m@1")
    assert sorted(entry["edge"][1] for entry in change["fields"]) == sorted(map(urn, ("dataset new", "dataset old")))
    assert estate.record("model-version m@1")["revision"] == 1


def test_a_repetition_and_a_chain(estate: Memory) -> None:
    """Merging again changes nothing; a merged placeholder leads on to the last one, and no cycle can arise."""
    seeded(estate, asset("dataset last", owners=OURS), asset("dataset x", derivedFrom=["dataset mid"]))
    assert estate.outcomes(merge("dataset old", "dataset mid"), now=LATER) == ["UPDATED"]
    assert estate.outcomes(merge("dataset mid", "dataset old"), now=LATER) == ["UNCHANGED"]
    assert not estate.dirty
    assert estate.outcomes(merge("dataset mid", "dataset last"), now=LATER + 1) == ["UPDATED"]
    assert estate.outcomes(merge("dataset old", "dataset last"), now=LATER + 2) == ["UNCHANGED"]
    assert current(estate, LATER + 2) >= {("DERIVES", "raw", "last"), ("FEEDS", "last", "m"), ("DERIVES", "last", "x")}


def test_an_id_leads_over_a_bounded_number_of_merges(memory: Memory) -> None:
    """One merge more is refused, whichever end of the chain grows; a dataset beside the chain may still join it."""
    names = [f"dataset d{number}" for number in range(module.MAX_DEPTH + 3)]
    seeded(memory, asset("dataset user", derivedFrom=names))
    chain = names[: module.MAX_DEPTH + 1]
    for source, target in pairwise(chain):
        assert memory.outcomes(merge(source, target), now=LATER) == ["UPDATED"]
    assert refusal(memory, merge(chain[-1], names[-1]), ROOT) == ("CONFLICT", ("from",))
    assert memory.outcomes(merge(names[-2], chain[-1]), now=LATER) == ["UPDATED"]
    assert memory.outcomes(merge(chain[0], names[-2]), now=LATER) == ["UNCHANGED"]
    assert refusal(memory, merge(names[-2], names[-1]), ROOT) == ("CONFLICT", ("from",))


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (ADA, None),
        (CI, ("DENIED", ("from",))),
        (person("ada", "team ads", roles="engineer"), ("DENIED", ("into",))),
        (person("ada", "team ranking"), ("DENIED", ("from",))),
        (person("root", roles="admin"), None),
    ],
)
def test_who_may_merge_a_placeholder(estate: Memory, who: Principal, expected: Any) -> None:
    """The caller referred to the placeholder first, may register it, and update and link the dataset that remains."""
    if expected is None:
        assert estate.outcomes(merge(), who=who, now=LATER) == ["UPDATED"]
    else:
        assert refusal(estate, merge(), who) == expected


def test_what_others_declared_for_their_assets_is_not_merged(estate: Memory) -> None:
    """The lineage of their asset would change for ever; with a right on it, or if she declared it, ada merges."""
    seeded(estate, asset("dataset theirs", owners=THEIRS, derivedFrom=["dataset old"]))
    assert refusal(estate, merge()) == ("DENIED", ("from",))
    both = person("ada", "team ranking", "team ads", roles="engineer")
    (done,) = estate.run(merge(), who=both, now=LATER, dry_run=True)
    assert done.outcome.name == "UPDATED"


def test_a_placeholder_of_others_is_not_merged(memory: Memory) -> None:
    """To ada, one that unowned or hidden assets of others refer to is like any other one that others named first."""
    seeded(memory, asset("dataset new", owners=OURS), asset("dataset hidden", {"visibility": "TEAM"}, owners=THEIRS))
    seeded(memory, asset("dataset unowned", derivedFrom=["dataset one"]))
    seeded(
        memory, link("DERIVES", "dataset two", "dataset hidden"), asset("dataset new", derivedFrom=["dataset three"])
    )
    messages = set()
    for text in ("dataset one", "dataset two", "dataset three"):
        (done,) = memory.run(merge(text), who=ADA, now=LATER)
        messages |= {(error.code.name, error.message.replace(urn(text), "…")) for error in done.errors}
        assert memory.outcomes(merge(text), now=LATER) == ["UPDATED"]
    ((code, message),) = messages
    assert (code, "root" in message) == ("DENIED", True)


def observed(text: str, *inputs: str, order: int = 1) -> ObserveCommand:
    """Return what an event says about a dataset, or about a run with inputs."""
    edges = (DeclaredEdges(INPUT_TO.into(), "Run.inputs", {urn(each): {} for each in inputs}, adds=True),)
    given = ObservedValue("description", "by an event", (order,))
    return ObserveCommand(urn(text), text.split()[1], (given,), edges if inputs else ())


def test_a_dataset_that_events_described_may_be_taken_by_its_registrant(memory: Memory) -> None:
    """An engineer of the team that remains takes none of others; the sender and an administrator do."""
    seeded(memory, asset("dataset new", owners=OURS))
    assert memory.outcomes(observed("dataset old"), observed("run r", "dataset old"), who=CI) == ["CREATED"] * 2
    assert refusal(memory, merge()) == ("DENIED", ("from",))
    assert memory.outcomes(merge(), who=CI, now=LATER) == ["UPDATED"]
    assert ("INPUT_TO", "new", "r") in current(memory)
    again = memory.run(observed("dataset old", order=2), observed("run r", "dataset old", order=2), who=CI, now=LATER)
    assert [each.urn for each in again] == [urn("dataset new"), urn("run r")]
    assert memory.record("dataset new")["description"] == "by an event"
    assert again[1].observed is not None
    assert not again[1].observed.linked


@pytest.mark.parametrize(
    "items",
    [
        [asset("dataset old", {"description": "mine"})],
        [asset("dataset old", owners=OURS)],
        [asset("dataset old", {"sensitivity": "PUBLIC"})],
        [asset("dataset old", tags=["tag t"])],
        [asset("dataset old", domain=["domain d"])],
        [asset("dataset-version old@1")],
        [link("REPLACED_BY", "dataset old", "dataset raw")],
        [asset("dataset old"), RecordUsageCommand(urn("dataset old"), urn("team ads"), "2025-06-01", {"reads": 1})],
    ],
)
def test_more_than_references_prevents_the_merge(estate: Memory, items: list[Command]) -> None:
    """Values, owners, tags, a domain, versions, usage or another replacement: keep both, the message says how."""
    assert not [each.errors for each in estate.run(*items, now=NOW + 1) if each.errors]
    assert refusal(estate, merge(), person("root", roles="admin")) == ("CONFLICT", ("from",))


def test_a_value_that_a_client_gave_before_an_event_prevents_the_merge(memory: Memory) -> None:
    """The event has another value, which was not taken; the value of the client would be lost."""
    seeded(memory, asset("dataset new", owners=OURS), asset("dataset old", {"description": "of a client"}))
    assert not memory.run(observed("dataset old"), who=CI)[0].errors
    assert memory.record("dataset old")["description"] == "of a client"
    assert refusal(memory, merge(), person("root", roles="admin")) == ("CONFLICT", ("from",))


def test_a_replacement_by_the_other_one_is_no_obstacle(estate: Memory) -> None:
    """It ends with the merge, because no dataset replaces itself."""
    seeded(estate, link("REPLACED_BY", "dataset old", "dataset new"))
    assert estate.outcomes(merge(), who=ADA, now=LATER) == ["UPDATED"]
    assert not {each for each in current(estate) if each[0] == "REPLACED_BY"}


def test_too_many_edges_are_refused(estate: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No part of them moves."""
    monkeypatch.setattr(module, "MAX_MOVED", 1)
    assert refusal(estate, merge()) == ("CONFLICT", ("from",))
    assert ("DERIVES", "raw", "old") in current(estate)


def test_how_many_edges_are_refused_has_no_sharp_limit(estate: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hidden edges count, so the limit is lower by chance, and no caller counts them by the number of own ones."""
    monkeypatch.setattr(module, "blurred", lambda maximum: maximum - module.MAX_MOVED + 1)
    assert refusal(estate, merge()) == ("CONFLICT", ("from",))


def test_hidden_absent_and_deleted_ones(estate: Memory) -> None:
    """A hidden dataset is refused like an absent one, and a deleted one is a conflict."""
    seeded(estate, asset("dataset shut", {"visibility": "TEAM"}, owners=THEIRS))
    for given, field in ((("dataset none", "dataset new"), "from"), (("dataset old", "dataset none"), "into")):
        assert refusal(estate, merge(*given)) == ("NOT_FOUND", (field,))
    assert refusal(estate, merge("dataset old", "dataset shut")) == ("NOT_FOUND", ("into",))
    assert refusal(estate, merge("dataset shut", "dataset new")) == ("NOT_FOUND", ("from",))
    new = vertex_id("default", urn("dataset new"))
    estate.vertices[new] = {**estate.vertices[new], "deletedAt": NOW}
    assert refusal(estate, merge()) == ("CONFLICT", ("into",))


def test_a_merge_is_not_reverted(estate: Memory) -> None:
    """Neither the changes of the merge, nor those of the old dataset from before it."""
    estate.run(link("DERIVES", "dataset two", "dataset old"), now=NOW + 1)
    before = [each["id"] for each in estate.vertices.values() if each.get("action") == "LINKED"]
    estate.run(merge(), who=ADA, now=LATER)
    merges = [changes(estate, text)[0]["id"] for text in ("dataset old", "dataset new", "model-version m@1")]
    of_old = [each for each in before if estate.vertices[vertex_id("default", each)]["subject"] == urn("dataset old")]
    assert of_old
    for change in (*merges, *of_old):
        assert refusal(estate, RevertCommand(change), person("root", roles="admin")) == ("CONFLICT", ("change",))


def test_later_commands_by_the_old_id(estate: Memory) -> None:
    """References and links by the old id are those of the dataset that remains; an equal edge is not declared twice."""
    estate.run(merge(), who=ADA, now=LATER)
    again = asset("model-version m@1", trainedOn=["dataset old"])
    assert estate.outcomes(again, who=ADA, now=LATER + 1) == ["UNCHANGED"]
    assert estate.outcomes(asset("dataset out", derivedFrom=["dataset old"]), now=LATER + 1) == ["CREATED"]
    assert ("DERIVES", "new", "out") in current(estate, LATER + 2)
    ending = UnlinkCommand("DERIVES", urn("dataset old"), urn("dataset out"))
    assert estate.outcomes(ending, now=LATER + 2) == ["UPDATED"]
    assert ("DERIVES", "new", "out") not in current(estate, LATER + 3)
    assert not {each for each in current(estate, LATER + 3) if "old" in each}


def test_an_old_id_of_a_hidden_dataset_is_named_as_it_was_given(estate: Memory) -> None:
    """Outcome, placeholders and audit have the old id; the edge is at the hidden dataset, and is unconfirmed there."""
    seeded(estate, asset("dataset new", {"visibility": "TEAM"}))
    estate.run(merge(), who=ADA, now=LATER)
    (done,) = estate.run(link("DERIVES", "dataset old", "dataset raw"), who=BO, now=LATER + 1)
    assert (done.outcome.name, done.far_end_known, done.placeholders) == ("CREATED", False, (urn("dataset old"),))
    (change,) = [
        each
        for each in estate.vertices.values()
        if each.get("actor") == "bo" and each.get("subject") == urn("dataset raw") and each.get("action") == "LINKED"
    ]
    assert change["fields"][0]["edge"] == ["DERIVES", urn("dataset old"), urn("dataset raw")]
    assert change["ends"] == [urn("dataset old")]
    assert urn("dataset new") not in str(change)
    assert ("DERIVES", "new", "raw") in current(estate, LATER + 2)
    code, _ = refusal(estate, asset("dataset old", {"description": "x"}), BO)
    assert code == "DENIED"


@pytest.mark.parametrize("seed", range(40))
def test_random_merges_are_a_renaming_of_ends(memory: Memory, seed: int) -> None:
    """After random links, unlinks and merges, the current edges are those of a set of pairs with replaced names."""
    random, stubs, owned = Random(seed), [*"abcde"], [*"xy"]
    seeded(memory, *(asset(f"dataset {name}", owners=OURS) for name in owned))
    led_to = {name: name for name in (*stubs, *owned)}
    pairs: set[tuple[str, str]] = set()
    for step in range(30):
        first, second = random.choice([*led_to]), random.choice([*led_to])
        pair = led_to[first], led_to[second]
        ends, now = (f"dataset {first}", f"dataset {second}"), LATER + step
        match random.choice(["link", "link", "unlink", "merge"]):
            case "link":
                memory.run(link("DERIVES", *ends), now=now)
                pairs.add(pair)
            case "unlink":
                memory.run(UnlinkCommand("DERIVES", urn(ends[0]), urn(ends[1])), now=now)
                pairs.discard(pair)
            case _ if first != second:
                (done,) = memory.run(merge(*ends), now=now)
                known = {urn(f"dataset {name}") for name in led_to} & {each["id"] for each in memory.vertices.values()}
                if pair[0] in owned or pair[0] == pair[1] or not {*map(urn, ends)} <= known:
                    assert done.outcome.name in {"CONFLICT", "UNCHANGED", "INVALID"}
                    continue
                assert done.outcome.name == "UPDATED"
                led_to = {name: pair[1] if end == pair[0] else end for name, end in led_to.items()}
                pairs = {(led_to[source], led_to[target]) for source, target in pairs}
        assert {each[1:] for each in current(memory, now) if each[0] == "DERIVES"} == pairs
