"""The owner of an evaluation or run that names none, planned without a store."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import EVALUATED_BY, OWNED_BY, RUN_OF
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from policies.installation.gates import Gate, Gates, Needs

OURS = {"team ranking": ["TECHNICAL"]}
GATES = Gates((Gate("g", Needs(evaluations=True, evaluators=frozenset({urn("team audit")}))),))


def evaluation(*edges: DeclaredEdges) -> RegisterCommand:
    """Return the registration of an evaluation of a version."""
    of = DeclaredEdges(EVALUATED_BY.into("ModelVersion"), "Evaluation.modelVersion", {urn("model-version m@1"): {}})
    return RegisterCommand(urn("evaluation e"), {"verdict": "FAIL"}, (of, *edges))


@pytest.mark.parametrize(
    ("teams", "owner"),
    [
        (["ranking"], "ranking"),
        (["ads", "ranking"], "ranking"),
        (["audit"], "audit"),
        (["audit", "ranking"], "ranking"),
        (["ads"], None),
        ([], None),
    ],
    ids=str,
)
def test_the_owner_is_the_team_whose_evaluations_count(memory: Memory, teams: list[str], owner: str | None) -> None:
    """The owner team of the version comes first, then an evaluator of a gate; a stranger leaves it without owners."""
    memory.gates = GATES
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"))
    who = person("x", *(f"team {team}" for team in teams), roles="engineer")
    assert memory.outcomes(evaluation(), who=who) == ["CREATED"]
    assert memory.record("evaluation e")["ownerTeam"] == (urn(f"team {owner}") if owner else "")
    assert memory.outcomes(evaluation(), who=who) == ["UNCHANGED"]


def test_declared_owners_stay(memory: Memory) -> None:
    """A registration that names owners, also none, gets what it names."""
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"))
    unowned = DeclaredEdges(OWNED_BY.out(), "Evaluation.owners", {})
    assert memory.outcomes(evaluation(unowned), who=person("x", "team ranking", roles="engineer")) == ["CREATED"]
    assert memory.record("evaluation e")["ownerTeam"] == ""


def test_the_model_decides_before_its_version_is_known(memory: Memory) -> None:
    """An evaluation may arrive before its version; a version that is known by nothing gives no owner."""
    ada = person("ada", "team ranking", roles="engineer")
    assert memory.outcomes(evaluation(), who=ada) == ["CREATED"]
    assert memory.record("evaluation e")["ownerTeam"] == ""
    seeded(memory, asset("model m", owners=OURS))
    assert memory.outcomes(evaluation(), who=ada) == ["UPDATED"]
    assert memory.record("evaluation e")["ownerTeam"] == urn("team ranking")


def test_a_domain_owns_no_evaluation(memory: Memory) -> None:
    """The user who owns the version owns the evaluation; an evaluation of what a domain owns stays without owners."""
    hana, shop = urn("user hana"), urn("domain shop")
    who = replace(person("hana", roles="engineer"), user=hana, acts_for=frozenset({shop}))
    for owners, owner in ({"user hana": ["TECHNICAL"]}, hana), (None, ""):
        memory.vertices, memory.edges = {}, {}
        seeded(memory, asset("model m", owners=owners or {}), asset("model-version m@1"))
        memory.run(link("CONTAINS", "domain shop", "model m"), now=NOW + 1)
        memory.run(asset("model m"), asset("model-version m@1"), now=NOW + 2)
        assert memory.record("model-version m@1")["ownerTeam"] == (owner or shop)
        assert memory.outcomes(evaluation(), who=who, now=NOW + 3) == ["CREATED"]
        assert memory.record("evaluation e")["ownerTeam"] == owner


def run(*edges: DeclaredEdges) -> RegisterCommand:
    """Return the registration of a run of a workflow."""
    of = DeclaredEdges(RUN_OF.out(), "Run.workflow", {urn("workflow w"): {}})
    return RegisterCommand(urn("run r"), {"state": "START"}, (of, *edges))


@pytest.mark.parametrize(
    ("workflow", "teams", "owner"),
    [
        ({"team ranking": ["BUSINESS"]}, ["ads", "ranking"], "team ranking"),
        ({"user hana": ["TECHNICAL"]}, [], "user hana"),
        ({}, ["ranking"], None),
        (None, ["ranking"], None),
    ],
    ids=["own", "own user", "unowned", "unknown"],
)
def test_a_run_belongs_to_the_owner_of_its_workflow_that_records_it(
    memory: Memory, workflow: dict[str, list[str]] | None, teams: list[str], owner: str | None
) -> None:
    """No stranger records a run of an owned workflow, so only its owner counts; an evaluator of a gate owns no run."""
    memory.gates = GATES
    if workflow is not None:
        seeded(memory, asset("workflow w", owners=workflow))
    acts_for = frozenset(urn(f"team {team}") for team in [*teams, "audit"])
    who = replace(person("hana", roles="automation"), user=urn("user hana"), acts_for=acts_for)
    assert memory.outcomes(run(), who=who) == ["CREATED"]
    assert memory.record("run r")["ownerTeam"] == (urn(owner) if owner else "")
    assert memory.outcomes(run(), who=who) == ["UNCHANGED"]


def test_a_run_gets_an_owner_with_the_next_report_after_its_workflow(memory: Memory) -> None:
    """Only who registered the run gives it the owner that the workflow has by then."""
    robot, other = (person(who, "team ranking", roles="automation") for who in ("robot", "other"))
    assert memory.outcomes(run(), who=robot) == ["CREATED"]
    seeded(memory, asset("workflow w", owners=OURS))
    assert memory.outcomes(run(), who=other) == ["UNCHANGED"]
    assert memory.record("run r")["ownerTeam"] == ""
    assert memory.outcomes(run(), who=robot) == ["UPDATED"]
    assert memory.record("run r")["ownerTeam"] == urn("team ranking")


def test_a_removed_owner_does_not_come_back(memory: Memory) -> None:
    """The next report of the robot leaves the run without the owner that a person took from it."""
    robot = person("robot", "team ranking", roles="automation")
    seeded(memory, asset("workflow w", owners=OURS))
    assert memory.outcomes(run(), who=robot) == ["CREATED"]
    nothing = DeclaredEdges(OWNED_BY.out(), "Run.owners", {}, replaces_all=True)
    removal = RegisterCommand(urn("run r"), {}, (nothing,), action=ChangeAction.OWNERS_SET, right="update")
    assert memory.outcomes(removal, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(run(), who=robot, now=NOW + 2) == ["UNCHANGED"]
    assert memory.record("run r")["ownerTeam"] == ""


@pytest.mark.parametrize(("text", "registration"), [("run r", run()), ("evaluation e", evaluation())])
def test_past_owners_of_a_placeholder_do_not_count(memory: Memory, text: str, registration: RegisterCommand) -> None:
    """A stranger who refers to an id, gives it our team as an owner and removes it, does not keep us from owning it."""
    seeded(memory, asset("workflow w", owners=OURS), asset("model m", owners=OURS), asset("model-version m@1"))
    mal, robot = person("mal", "team ads", roles="engineer"), person("robot", "team ranking", roles="automation")
    slug = text.split(maxsplit=1)[0]
    ends = ("INPUT_TO", "dataset d", text) if slug == "run" else ("EVALUATED_BY", "model-version other@1", text)
    assert memory.outcomes(link(*ends), who=mal, now=NOW + 1) == ["CREATED"]
    given: dict[str, dict[str, Any]] = {urn("team ads"): {}, urn("team ranking"): {}}
    for at, owners in ((NOW + 2, given), (NOW + 3, {})):
        field = f"{parse_urn(urn(text)).kind}.owners"
        edges = DeclaredEdges(OWNED_BY.out(), field, owners, replaces_all=True)
        command = RegisterCommand(urn(text), {}, (edges,), action=ChangeAction.OWNERS_SET, right="update")
        assert memory.outcomes(command, who=mal, now=at) == ["UPDATED"]
    assert memory.outcomes(registration, who=robot, now=NOW + 4) == ["CREATED"]
    assert memory.record(text)["ownerTeam"] == urn("team ranking")
