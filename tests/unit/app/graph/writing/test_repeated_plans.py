"""How often a transaction is read and planned: as often for an item that concerns many assets as for one of few."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.stores.counted_reads import CountedReads
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from graphql_schema.catalog.kinds import RESERVABLE
from graphql_schema.catalog.relations import CONTAINS, INPUT_TO
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    OpenIncidentCommand,
    RegisterCommand,
    SetAliasCommand,
)
from policies.installation.gates import Gate, Gates, Needs
from policies.installation.reserved_names import Reservation, ReservedNames

FEW, MANY = 3, 30
ELI = person("eli", "team ranking", roles="approver engineer admin")

Case = Callable[[Memory, int], Command]
"""Prepares a store, and returns a command about this many assets."""


def named(slug: str, number: int) -> str:
    """Return the id of an asset in the namespace of a team of its own."""
    return make_urn(slug, "test", f"space{number}", "x")


def with_targets(command: RegisterCommand, edges: DeclaredEdges, slug: str, count: int) -> RegisterCommand:
    """Return a registration with edges to this many assets."""
    return replace(command, edges=(replace(edges, targets={named(slug, number): {} for number in range(count)}),))


def reserve(memory: Memory, count: int) -> None:
    """Reserve the namespace of each asset for a team of its own."""
    teams = [make_urn("team", "catalog", "", f"team{number}") for number in range(count)]
    spaces = [(f"space{number}",) for number in range(count)]
    entries = [Reservation(team, frozenset(RESERVABLE), (), names) for team, names in zip(teams, spaces, strict=True)]
    memory.reserved_names = ReservedNames(tuple(entries))


def references(memory: Memory, count: int) -> Command:
    """Return a run that reads absent datasets, which get the teams of their names."""
    reserve(memory, count)
    return with_targets(asset("run r"), DeclaredEdges(INPUT_TO.into(), "Run.inputs", {}, adds=True), "dataset", count)


FEATURES = DeclaredEdges(CONTAINS.out("Feature"), "FeatureSet.features", {})


def children(memory: Memory, count: int) -> Command:
    """Return a set that gets an owner; its features have none, and their names are reserved since."""
    seeded(memory, with_targets(asset("feature-set s"), FEATURES, "feature", count))
    reserve(memory, count)
    return asset("feature-set s", {}, owners={"team ads": ["TECHNICAL"]})


def ended(memory: Memory, count: int) -> Command:
    """Return a set that leaves its features, which get the teams of their names."""
    seeded(memory, with_targets(asset("feature-set s"), FEATURES, "feature", count))
    reserve(memory, count)
    return asset("feature-set s", {}, features=[])


async def rounds(policy_memory: Memory, case: Case, count: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Return how often a command is read and planned; all that it changes is as if everything had been read."""
    memory = Memory(policy_memory.policy)
    command = case(memory, count)
    complete = replace(memory, vertices=dict(memory.vertices), edges=dict(memory.edges))
    expected = complete.run(command, who=ELI)
    assert not [each.errors for each in expected if each.errors]
    reads = CountedReads(memory).install(monkeypatch)
    assert [each.outcome for each in await reads.transact(command, who=ELI)] == [each.outcome for each in expected]
    owners = [
        {vid: (record["id"], record.get("ownerTeam")) for vid, record in each.vertices.items() if "ownerTeam" in record}
        for each in (memory, complete)
    ]
    assert owners[0] == owners[1]
    return len(reads.requests), reads.plans


@pytest.mark.parametrize("case", [references, children, ended])
async def test_the_teams_of_many_reserved_names_are_read_at_once(
    memory: Memory, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item that concerns names of 30 teams is read and planned as often as one that concerns names of 3."""
    assert await rounds(memory, case, MANY, monkeypatch) == await rounds(memory, case, FEW, monkeypatch)


OURS = {"team ranking": ["TECHNICAL"]}
GATE = Gate("safe", Needs(evaluations=True, uncontaminated=True))


def aliases(memory: Memory, count: int) -> Command:
    """Return one more alias of a model, each of whose aliases points at a version of its own."""
    seeded(memory, asset("model m", owners=OURS), *(asset(f"model-version m@{number}") for number in range(count)))
    for number in range(count):
        version = urn(f"model-version m@{number}")
        assert memory.outcomes(SetAliasCommand(urn("model m"), f"alias{number}", version), who=ELI) == ["UPDATED"]
    return SetAliasCommand(urn("model m"), "another", urn("model-version m@0"))


def incidents(memory: Memory, count: int) -> Command:
    """Return an alias of a version with incidents, each of which is on a dataset of its own as well."""
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"))
    for number in range(count):
        seeded(memory, asset(f"dataset d{number}"))
        on = (urn("model-version m@1"), urn(f"dataset d{number}"))
        assert memory.outcomes(OpenIncidentCommand(on, "late", "HIGH"), now=NOW + number) == ["CREATED"]
    return SetAliasCommand(urn("model m"), "champion", urn("model-version m@1"))


def parents(memory: Memory, count: int) -> Command:
    """Return an incident on features, each of which is in a set of its own."""
    for number in range(count):
        seeded(memory, asset(f"feature-set s{number}", {}, features=[f"feature f{number}"]))
        seeded(memory, asset(f"feature f{number}", owners=OURS))
    return OpenIncidentCommand(tuple(urn(f"feature f{number}") for number in range(count)), "late", "HIGH")


def evaluated_runs(memory: Memory, count: int) -> Command:
    """Return a promotion of a version whose evaluation was produced by runs, each with a dataset of its own."""
    seeded(
        memory,
        asset("model m", owners=OURS),
        asset("model-version m@1", trainedOn=["dataset train"]),
        asset("evaluation e", owners=OURS),
    )
    seeded(memory, link("EVALUATED_BY", "model-version m@1", "evaluation e"))
    for number in range(count):
        seeded(memory, asset(f"run r{number}", inputs=[f"dataset d{number}"], outputs=["evaluation e"]))
    memory.gates = Gates((GATE,))
    return SetAliasCommand(urn("model m"), "champion", urn("model-version m@1"), protected=True)


@pytest.mark.parametrize("case", [aliases, incidents, parents, evaluated_runs])
async def test_what_concerns_many_assets_is_read_at_once(
    memory: Memory, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the plan of an item needs of 30 assets is read and planned as often as what it needs of 3."""
    assert await rounds(memory, case, MANY, monkeypatch) == await rounds(memory, case, FEW, monkeypatch)
