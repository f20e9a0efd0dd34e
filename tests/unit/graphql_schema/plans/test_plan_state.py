"""The state of a change plan, over all combinations of what it depends on."""

from itertools import product

import pytest

from graphql_schema.plans.plan_state import ChangePlanState, plan_state

DECISIONS = ((), ("AGREED",), ("NOT_CONCERNED", "AGREED"), ("AGREED", "OBJECTED"))


def expected(flags: tuple[bool, ...], decisions: tuple[str, ...]) -> str:
    """Return the state by the sentences of docs/change-plans.md, the first that applies."""
    closed, waiting, complete, overdue = flags
    if closed:
        return "CLOSED"
    if "OBJECTED" in decisions:
        return "OBJECTED"
    if not waiting and complete:
        return "READY"
    return "OVERDUE" if overdue else "OPEN"


@pytest.mark.parametrize("decisions", DECISIONS)
def test_the_first_sentence_that_applies_decides(decisions: tuple[str, ...]) -> None:
    """Closed before objected, objected before ready, ready before overdue, and else open."""
    for flags in product((False, True), repeat=4):
        closed, waiting, complete, overdue = flags
        missing = {"t"} if waiting else set[str]()
        found = plan_state(closed=closed, missing=missing, decisions=decisions, complete=complete, overdue=overdue)
        assert found.name == expected(flags, decisions), flags


def test_every_state_is_reached() -> None:
    """No state of the enumeration is without a case."""
    found = {expected(flags, each) for flags in product((False, True), repeat=4) for each in DECISIONS}
    assert found == {each.name for each in ChangePlanState}
