"""Gates within a write: whatever the caller may see of them, all evaluations that count decide, without their names."""

from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import with_effective_sensitivity
from graphql_schema.ports.commands import SetAliasCommand
from graphql_schema.ports.outcomes import GateResult, WriteOutcome
from policies.installation.gates import Gate, Gates, Needs

ELI = person("eli", "team ranking", roles="approver")
OURS = {"team ranking": ["TECHNICAL"]}
SAFETY = {"team safety": ["TECHNICAL"]}
OTHERS = {"team ads": ["TECHNICAL"]}
EVALUATORS = frozenset({urn("team safety")})
SENTENCE = "An evaluation that counts for the gate is hidden from you and closes it."


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with a version of team ranking, whose gate counts the evaluations of team safety as well."""
    memory.gates = Gates((Gate("safe", Needs(evaluations=True, evaluators=EVALUATORS)),))
    return seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"))


def evaluate(memory: Memory, owners: dict[str, list[str]], **values: Any) -> None:
    """Register an evaluation of the version."""
    seeded(
        memory,
        asset("evaluation e", {"verdict": "FAIL", **values}, owners=owners),
        link("EVALUATED_BY", "model-version m@1", "evaluation e"),
    )


def change(memory: Memory, text: str, **values: Any) -> None:
    """Change the stored record of an asset."""
    memory.vertices[vertex_id("default", urn(text))] = {**memory.record(text), **values}


def promoted(memory: Memory, alias: str = "champion", *, protected: bool = True) -> WriteOutcome:
    """Return the outcome of a promotion by the approver of the version's team."""
    command = SetAliasCommand(urn("model m"), alias, urn("model-version m@1"), protected=protected)
    return memory.run(command, who=ELI, now=NOW + 9)[0]


def closed(memory: Memory) -> bool:
    """Return whether the gate is closed by what is hidden, and assert that nothing of it is disclosed."""
    done = promoted(memory)
    assert urn("evaluation e") not in repr(done)
    assert done.gate in {GateResult(), GateResult(hidden_evaluations=(SENTENCE,))}
    assert [each.code.name for each in done.errors] == ([] if done.gate == GateResult() else ["GATE_BLOCKED"])
    return done.gate != GateResult()


@pytest.mark.parametrize(("owners", "verdict", "shut"), [(SAFETY, "FAIL", True), (SAFETY, "PASS", False)])
def test_what_a_raise_hides_decides(stored: Memory, owners: dict[str, list[str]], verdict: str, *, shut: bool) -> None:
    """An evaluation that counts decides also if an unconfirmed raise hides it; its id is not returned."""
    evaluate(stored, owners, verdict=verdict)
    raised = with_effective_sensitivity(stored.record("evaluation e"), "RESTRICTED", confirmed=False)
    change(stored, "evaluation e", **raised)
    assert closed(stored) is shut


@pytest.mark.parametrize(
    ("owners", "stage", "shut"),
    [(SAFETY, "ACTIVE", True), (SAFETY, "RETIRED", False), (OTHERS, "ACTIVE", False)],
)
def test_what_its_owner_hides_decides(stored: Memory, owners: dict[str, list[str]], stage: str, *, shut: bool) -> None:
    """So does one that only its own team sees, unless it is retired or of a team that does not count."""
    evaluate(stored, owners, visibility="TEAM", stage=stage)
    assert closed(stored) is shut


def test_an_evaluation_of_a_confidential_version_decides(stored: Memory) -> None:
    """Each evaluation of a confidential version is confidential itself, and so hidden from the team of the version."""
    seeded(stored, asset("model-version m@1", {"sensitivity": "CONFIDENTIAL"}))
    evaluate(stored, SAFETY, sensitivity="CONFIDENTIAL")
    assert closed(stored)


def test_a_hidden_verdict_decides(stored: Memory) -> None:
    """Of a draft, the caller sees no more than its existence."""
    evaluate(stored, SAFETY, stage="DRAFT")
    assert closed(stored)


def test_an_alias_without_protection_moves_all_the_same(stored: Memory) -> None:
    """The gate is reported, and blocks nothing."""
    evaluate(stored, SAFETY, visibility="TEAM")
    done = promoted(stored, protected=False)
    assert (done.errors, done.gate) == ((), GateResult(hidden_evaluations=(SENTENCE,)))


def test_what_is_visible_is_named(stored: Memory) -> None:
    """A visible evaluation is in its list alone."""
    evaluate(stored, SAFETY)
    assert promoted(stored).gate == GateResult(failing_evaluations=(urn("evaluation e"),))


@pytest.mark.parametrize(("data", "shut"), [("train", True), ("test", False)])
def test_the_contamination_of_what_is_hidden_decides(stored: Memory, data: str, *, shut: bool) -> None:
    """It is known from all data, also from what is hidden: a hidden evaluation on other data keeps no gate closed."""
    stored.gates = Gates((Gate("clean", Needs(uncontaminated=True, evaluators=EVALUATORS)),))
    evaluate(stored, SAFETY, visibility="TEAM", verdict="PASS")
    seeded(
        stored,
        *(asset(f"dataset {name}", {"visibility": "TEAM"}, owners=OTHERS) for name in ("train", "test")),
        link("FEEDS", "dataset train", "model-version m@1"),
        link("EVALUATED_BY", f"dataset {data}", "evaluation e"),
    )
    assert closed(stored) is shut
