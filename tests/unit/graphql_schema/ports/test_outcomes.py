"""Outcomes of writes."""

import pytest

from graphql_schema.ports.outcomes import (
    GateResult,
    MutationErrorCode,
    Outcome,
    WriteError,
    WriteOutcome,
    not_written,
    refused,
)


@pytest.mark.parametrize(
    ("outcome", "stored"),
    [
        ("CREATED", True),
        ("UPDATED", True),
        ("UNCHANGED", True),
        ("CONFLICT", False),
        ("DENIED", False),
        ("INVALID", False),
    ],
)
def test_three_outcomes_mean_that_the_item_is_stored(outcome: str, *, stored: bool) -> None:
    """An unchanged item is stored as well; an outcome with an error is not."""
    assert WriteOutcome(Outcome[outcome]).stored is stored


@pytest.mark.parametrize(
    "missing",
    [
        "missing_approvals",
        "failing_evaluations",
        "blocking_incidents",
        "sensitivity_violations",
        "hidden_evaluations",
    ],
)
def test_anything_that_is_missing_closes_a_gate(missing: str) -> None:
    """A gate is open if all of these lists are empty."""
    assert GateResult().open
    assert not GateResult(**{missing: ("x",)}).open


def test_a_refused_item_has_one_error_with_its_path() -> None:
    """The path leads to the wrong value within the input of the item."""
    found = refused(Outcome.INVALID, MutationErrorCode.INVALID, "No.", "trainedOn", "2")
    assert found == WriteOutcome(
        Outcome.INVALID, errors=(WriteError(MutationErrorCode.INVALID, "No.", ("trainedOn", "2")),)
    )


def test_an_item_of_a_failed_atomic_call_names_the_item_that_failed() -> None:
    """Nothing is wrong with the item itself, so the message refers to the other one by its index."""
    (error,) = not_written(7).errors
    assert not_written(7).outcome is Outcome.INVALID
    assert "item 7" in error.message


def test_hidden_ids_are_no_part_of_an_outcome() -> None:
    """Ids for the access log do not make outcomes differ: a hidden id and an unknown one have the same result."""
    assert WriteOutcome(Outcome.CREATED, hidden_ids=("mlg://model/a/b/c",)) == WriteOutcome(Outcome.CREATED)
