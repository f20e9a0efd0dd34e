"""Effects of an edge on its ends: owner team, container, and the order of tags and owners."""

from dataclasses import replace

import pytest
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.partial_reads import Call, transact
from support.stores.writers import NOW, asset, link, person, set_owners, urn

from app.graph.records.edge_record import is_current
from graphql_schema.ports.commands import Command, RegisterCommand, RevertCommand, UnlinkCommand
from policies.installation.reserved_names import Reservation, ReservedNames

OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}


BO, MAL = person("bo", "team ranking", roles="engineer"), person("mal", "team ads", roles="engineer")


def update_of(memory: Memory, text: str, field: str) -> RevertCommand:
    """Return a revert of the last change of a field of an asset."""
    changes = [one for one in memory.vertices.values() if one["kind"] == "CHANGE" and one["subject"] == urn(text)]
    found = [one for one in changes if field in {entry["field"] for entry in one["fields"]}]
    return RevertCommand(max(found, key=lambda one: int(one["createdAt"]))["id"])


def team(memory: Memory, text: str) -> str:
    """Return the name of the owner team."""
    return str(memory.record(text)["ownerTeam"]).rpartition("/")[2]


def test_children_without_owners_follow_their_parent(memory: Memory) -> None:
    """A version with an owner of its own keeps it; the others change with the model."""
    seeded(
        memory,
        asset("model m", owners=OURS),
        asset("model-version m@1"),
        asset("model-version m@2", owners={"team data": ["TECHNICAL"]}),
    )
    assert [team(memory, f"model-version m@{number}") for number in "12"] == ["ranking", "data"]
    memory.run(asset("model m", owners=THEIRS), now=NOW + 1)
    assert [team(memory, f"model-version m@{number}") for number in "12"] == ["ads", "data"]


@pytest.mark.parametrize(
    ("owners", "first"),
    [
        ({"team b": ["BUSINESS"], "team a": ["TECHNICAL"]}, "a"),
        ({"team b": ["TECHNICAL"], "team a": ["TECHNICAL"]}, "b"),
        ({"team b": ["STEWARD"], "team a": ["BUSINESS"]}, "b"),
        ({"user zoe": ["TECHNICAL"], "team a": ["BUSINESS"]}, "a"),
        ({"user zoe": ["TECHNICAL"]}, "zoe"),
        ({"user zoe": ["TECHNICAL"], "user ben": ["TECHNICAL"], "user ada": ["BUSINESS"]}, "ben"),
    ],
)
def test_the_first_technical_owner_owns_an_asset(memory: Memory, owners: dict[str, list[str]], first: str) -> None:
    """The order of the list decides among equal teams. Without a team, the first user by id is the owner."""
    seeded(memory, asset("dataset d", owners=owners))
    assert team(memory, "dataset d") == first


def test_the_set_of_a_feature_decides_about_its_domain(memory: Memory) -> None:
    """A stranger puts no feature of others into an own domain, and the link needs no further read for its set."""
    stranger = replace(MAL, acts_for=frozenset({urn("domain ads")}))
    seeded(memory, asset("domain ads", owners=THEIRS))
    registered = (asset("feature-set f", {"online": True}), asset("feature a", featureSet=["feature-set f"]))
    assert memory.outcomes(*registered, who=BO, now=NOW + 1) == ["CREATED", "CREATED"]
    done, rounds = transact(memory, Call(stranger, [link("CONTAINS", "domain ads", "feature a")]), now=NOW + 2)
    assert ([one.outcome.name for one in done[0]], rounds) == (["DENIED"], 1)
    transact(memory, Call(ROOT, [asset("feature a", {"dataType": "long"})]), now=NOW + 3)
    assert (team(memory, "feature a"), memory.record("feature a")["index"]["domain"]) == ("", "")


@pytest.mark.parametrize("beside", [False, True])
def test_a_version_keeps_its_owner_beside_a_call_that_reads_it_alone(memory: Memory, *, beside: bool) -> None:
    """The other call of the transaction needs the version as an end, without its parent, which owns it."""
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1", {"description": "one"}))
    memory.run(asset("model-version m@1", {"description": "two"}), who=BO, now=NOW + 1)
    memory.run(asset("deployment d", {"status": "PENDING"}, owners=THEIRS, modelVersion=["model-version m@1"]), who=MAL)
    others = [Call(MAL, [asset("deployment d", modelVersion=[])], dry_run=True)] if beside else []
    call = Call(BO, [update_of(memory, "model-version m@1", "description")])
    done, _ = transact(memory, *others, call, now=NOW + 2)
    assert [one.outcome.name for one in done[-1]] == ["UPDATED"]
    assert (memory.record("model-version m@1")["description"], team(memory, "model-version m@1")) == ("one", "ranking")


def test_a_feature_without_its_owner_again_has_that_of_its_set(memory: Memory) -> None:
    """The revert of its owners names no set, and reads it."""
    seeded(memory, asset("feature-set f", owners=OURS), asset("feature a", featureSet=["feature-set f"]))
    memory.run(asset("feature a", owners=THEIRS), now=NOW + 1)
    assert team(memory, "feature a") == "ads"
    done, _ = transact(memory, Call(ROOT, [update_of(memory, "feature a", "owners")]), now=NOW + 2)
    assert [one.outcome.name for one in done[0]] == ["UPDATED"]
    assert team(memory, "feature a") == "ranking"


def test_an_asset_that_leaves_its_domain_is_in_the_other_one(memory: Memory) -> None:
    """With two domains the index has the last one; when it ends, the remaining one, and then none."""
    seeded(memory, asset("dataset d"))
    domains = []
    for number, name in enumerate("ba", 1):
        memory.run(link("CONTAINS", f"domain {name}", "dataset d"), now=NOW + number)
        domains.append(memory.record("dataset d")["index"]["domain"])
    for number, name in enumerate("ab", 3):
        memory.run(UnlinkCommand("CONTAINS", urn(f"domain {name}"), urn("dataset d")), now=NOW + number)
        domains.append(memory.record("dataset d")["index"]["domain"])
    assert domains == [urn("domain b"), urn("domain a"), urn("domain b"), ""]


def domain_of(memory: Memory) -> str:
    """Return the name of the domain in the index of the dataset."""
    return str(memory.record("dataset d")["index"]["domain"]).rpartition("/")[2]


def test_the_domain_that_was_given_last_counts(memory: Memory) -> None:
    """By the instant of the write, whenever the edge begins, and of two at one instant the first by id."""
    seeded(memory, asset("dataset d", domain=["domain b"]))
    writes = (("c", 0, "b"), ("a", 0, "a"), ("e", 3, "e"), ("d", 3, "d"), ("f", 3, "d"), ("g", 4, "g"), ("c", 4, "g"))
    for name, at, counts in writes:
        memory.run(link("CONTAINS", f"domain {name}", "dataset d"), now=NOW + at)
        assert domain_of(memory) == counts
    memory.run(link("CONTAINS", "domain b", "dataset d", validFrom=NOW - 9), now=NOW + 5)
    assert domain_of(memory) == "b"
    for name, counts in (("b", "g"), ("g", "d"), ("c", "d"), ("d", "e"), ("e", "f"), ("f", "a"), ("a", "")):
        memory.run(UnlinkCommand("CONTAINS", urn(f"domain {name}"), urn("dataset d")), now=NOW + 6)
        assert domain_of(memory) == counts


@pytest.mark.parametrize(("container", "child"), [("domain b", "dataset d"), ("feature-set s", "feature f")])
def test_what_gives_an_asset_its_owner_is_not_scheduled(memory: Memory, container: str, child: str) -> None:
    """The owner changes by a write alone: a begin or an end after now is refused, and what has passed is not.

    A workflow gives its steps no owner, so that they may be scheduled.
    """
    seeded(memory, asset(container, owners=THEIRS), asset(child), link("CONTAINS", container, child))
    later = NOW + 99
    for dates in ({"validFrom": later}, {"validTo": later}):
        assert memory.outcomes(link("CONTAINS", container, child, **dates), now=NOW + 1) == ["INVALID"]
    assert memory.outcomes(link("CONTAINS", "workflow w", "workflow x", validTo=later), now=NOW + 1) == ["CREATED"]
    ending = UnlinkCommand("CONTAINS", urn(container), urn(child), later)
    assert memory.outcomes(ending, now=NOW + 1) == ["INVALID"]
    assert memory.record(child)["ownerTeam"]
    assert memory.outcomes(replace(ending, valid_to=NOW + 1), now=NOW + 1) == ["UPDATED"]
    assert not memory.record(child)["ownerTeam"]


@pytest.mark.parametrize(
    ("container", "item"),
    [
        ("domain b", asset("dataset d", domain=[])),
        ("domain b", UnlinkCommand("CONTAINS", urn("domain b"), urn("dataset d"))),
        ("feature-set s", asset("feature f", featureSet=[])),
        ("feature-set s", asset("feature-set s", features=[])),
        ("feature-set s", UnlinkCommand("CONTAINS", urn("feature-set s"), urn("feature f"))),
    ],
)
def test_a_container_that_lapsed_ends_with_the_next_write_of_the_edge(
    memory: Memory, container: str, item: Command
) -> None:
    """The end was set for later by an earlier version: a list or an `unlink` gives the asset its owner, once."""
    child = "dataset d" if container == "domain b" else "feature f"
    seeded(memory, asset(container, owners=THEIRS), asset(child), link("CONTAINS", container, child))
    key = next(key for key in memory.edges if key[0] == "CONTAINS")
    memory.edges[key] = {**memory.edges[key], "validTo": NOW + 5}
    assert memory.outcomes(item, now=NOW + 9) == ["UPDATED"]
    assert memory.record(child)["ownerTeam"] == ""
    assert memory.edges[key]["validTo"] == NOW + 5
    again = memory.run(item, now=NOW + 10)[0]
    assert [error.code.name for error in again.errors] == (["NOT_FOUND"] if isinstance(item, UnlinkCommand) else [])
    assert again.outcome.name != "UPDATED"


def test_versions_are_ordered_by_the_time_that_is_known_later(memory: Memory) -> None:
    """The edge of a stub has time 0, and gets the time of the version when it is registered."""
    seeded(memory, link("FEEDS", "dataset d", "model-version m@1"))
    assert memory.edge("VERSION_OF", "model-version m@1", "model m")["at"] == 0
    memory.run(asset("model-version m@1", {"sourceCreatedAt": 77}), now=NOW + 1)
    assert memory.edge("VERSION_OF", "model-version m@1", "model m")["at"] == 77


def test_a_link_to_an_own_placeholder_is_reported(memory: Memory) -> None:
    """Mal owns the service before its registration, and gives it back: the deployment does not impair its health."""
    seeded(memory, asset("deployment d", owners=THEIRS))
    ends = ("SERVED_BY", "deployment d", "service s")
    end = UnlinkCommand("SERVED_BY", urn("deployment d"), urn("service s"))
    taken: list[Command] = [link(*ends), set_owners("service s", "team ads"), end, link(*ends)]
    for at, step in enumerate([*taken, set_owners("service s")]):
        assert memory.outcomes(step, who=MAL, now=NOW + at) in (["CREATED"], ["UPDATED"])
    assert memory.outcomes(asset("service s", owners=OURS), who=BO, now=NOW + 9) == ["CREATED"]
    assert memory.edge(*ends)["reported"]


def test_a_link_to_a_placeholder_with_an_own_reserved_name_is_not_reported(memory: Memory) -> None:
    """The service is not registered yet, and belongs to the team of its name for good."""
    entry = Reservation(urn("team ranking"), frozenset({"Service"}), ("test",))
    memory.reserved_names = ReservedNames((entry,))
    seeded(memory, asset("deployment d", owners=OURS))
    ends = ("SERVED_BY", "deployment d", "service s")
    assert memory.outcomes(link(*ends), who=BO, now=NOW + 1) == ["CREATED"]
    assert "reported" not in memory.edge(*ends)


def test_who_recorded_an_edge_remains_if_another_changes_its_order(memory: Memory) -> None:
    """Otherwise a caller who gives a run another time could see, as its recorder, its edge to a hidden workflow."""
    seeded(memory, asset("run r", {"state": "RUNNING"}), link("RUN_OF", "run r", "workflow w"))
    recorder = memory.edge("RUN_OF", "run r", "workflow w")["recordedBy"]
    done = memory.outcomes(asset("run r", {"startedAt": NOW - 9}), who=person("ada", roles="admin"), now=NOW + 1)
    assert done == ["UPDATED"]
    edge = memory.edge("RUN_OF", "run r", "workflow w")
    assert (edge["at"], edge["recordedBy"]) == (NOW - 9, recorder)
    assert recorder != "ada"


@pytest.mark.parametrize("by_end", [False, True], ids=["unlink", "link with an end"])
def test_who_repeats_an_edge_of_others_does_not_end_it_once_its_end_is_hidden(memory: Memory, *, by_end: bool) -> None:
    """Ada repeats what a run without an owner produced for ads; when the dataset is hidden from her, it stays so."""
    ada, robot = person("ada", "team ranking", roles="engineer"), person("ads-ci", "team ads", roles="automation")
    ends = ("PRODUCES", "run r", "dataset d")
    seeded(memory, asset("dataset d", owners=THEIRS))
    assert memory.outcomes(asset("run r", {"state": "COMPLETE"}, outputs=["dataset d"]), who=robot) == ["CREATED"]
    assert memory.outcomes(link(*ends), who=ada, now=NOW + 1) == ["UPDATED"]
    end = UnlinkCommand(ends[0], urn(ends[1]), urn(ends[2]))
    assert [done.errors[0].code.name for done in memory.run(end, who=ada, now=NOW + 2)] == ["DENIED"]
    assert memory.outcomes(asset("dataset d", {"visibility": "TEAM"}), who=robot, now=NOW + 3) == ["UPDATED"]
    memory.run(link(*ends, validTo=NOW + 9) if by_end else end, who=ada, now=NOW + 4)
    edge = memory.edge(*ends)
    assert (is_current(edge, NOW + 9), "claim" in edge, edge["recordedBy"]) == (True, False, "ads-ci")


ENDS = ("PRODUCES", "run r", "dataset d")
UNLINK = UnlinkCommand(ENDS[0], urn(ENDS[1]), urn(ENDS[2]))


def run_with(*outputs: str) -> RegisterCommand:
    """Return the registration of a run of ads that lists all its outputs."""
    run = asset(ENDS[1], {"state": "COMPLETE"}, owners=THEIRS, outputs=outputs)
    return replace(run, edges=tuple(replace(each, adds=False) for each in run.edges))


WITHDRAWALS = {
    "unlink": (UNLINK, "INVALID"),
    "a link with an end": (link(*ENDS, validTo=NOW + 9), "UNCHANGED"),
    "a list": (run_with(), "UNCHANGED"),
}
"""Commands that withdraw an edge or give it an end, with their outcomes when they are repeated."""


@pytest.mark.parametrize(("withdrawal", "again"), WITHDRAWALS.values(), ids=WITHDRAWALS)
@pytest.mark.parametrize("late", [False, True], ids=["first", "later, with both rights"])
def test_who_recorded_an_edge_does_not_end_it_for_others_once_its_end_is_hidden(
    memory: Memory, withdrawal: Command, again: str, *, late: bool
) -> None:
    """Ads and ada declare an edge by two fields. Ads withdraws its own once the dataset is hidden: hers is left.

    The edge goes on without a pause, also if ads declared it after ada, with a right on the dataset at that time. The
    responses are those for an absent dataset. She ends the edge as she declared it.
    """
    ada, ads = person("ada", "team ranking", roles="engineer"), person("ads", "team ads", roles="engineer")
    made, both = asset("dataset d", owners=OURS, producedBy=["run r"]), replace(ads, teams=ads.teams | ada.teams)
    writes = [(made, ada), (run_with("dataset d"), both)] if late else [(run_with("dataset d"), ads), (made, ada)]
    for at, (item, who) in enumerate(writes):
        assert memory.outcomes(item, who=who, now=NOW + at) == ["CREATED"]
    before = memory.edge(*ENDS)
    assert (before["recordedBy"], before["by"]) == ("ads", ["Dataset.producedBy", "Run.outputs"])
    assert memory.outcomes(made, who=ada, now=NOW + 2) == ["UNCHANGED"]
    assert memory.outcomes(asset("dataset d", {"visibility": "TEAM"}), who=ada, now=NOW + 3) == ["UPDATED"]
    assert memory.outcomes(withdrawal, who=ads, now=NOW + 4) == ["UPDATED"]
    assert memory.outcomes(withdrawal, who=ads, now=NOW + 5) == [again]
    edge = memory.edge(*ENDS)
    assert (edge["recordedBy"], edge["by"], edge["validFrom"]) == ("ada", ["Dataset.producedBy"], before["validFrom"])
    assert is_current(edge, NOW + 9)
    assert memory.outcomes(made, who=ada, now=NOW + 6) == ["UNCHANGED"]
    assert memory.outcomes(asset("dataset d", producedBy=[]), who=ada, now=NOW + 7) == ["UPDATED"]
    assert not is_current(memory.edge(*ENDS), NOW + 7)


def test_who_recorded_an_edge_does_not_declassify_it_for_the_owner_of_a_hidden_end(memory: Memory) -> None:
    """An approver of the run has no right on the dataset: what its owner declares carries sensitivity as before."""
    ads = person("ads", "team ads", roles="engineer approver")
    ada = person("ada", "team ranking", roles="engineer")
    assert memory.outcomes(run_with("dataset d"), who=ads) == ["CREATED"]
    made = asset("dataset d", {"visibility": "TEAM"}, owners=OURS, producedBy=["run r"])
    assert memory.outcomes(made, who=ada, now=NOW + 1) == ["CREATED"]
    free = link(*ENDS, declassified=True)
    assert memory.outcomes(free, who=ads, now=NOW + 2) == ["UPDATED"]
    assert memory.outcomes(free, who=ads, now=NOW + 3) == ["UNCHANGED"]
    edge = memory.edge(*ENDS)
    assert (edge["recordedBy"], edge.get("declassified", False), is_current(edge, NOW + 3)) == ("ada", False, True)


def test_who_owns_what_an_edge_changes_ends_it_for_all_by_unlink(memory: Memory) -> None:
    """A hidden source is not changed by the edge, so the right on the dataset is enough, also if others declare it."""
    ada, robot = (person(name, "team ranking", roles="engineer") for name in ("ada", "robot"))
    seeded(memory, asset("dataset s", owners=THEIRS))
    made = asset("dataset d", owners=OURS, derivedFrom=["dataset s"])
    ends = ("DERIVES", "dataset s", "dataset d")
    assert memory.outcomes(made, who=robot) == ["CREATED"]
    assert memory.outcomes(link(*ends, confidence=0.9), who=ada, now=NOW + 1) == ["UPDATED"]
    hides = asset("dataset s", {"visibility": "TEAM"})
    assert memory.outcomes(hides, who=person("bo", "team ads", roles="engineer"), now=NOW + 2) == ["UPDATED"]
    unlinks = UnlinkCommand(ends[0], urn(ends[1]), urn(ends[2]))
    assert memory.outcomes(unlinks, who=ada, now=NOW + 3) == ["UPDATED"]
    assert not is_current(memory.edge(*ends), NOW + 3)
