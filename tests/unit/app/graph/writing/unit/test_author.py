"""Reserved names in the plans of writes: they belong to their team, also if a stranger uses them first."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, set_owners, urn

from graphql_schema.catalog.kinds import RESERVABLE
from graphql_schema.ports.commands import Command, MergeCommand, RegisterCommand, RevertCommand, UnlinkCommand
from policies.installation.reserved_names import Reservation, ReservedNames
from policies.principal import Principal

RANKING = urn("team ranking")
RESERVED = ReservedNames((Reservation(RANKING, frozenset(RESERVABLE), ("test",)),))
MAL, ROBOT = person("mal", "team ads", roles="engineer"), person("robot", "team ranking", roles="automation")
NOTHING_INDEXED = {"owners": [], "tags": [], "domain": "", "whole": ""}
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}


@pytest.fixture
def reserved(memory: Memory) -> Memory:
    """Return an empty store in which all ids with the source `test` are reserved for the team ranking."""
    memory.reserved_names = RESERVED
    return memory


@pytest.mark.parametrize("text", ["run r", "evaluation e", "model m", "model-version m@1", "dataset d", "deployment p"])
@pytest.mark.parametrize("owners", [None, {}, THEIRS], ids=["no owners", "an empty list", "own owners"])
def test_a_stranger_registers_no_reserved_id(reserved: Memory, text: str, owners: dict[str, list[str]] | None) -> None:
    """The denial names the owner of the id, and nothing is written."""
    given = {} if owners is None else {"owners": owners}
    (outcome,) = reserved.run(asset(text, {"verdict": "PASS"} if "evaluation" in text else {}, **given), who=MAL)
    assert (outcome.outcome.name, not reserved.vertices) == ("DENIED", True)
    assert f"{urn(text)}, which belongs to {RANKING}" in outcome.errors[0].message


@pytest.mark.parametrize("text", ["run r", "model m", "model-version m@1"])
def test_a_hidden_asset_is_denied_as_an_absent_one(reserved: Memory, text: str) -> None:
    """The error of a registration by a stranger does not disclose whether a reserved id is in use."""
    (absent,) = reserved.run(asset(text), who=MAL)
    seeded(reserved, asset("model m", {"visibility": "TEAM"}), asset(text, {"visibility": "TEAM"}))
    (hidden,) = reserved.run(asset(text), who=MAL, now=NOW + 1)
    assert absent == hidden


@pytest.mark.parametrize("text", ["run r", "model m", "model-version m@1"])
def test_the_team_owns_what_it_registers_without_owners(reserved: Memory, text: str) -> None:
    """The owner team is that of the name, whose record exists then; a repetition changes nothing."""
    assert reserved.outcomes(asset(text), who=ROBOT) == ["CREATED"]
    assert reserved.record(text)["ownerTeam"] == RANKING
    assert reserved.record("team ranking")["kind"] == "TEAM"
    assert reserved.outcomes(asset(text), who=ROBOT, now=NOW + 1) == ["UNCHANGED"]


def test_a_reference_of_a_stranger_takes_nothing(reserved: Memory) -> None:
    """The placeholder that a stranger refers to is of the team, which the stranger neither registers nor changes."""
    theirs = asset("run s", {}, inputs=["dataset d"])
    reserved.reserved_names = ReservedNames((replace(RESERVED.entries[0], kinds=frozenset({"Dataset"})),))
    assert reserved.outcomes(theirs, who=MAL) == ["CREATED"]
    assert reserved.record("dataset d")["ownerTeam"] == RANKING
    denied: list[Command] = [
        asset("dataset d"),
        set_owners("dataset d", "team ads"),
        link("TAGGED", "dataset d", "tag pii"),
    ]
    assert reserved.outcomes(*denied, who=MAL, now=NOW + 1) == ["DENIED"] * 3
    assert reserved.outcomes(asset("dataset d"), who=ROBOT, now=NOW + 2) == ["CREATED"]


@pytest.mark.parametrize("order", [*permutations(range(4))], ids=str)
def test_the_order_of_arrival_changes_nothing(reserved: Memory, order: Sequence[int]) -> None:
    """A reference, a registration and a tag of a stranger have the same result before and after the registration."""
    reserved.reserved_names = ReservedNames((replace(RESERVED.entries[0], kinds=frozenset({"Dataset"})),))
    restricted = asset("dataset d", {"sensitivity": "RESTRICTED", "visibility": "TEAM"}, owners=THEIRS)
    calls: list[tuple[Principal, Command]] = [
        (MAL, asset("run s", {}, inputs=["dataset d"])),
        (MAL, restricted),
        (MAL, link("TAGGED", "dataset d", "tag pii")),
        (ROBOT, asset("dataset d", {"format": "csv"})),
    ]
    for at, call in enumerate(order):
        who, command = calls[call]
        reserved.run(command, who=who, now=NOW + at)
    found = reserved.record("dataset d")
    assert (found["ownerTeam"], found["format"], found["index"]) == (RANKING, "csv", NOTHING_INDEXED)
    assert (found["sensitivity"], found["visibility"], found["hydration"]) == ("INTERNAL", "ORG", "FULL")


def test_who_refers_first_does_not_merge_the_id_away(reserved: Memory) -> None:
    """A merge needs the right to register the placeholder."""
    reserved.reserved_names = ReservedNames((replace(RESERVED.entries[0], sources=("lake",)),))
    theirs = RANKING.replace("team/catalog", "dataset/lake").replace("ranking", "d")
    assert reserved.outcomes(asset("dataset own"), who=MAL) == ["CREATED"]
    made = replace(link("DERIVES", "dataset x", "dataset own"), source=theirs)
    assert reserved.outcomes(made, who=MAL, now=NOW + 1) == ["CREATED"]
    merge = MergeCommand(theirs, urn("dataset own"), None)
    (outcome,) = reserved.run(merge, who=MAL, now=NOW + 2)
    assert outcome.outcome.name == "DENIED"


def test_declared_teams_come_first_and_users_after(reserved: Memory) -> None:
    """Another team gets an asset by who may change it for both, and loses it again; a user does not take it."""
    who = person("ada", "team ranking", roles="engineer")
    seeded(reserved, asset("run r"))
    assert reserved.outcomes(set_owners("run r", "user ada"), who=who, now=NOW + 1) == ["UPDATED"]
    assert reserved.record("run r")["ownerTeam"] == RANKING
    assert reserved.outcomes(set_owners("run r", "team ads"), who=who, now=NOW + 2) == ["DENIED"]
    assert reserved.outcomes(set_owners("run r", "team ads"), now=NOW + 2) == ["UPDATED"]
    assert reserved.record("run r")["ownerTeam"] == urn("team ads")
    assert reserved.outcomes(set_owners("run r"), now=NOW + 3) == ["UPDATED"]
    assert reserved.record("run r")["ownerTeam"] == RANKING


@pytest.mark.parametrize("entries", [(), (Reservation(urn("team ads"), frozenset(RESERVABLE), ("test",)),)], ids=len)
def test_a_changed_or_removed_entry_takes_nothing(reserved: Memory, entries: tuple[Reservation, ...]) -> None:
    """What has an owner keeps it, so its pipeline goes on, and others do not; a new id gets the new owner."""
    seeded(reserved, asset("run r"), asset("model m"))
    reserved.reserved_names = ReservedNames(entries)
    assert reserved.outcomes(asset("run r", {"state": "COMPLETE"}), who=ROBOT, now=NOW + 1) == ["UPDATED"]
    assert reserved.outcomes(asset("run r", {"error": "x"}), who=MAL, now=NOW + 2) == ["DENIED"]
    assert reserved.outcomes(asset("model-version m@1"), who=ROBOT, now=NOW + 2) == ["CREATED"]
    assert {reserved.record(text)["ownerTeam"] for text in ("run r", "model-version m@1")} == {RANKING}
    assert reserved.outcomes(asset("run s"), who=MAL, now=NOW + 3) == ["CREATED"]
    assert reserved.record("run s")["ownerTeam"] == (urn("team ads") if entries else "")


def test_an_entry_takes_nothing_from_an_owner(memory: Memory) -> None:
    """What a user or another team owned before the entry stays theirs."""
    ada = replace(person("ada", roles="engineer"), user=urn("user ada"), acts_for=frozenset({urn("user ada")}))
    seeded(memory, asset("run r", owners={"user ada": ["TECHNICAL"]}), asset("run s", owners=THEIRS))
    memory.reserved_names = RESERVED
    assert memory.outcomes(asset("run r", {"state": "START"}), who=ada, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("run s", {"state": "START"}), who=MAL, now=NOW + 1) == ["UPDATED"]
    assert memory.record("run r")["ownerTeam"] == urn("user ada")


def test_versions_below_an_older_parent_without_an_owner_stay_as_they_were(memory: Memory) -> None:
    """A version belongs to its parent, so an entry changes it when the team registers the parent."""
    seeded(memory, asset("model m"))
    memory.reserved_names = RESERVED
    assert (
        memory.outcomes(asset("model-version m@1"), asset("model-version m@2"), who=MAL, now=NOW + 1) == ["CREATED"] * 2
    )
    assert memory.record("model-version m@1")["ownerTeam"] == ""
    assert memory.outcomes(asset("model m"), who=ROBOT, now=NOW + 2) == ["UPDATED"]
    assert memory.record("model-version m@1")["ownerTeam"] == RANKING
    assert memory.outcomes(asset("model-version m@3"), who=MAL, now=NOW + 3) == ["DENIED"]


@pytest.mark.parametrize(
    "first", [None, asset("run other", {}, inputs=["dataset d"])], ids=["no reference", "reference"]
)
def test_a_reserved_run_does_not_get_the_owner_of_its_workflow(reserved: Memory, first: RegisterCommand | None) -> None:
    """The team of the name owns it, with and without an earlier reference to the run."""
    seeded(reserved, asset("workflow w", owners=THEIRS))
    if first is not None:
        seeded(reserved, link("INPUT_TO", "dataset d", "run r"))
    both = person("robot", "team ranking", "team ads", roles="automation")
    assert reserved.outcomes(asset("run r", {}, workflow=["workflow w"]), who=both, now=NOW + 1) == ["CREATED"]
    assert (reserved.record("run r")["ownerTeam"], reserved.record("run r")["index"]["owners"]) == (RANKING, [])


def test_a_dataset_merged_into_a_hidden_one_is_denied_as_an_absent_one(reserved: Memory) -> None:
    """The id that the caller gives decides, and not that of the hidden dataset to which it leads."""
    reserved.reserved_names = ReservedNames((replace(RESERVED.entries[0], sources=("lake",)),))
    reserved_id = RANKING.replace("team/catalog", "dataset/lake").replace("ranking", "d")
    output = replace(link("PRODUCES", "run s", "dataset x"), target=reserved_id)
    seeded(reserved, asset("run s", owners=THEIRS))
    absent = reserved.run(output, who=MAL, dry_run=True)
    seeded(reserved, asset("dataset x", {"visibility": "TEAM"}, owners=OURS), RegisterCommand(reserved_id, {}, ()))
    assert reserved.outcomes(MergeCommand(reserved_id, urn("dataset x"), None)) == ["UPDATED"]
    assert reserved.run(output, who=MAL, dry_run=True) == absent


def test_a_child_belongs_to_the_owner_of_its_parent(reserved: Memory) -> None:
    """A version inherits a declared team of its parent, which comes before the team of the name."""
    seeded(reserved, asset("model m", owners=THEIRS), asset("model-version m@1"))
    assert reserved.record("model-version m@1")["ownerTeam"] == urn("team ads")
    assert reserved.outcomes(asset("model-version m@2"), who=MAL, now=NOW + 1) == ["CREATED"]
    assert reserved.record("model-version m@2")["ownerTeam"] == urn("team ads")


def test_a_stranger_takes_no_feature_into_an_own_set(reserved: Memory) -> None:
    """Features get the owner of their set, so a set of a stranger with a reserved feature is denied."""
    reserved.reserved_names = ReservedNames((replace(RESERVED.entries[0], kinds=frozenset({"Feature"})),))
    theirs = asset("feature-set s", {}, owners=THEIRS, features=["feature f"])
    assert reserved.outcomes(theirs, who=MAL) == ["DENIED"]
    assert reserved.outcomes(asset("feature-set s", {}, owners=THEIRS), who=MAL) == ["CREATED"]
    assert reserved.outcomes(link("CONTAINS", "feature-set s", "feature f"), who=MAL, now=NOW + 1) == ["DENIED"]


def test_a_later_entry_applies_with_the_next_registration(memory: Memory) -> None:
    """What was there before the entry gets its owner when the team registers it; a stranger no longer changes it."""
    seeded(memory, asset("run old"), asset("run named"), asset("run s", {}, inputs=["dataset d"]))
    memory.reserved_names = RESERVED
    commands = [asset("run old", {"error": "x"}), asset("dataset d"), asset("dataset d", {}, owners=THEIRS)]
    assert memory.outcomes(*commands, who=MAL, now=NOW + 1) == ["DENIED"] * 3
    again = [asset("run old"), asset("dataset d"), asset("run named", owners=OURS)]
    assert memory.outcomes(*again, who=ROBOT, now=NOW + 2) == ["UPDATED", "CREATED", "UPDATED"]
    assert {memory.record(text)["ownerTeam"] for text in ("run old", "dataset d", "run named")} == {RANKING}


@pytest.mark.parametrize("referred", [True, False], ids=["placeholder", "registered"])
def test_who_registered_an_older_asset_does_not_take_it(memory: Memory, *, referred: bool) -> None:
    """From the entry on, only the team gives it an owner, hides it, or lets its id lead to another dataset."""
    mal = replace(MAL, user=urn("user mal"), acts_for=frozenset({urn("user mal"), urn("domain ads")}))
    seeded(memory, asset("domain ads", owners=THEIRS), asset("dataset own", owners=THEIRS))
    first: list[Command] = [link("DERIVES", "dataset d", "dataset own")] if referred else [asset("dataset d")]
    former = set_owners("dataset d", "team ads"), set_owners("dataset d")
    assert memory.outcomes(*first, *former, who=mal, now=NOW + 1) == ["CREATED", "UPDATED", "UPDATED"]
    given = (one for one in memory.vertices.values() if "owners" in {each["field"] for each in one.get("fields", ())})
    before = memory.record("dataset d")
    memory.reserved_names = RESERVED
    denied: list[Command] = [
        *(asset("dataset d", {}, owners={name: ["TECHNICAL"]}) for name in ("team ads", "user mal")),
        *(set_owners("dataset d", name) for name in ("team ads", "user mal")),
        *(asset("dataset d", values) for values in ({"visibility": "TEAM"}, {"sensitivity": "RESTRICTED"})),
        link("CONTAINS", "domain ads", "dataset d"),
        asset("dataset d", {}, domain=["domain ads"]),
        RevertCommand(max(given, key=lambda one: str(one["id"]))["id"]),
        MergeCommand(urn("dataset d"), urn("dataset own"), None),
    ]
    for at, command in enumerate(denied, 2):
        (done,) = memory.run(command, who=mal, now=NOW + at)
        assert [error.code.name for error in done.errors] == ["DENIED"], command
        assert RANKING in done.errors[0].message
    assert memory.record("dataset d") == before
    assert memory.outcomes(asset("dataset d"), who=ROBOT, now=NOW + 20) == ["CREATED" if referred else "UPDATED"]
    assert memory.record("dataset d")["ownerTeam"] == RANKING


def test_a_stranger_takes_no_older_placeholder_into_an_own_set(memory: Memory) -> None:
    """A feature that was referred to before the entry does not belong to the set of a stranger."""
    other = urn("feature-set other")
    seeded(memory, link("CONTAINS", "feature-set other", "feature f"))
    assert memory.outcomes(UnlinkCommand("CONTAINS", other, urn("feature f")), now=NOW + 1) == ["UPDATED"]
    memory.reserved_names = ReservedNames((replace(RESERVED.entries[0], kinds=frozenset({"Feature"})),))
    memory.run(asset("feature-set s", {}, owners=THEIRS, features=["feature f"]), who=MAL, now=NOW + 2)
    assert memory.record("feature f")["ownerTeam"] == ""
    assert memory.outcomes(asset("feature f"), who=ROBOT, now=NOW + 3) == ["CREATED"]
    assert memory.record("feature f")["ownerTeam"] == RANKING


def test_other_names_stay_free(reserved: Memory) -> None:
    """An id that no entry matches has no owner, and tags, teams, users and domains are not reserved."""
    reserved.reserved_names = ReservedNames((replace(RESERVED.entries[0], kinds=frozenset({"Run"})),))
    assert reserved.outcomes(asset("dataset d"), who=MAL) == ["CREATED"]
    assert reserved.record("dataset d")["ownerTeam"] == ""


def test_an_older_set_does_not_take_features_that_are_reserved_later(memory: Memory) -> None:
    """The registrant of a set without an owner gives it one no longer, because its features would follow."""
    seeded(memory, asset("team ads"))
    commands = [asset("feature full"), asset("feature-set s", features=["feature full", "feature stub"])]
    assert memory.outcomes(*commands, who=MAL) == ["CREATED"] * 2
    memory.reserved_names = ReservedNames((replace(RESERVED.entries[0], kinds=frozenset({"Feature"})),))
    assert memory.outcomes(set_owners("feature-set s", "team ads"), who=MAL, now=NOW + 1) == ["DENIED"]
    assert {memory.record(f"feature {name}")["ownerTeam"] for name in ("full", "stub")} == {""}


def test_who_owns_a_set_releases_a_feature_that_is_reserved_later(memory: Memory) -> None:
    """The feature is without an owner then, as without the entry, until the team registers it."""
    seeded(memory, asset("feature-set s", owners=THEIRS, features=["feature f"]), asset("feature f"))
    memory.reserved_names = ReservedNames((replace(RESERVED.entries[0], kinds=frozenset({"Feature"})),))
    assert memory.outcomes(asset("feature-set s", features=[]), who=MAL, now=NOW + 1) == ["UPDATED"]
    assert memory.record("feature f")["ownerTeam"] == ""
    assert memory.outcomes(asset("feature f", owners=THEIRS), who=MAL, now=NOW + 2) == ["DENIED"]
    assert memory.outcomes(asset("feature f"), who=ROBOT, now=NOW + 3) == ["UPDATED"]
    assert memory.record("feature f")["ownerTeam"] == RANKING


@pytest.mark.parametrize("state", ["new", "stub", "registered"])
def test_the_team_comes_before_a_user_and_a_domain_in_any_order(memory: Memory, state: str) -> None:
    """What was stored before the entry without an owner is the team's, also beside a user or in a domain."""
    ada = replace(person("ada", "team ranking", roles="engineer"), user=urn("user ada"))
    seeded(memory, asset("domain ads", owners=THEIRS))
    if state != "new":
        seeded(memory, link("INPUT_TO", "dataset d", "run r"), link("CONTAINS", "domain ads", "run in-domain"))
    if state == "registered":
        seeded(memory, asset("run r"))
    memory.reserved_names = RESERVED
    command = asset("run r", owners={"user ada": ["TECHNICAL"]})
    assert memory.outcomes(command, asset("run in-domain"), who=ada, now=NOW + 1)[1] == "CREATED"
    assert {memory.record(text)["ownerTeam"] for text in ("run r", "run in-domain")} == {RANKING}


@pytest.mark.parametrize("text", ["dataset d", "dataset x"])
def test_a_denial_does_not_name_the_team_of_a_hidden_target(reserved: Memory, text: str) -> None:
    """The id that the caller gives decides whether a team is named, not that of the dataset to which it leads."""
    reserved.reserved_names = ReservedNames((replace(RESERVED.entries[0], sources=("lake",)),))
    target = RANKING.replace("team/catalog", "dataset/lake").replace("ranking", "t")
    seeded(reserved, RegisterCommand(target, {"visibility": "TEAM"}, ()), asset("dataset d"))
    assert reserved.outcomes(MergeCommand(urn("dataset d"), target, None), now=NOW + 1) == ["UPDATED"]
    (outcome,) = reserved.run(asset(text), who=MAL, now=NOW + 2)
    assert "ranking" not in str(outcome.errors)
