"""Change plans: who may make, decision and close one, and what each leaves on its assets."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person, urn

from app.graph.writing.handlers import plan_change
from graphql_schema.ports.commands import (
    AcknowledgeChangeCommand,
    CloseChangePlanCommand,
    DeleteCommand,
    PlanChangeCommand,
    RevertCommand,
)
from policies.principal import PrincipalKind

ADA, BO = person("ada", "team ranking", roles="engineer"), person("bo", "team ads", roles="reader")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
A, B, RANKING, ADS = urn("dataset a"), urn("dataset b"), urn("team ranking"), urn("team ads")


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with one dataset of each of two teams."""
    return seeded(memory, asset("dataset a", owners=OURS), asset("dataset b", owners=THEIRS))


def planned(memory: Memory, *roots: str, who: Any = ADA, now: int = NOW + 1, **given: Any) -> str:
    """Plan a change and return its id."""
    (done,) = memory.run(PlanChangeCommand(roots, "move", (NOW, NOW), 20, **given), who=who, now=now)
    assert (done.outcome.name, done.errors) == ("CREATED", ())
    return str(done.created_record)


def record(memory: Memory, one: str) -> Any:
    """Return the record of an id."""
    return next(each for each in memory.vertices.values() if each["id"] == one)


def refusal(memory: Memory, command: Any, who: Any = ADA, now: int = NOW + 9) -> tuple[str, tuple[str, ...]]:
    """Return code and path of a refusal."""
    (done,) = memory.run(command, who=who, now=now)
    (error,) = done.errors
    return error.code.name, error.path


def audited(memory: Memory, action: str) -> list[Any]:
    """Return before and after of the entries of an action."""
    found = (each for each in memory.vertices.values() if each.get("action") == action)
    return [(entry["before"], entry["after"]) for each in found for entry in each["fields"]]


def test_a_plan_is_stored_with_its_snapshot(stored: Memory) -> None:
    """The plan has the instant by which its impact is read, no ids of the impact, and leaves the revision."""
    plan = record(stored, planned(stored, A, deadline=NOW + 5, description="why"))
    values = (
        "title",
        "description",
        "state",
        "plannedAt",
        "plannedBy",
        "deadline",
        "maxDepth",
        "snapshot",
        "acknowledgements",
    )
    assert [plan[name] for name in values] == ["move", "why", "OPEN", NOW + 1, "ada", NOW + 5, 20, [NOW, NOW], {}]
    assert plan["subjects"] == [A]
    assert stored.record("dataset a")["revision"] == 1
    assert audited(stored, "PLANNED") == [(None, {"plan": plan["id"]})]


def test_planning_needs_the_right_on_every_root(stored: Memory) -> None:
    """One root of another team denies the whole; an unknown one is named by its index; a deadline is in the future."""
    command = PlanChangeCommand((A, B), "move", (NOW, NOW), 20)
    assert refusal(stored, command) == ("DENIED", ("roots", "1"))
    assert refusal(stored, replace(command, roots=(A, urn("dataset none")))) == ("NOT_FOUND", ("roots", "1"))
    assert refusal(stored, replace(command, roots=(A,), deadline=NOW + 9)) == ("INVALID", ("deadline",))
    stored.run(DeleteCommand(A), now=NOW + 1)
    assert refusal(stored, replace(command, roots=(A,)))[0] == "CONFLICT"


def test_the_newest_decision_of_a_team_counts(stored: Memory) -> None:
    """A member decides without a role; the same decision changes nothing, another one replaces it; all are audited."""
    plan = planned(stored, A)
    first = AcknowledgeChangeCommand(plan, ADS, "OBJECTED", "not in peak hours")
    assert [*stored.outcomes(first, who=BO, now=NOW + 2), *stored.outcomes(first, who=BO, now=NOW + 3)] == [
        "UPDATED",
        "UNCHANGED",
    ]
    assert record(stored, plan)["acknowledgements"] == {
        ADS: {"decision": "OBJECTED", "reason": "not in peak hours", "by": "bo", "at": NOW + 2}
    }
    assert stored.outcomes(AcknowledgeChangeCommand(plan, ADS, "AGREED"), who=BO, now=NOW + 4) == ["UPDATED"]
    agreement = {"decision": "AGREED", "by": "bo", "at": NOW + 4, "replaced": 1}
    assert record(stored, plan)["acknowledgements"] == {ADS: agreement}
    objected, agreed = ({"plan": plan, "team": ADS, "decision": each} for each in ("OBJECTED", "AGREED"))
    assert audited(stored, "ACKNOWLEDGED") == [(None, objected), (objected, agreed)]


def test_only_a_person_of_the_team_decides(stored: Memory) -> None:
    """Another team, a service account of the team, and an administrator outside of it are denied."""
    command = AcknowledgeChangeCommand(planned(stored, A), ADS, "AGREED")
    for who in (ADA, replace(BO, kind=PrincipalKind.SERVICE_ACCOUNT), person("root", roles="admin")):
        assert refusal(stored, command, who) == ("DENIED", ("team",))


def test_the_acknowledgements_of_a_plan_are_bounded(stored: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more team is refused, and a team that has acknowledged may still change its decision."""
    monkeypatch.setattr(plan_change, "MAX_ACKNOWLEDGEMENTS", 1)
    plan = planned(stored, A)
    assert stored.outcomes(AcknowledgeChangeCommand(plan, ADS, "AGREED"), who=BO, now=NOW + 2) == ["UPDATED"]
    assert refusal(stored, AcknowledgeChangeCommand(plan, RANKING, "AGREED"))[0] == "CONFLICT"
    assert stored.outcomes(AcknowledgeChangeCommand(plan, ADS, "NOT_CONCERNED"), who=BO, now=NOW + 3) == ["UPDATED"]


def test_the_decisions_of_a_team_about_a_plan_are_bounded(stored: Memory) -> None:
    """A team that alternates is refused at last, and no audit entry is written; equal decisions wrote none either."""
    plan = planned(stored, A)
    agreed, objected = (AcknowledgeChangeCommand(plan, ADS, *each) for each in (("AGREED",), ("OBJECTED", "no")))
    outcomes = [
        stored.outcomes((agreed, objected)[number % 2], who=BO, now=NOW + 2 + number)[0]
        for number in range(plan_change.MAX_REPLACED + 2)
    ]
    assert outcomes == ["UPDATED"] * (plan_change.MAX_REPLACED + 1) + ["CONFLICT"]
    assert stored.outcomes(*[agreed] * 5, who=BO, now=NOW + 99) == ["UNCHANGED"] * 5
    assert len(audited(stored, "ACKNOWLEDGED")) == plan_change.MAX_REPLACED + 1
    assert stored.outcomes(AcknowledgeChangeCommand(plan, RANKING, "AGREED"), who=ADA, now=NOW + 99) == ["UPDATED"]


def test_a_closed_plan_is_final(stored: Memory) -> None:
    """A stranger is denied; the same outcome changes nothing, another one and a decision are conflicts."""
    plan = planned(stored, A)
    done = CloseChangePlanCommand(plan, "DONE", "it is moved")
    assert refusal(stored, done, BO)[0] == "DENIED"
    assert stored.outcomes(done, who=ADA, now=NOW + 5) == ["UPDATED"]
    values = ("state", "outcome", "closedAt", "closedBy")
    assert [record(stored, plan)[name] for name in values] == ["CLOSED", "DONE", NOW + 5, "ada"]
    assert audited(stored, "PLAN_CLOSED") == [({"plan": plan}, {"plan": plan, "outcome": "DONE"})]
    assert stored.outcomes(done, who=ADA, now=NOW + 6) == ["UNCHANGED"]
    assert refusal(stored, CloseChangePlanCommand(plan, "WITHDRAWN"))[0] == "CONFLICT"
    assert refusal(stored, AcknowledgeChangeCommand(plan, RANKING, "AGREED"))[0] == "CONFLICT"


def test_closing_needs_the_right_on_every_root(stored: Memory) -> None:
    """An engineer of one of two teams does not close a plan of both."""
    plan, bo = planned(stored, A, B, who=person("root", roles="admin")), person("bo", "team ads", roles="engineer")
    for who in (ADA, bo):
        assert refusal(stored, CloseChangePlanCommand(plan, "DONE"), who) == ("DENIED", ("plan",))


def test_a_plan_is_not_reverted(stored: Memory) -> None:
    """The change that records a plan names the mutation to use instead."""
    planned(stored, A)
    (change,) = [each["id"] for each in stored.vertices.values() if each.get("action") == "PLANNED"]
    (done,) = stored.run(RevertCommand(change), who=ADA, now=NOW + 3)
    assert [error.message for error in done.errors] == [
        "A change plan is not reverted; close it with `closeChangePlan`, or decide again with `acknowledgeChange`."
    ]
