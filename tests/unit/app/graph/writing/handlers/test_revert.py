"""A revert requires the rights of the original change, and further ones where it reverses the decision of others."""

from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.edge_record import is_current
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.ports.commands import RegisterCommand, RevertCommand, SetAliasCommand, UnlinkCommand

CI = person("ci", "team ranking", roles="automation")
ADA = person("ada", "team ranking", roles="engineer")
ELI = person("eli", "team ranking", roles="engineer approver")
EVE = person("eve", "team ranking", roles="engineer approver")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}


def stage(value: str) -> RegisterCommand:
    """Set another life cycle stage of the dataset."""
    return RegisterCommand(urn("dataset d"), {"stage": value}, action=ChangeAction.STAGE_SET, id_path="asset")


def newest(memory: Memory, text: str) -> str:
    """Return the id of the last change of an asset."""
    changes: list[Any] = [record for record in memory.vertices.values() if record.get("subject") == urn(text)]
    return str(max(changes, key=lambda change: change["createdAt"])["id"])


def codes(memory: Memory, change: str, who: Any, now: int) -> list[str]:
    """Return the error codes of a revert."""
    (done,) = memory.run(RevertCommand(change), who=who, now=now)
    return [refusal.code.name for refusal in done.errors]


def test_reverting_cannot_retire_without_the_right_to(memory: Memory) -> None:
    """A pipeline that may update but not retire cannot retire by reverting a reactivation."""
    seeded(memory, asset("dataset d", owners=OURS))
    memory.run(stage("RETIRED"), who=ADA, now=NOW + 1)
    memory.run(stage("ACTIVE"), who=CI, now=NOW + 2)
    change = newest(memory, "dataset d")
    assert codes(memory, change, CI, NOW + 3) == ["DENIED"]
    assert codes(memory, change, ADA, NOW + 3) == []
    assert memory.record("dataset d")["stage"] == "RETIRED"


def test_reverting_cannot_declassify_without_an_approver(memory: Memory) -> None:
    """An approver's decision on an edge is reverted, in either direction, only with the right to approve."""
    seeded(memory, asset("dataset up", owners=OURS), asset("dataset d", owners=OURS))
    for number, flag in enumerate((True, False), 1):
        (done,) = memory.run(link("DERIVES", "dataset up", "dataset d", declassified=flag), who=ELI, now=NOW + number)
        assert done.errors == ()
    change = newest(memory, "dataset d")
    assert codes(memory, change, ADA, NOW + 3) == ["DENIED"]
    assert codes(memory, change, ELI, NOW + 3) == []
    assert memory.edge("DERIVES", "dataset up", "dataset d")["declassified"]
    assert codes(memory, newest(memory, "dataset d"), ADA, NOW + 4) == ["DENIED"]


def test_reverting_deletes_no_team(memory: Memory) -> None:
    """Owners, tags and domains are never deleted by a revert, because assets refer to them."""
    seeded(memory, asset("dataset d", owners=OURS, tags=["tag pii"], domain=["domain shop"]))
    for text in ("team ranking", "tag pii", "domain shop"):
        (done,) = memory.run(RevertCommand(newest(memory, text)), now=NOW + 1)
        assert [refusal.code.name for refusal in done.errors] == ["INVALID"]
        assert "deletedAt" not in memory.record(text)


def test_reverting_gives_the_owner_back(memory: Memory) -> None:
    """The team that owned an asset owns it again, also if another team comes first in the order of ids."""
    both = {"team ranking": ["TECHNICAL"], "team ads": ["TECHNICAL"]}
    seeded(memory, asset("dataset d", owners=both))
    memory.run(asset("dataset d", owners={"team ads": ["TECHNICAL"]}), now=NOW + 1)
    assert memory.record("dataset d")["ownerTeam"] == urn("team ads")
    memory.run(RevertCommand(newest(memory, "dataset d")), now=NOW + 2)
    assert memory.record("dataset d")["ownerTeam"] == urn("team ranking")
    assert len(memory.record("dataset d")["index"]["owners"]) == 2


def test_an_unconfirmed_link_is_reverted(memory: Memory) -> None:
    """A link marked unconfirmed is unchanged since, so a caller who sees its source may revert it.

    The edge then ends.
    """
    shut = asset("dataset shut", {"visibility": "TEAM"}, owners={"team ads": ["TECHNICAL"]})
    seeded(memory, shut)
    memory.run(link("DERIVES", "dataset shut", "dataset d"), now=NOW + 1)
    change = newest(memory, "dataset d")
    memory.run(asset("dataset d", owners=OURS), who=ADA, now=NOW + 2)
    assert memory.edge("DERIVES", "dataset shut", "dataset d")["claim"]
    (done,) = memory.run(RevertCommand(change), now=NOW + 3)
    assert done.errors == ()
    edge = memory.edge("DERIVES", "dataset shut", "dataset d")
    assert (edge["by"], edge["validTo"], edge["earlier"]) == ([], NOW + 3, [[NOW + 1, NOW + 2]])


def test_reverting_ends_no_edge_that_unlink_would_not(memory: Memory) -> None:
    """A link that changed data of another team as well ends with the right on both ends only."""
    run = asset("run r", {"state": "COMPLETE"}, owners=OURS)
    seeded(memory, run, asset("dataset d", owners={"team ads": ["TECHNICAL"]}))
    memory.run(link("PRODUCES", "run r", "dataset d"), now=NOW + 1)
    change = newest(memory, "run r")
    assert memory.outcomes(UnlinkCommand("PRODUCES", urn("run r"), urn("dataset d")), who=ADA, now=NOW + 2) == [
        "DENIED"
    ]
    assert codes(memory, change, ADA, NOW + 2) == ["DENIED"]
    assert codes(memory, change, person("both", "team ranking", "team ads", roles="engineer"), NOW + 3) == []


def test_reverting_moves_no_end_of_an_edge_that_unlink_would_not(memory: Memory) -> None:
    """The edge had an end before; to give it back needs the right on both assets, as ending it does."""
    seeded(memory, asset("run r", {"state": "COMPLETE"}, owners=OURS), asset("dataset d", owners=THEIRS))
    for number, end in enumerate((NOW + 1_000, None), 1):
        (done,) = memory.run(link("PRODUCES", "run r", "dataset d", validTo=end), now=NOW + number)
        assert done.errors == ()
    change = newest(memory, "run r")
    assert codes(memory, change, ADA, NOW + 3) == ["DENIED"]
    assert "validTo" not in memory.edge("PRODUCES", "run r", "dataset d")
    assert codes(memory, change, person("root", roles="admin"), NOW + 3) == []
    assert memory.edge("PRODUCES", "run r", "dataset d")["validTo"] == NOW + 1_000


def test_reverting_takes_no_version_from_its_parent(memory: Memory) -> None:
    """A link of a version to its placeholder is not reverted, as it is not unlinked: the id names the parent."""
    ends = ("VERSION_OF", "model-version m@1", "model m")
    assert memory.outcomes(link(*ends), who=ADA) == ["CREATED"]
    assert codes(memory, newest(memory, ends[1]), ADA, NOW + 1) == ["INVALID"]
    assert is_current(memory.edge(*ends), NOW + 1)


@pytest.mark.parametrize("steps", [(True,), (False, True)])
def test_reverting_removes_no_protection_that_set_alias_would_not(memory: Memory, steps: tuple[bool, ...]) -> None:
    """Who made the version does not revert the protection of an alias, and who did not does so.

    The alias was protected when it was set, so that it is removed, or later, so that it stays without protection. Who
    reverts it then points the alias at no own version.
    """
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"))
    for number, protected in enumerate(steps, 1):
        move = SetAliasCommand(urn("model m"), "champion", urn("model-version m@1"), protected=protected)
        assert memory.outcomes(move, who=EVE, now=NOW + number) == ["UPDATED"]
    change = newest(memory, "model m")
    assert memory.outcomes(asset("model-version m@2"), who=ELI, now=NOW + 3) == ["CREATED"]
    assert codes(memory, change, ELI, NOW + 4) == ["DENIED"]
    assert codes(memory, change, EVE, NOW + 4) == []
    assert memory.outcomes(asset("model-version m@3"), who=EVE, now=NOW + 5) == ["CREATED"]
    for version, outcome in (("m@3", "DENIED"), ("m@2", "UPDATED")):
        move = SetAliasCommand(urn("model m"), "champion", urn(f"model-version {version}"))
        assert memory.outcomes(move, who=EVE, now=NOW + 6) == [outcome]


def test_reverting_puts_no_placeholder_into_a_domain_of_others(memory: Memory) -> None:
    """Ada, whose link is denied, does not revert the end of the edge either; an administrator does."""
    seeded(memory, asset("domain shop", owners=THEIRS), link("DERIVES", "dataset other", "dataset seen"))
    seeded(memory, link("CONTAINS", "domain shop", "dataset seen"))
    ended = UnlinkCommand("CONTAINS", urn("domain shop"), urn("dataset seen"))
    assert memory.outcomes(ended, who=ADA, now=NOW + 1) == ["UPDATED"]
    change = newest(memory, "dataset seen")
    assert codes(memory, change, ADA, NOW + 2) == ["DENIED"]
    assert memory.record("dataset seen")["index"]["domain"] == ""
    assert codes(memory, change, ROOT, NOW + 3) == []
    assert memory.record("dataset seen")["index"]["domain"] == urn("domain shop")


def test_reverting_schedules_no_end_in_a_domain(memory: Memory) -> None:
    """An earlier version scheduled the end of the edge; the restored edge has none, because a write must end it."""
    ends = ("CONTAINS", "domain shop", "dataset d")
    seeded(memory, asset("domain shop", owners=THEIRS), asset("dataset d"), link(*ends))
    key = next(key for key in memory.edges if key[0] == "CONTAINS")
    memory.edges[key] = {**memory.edge(*ends), "validTo": NOW + 500}
    assert memory.outcomes(UnlinkCommand(ends[0], urn(ends[1]), urn(ends[2])), who=ROOT, now=NOW + 1) == ["UPDATED"]
    assert codes(memory, newest(memory, "dataset d"), ROOT, NOW + 2) == []
    assert "validTo" not in memory.edge(*ends)
