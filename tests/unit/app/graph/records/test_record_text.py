"""Records as text: what the store keeps, and what it never may."""

from collections.abc import Callable
from math import inf, nan
from typing import Any, NoReturn

import orjson
import pytest

from app.graph.records.record_text import BriefRecord, record_of, size_of, text_of
from app.graph.records.vertex_record import with_effective_sensitivity


def test_a_record_is_read_as_it_was_written() -> None:
    """Texts, numbers, lists and nulls survive."""
    record = {"id": "x", "metrics": [{"value": 1e308}, {"value": -0.5}], "costUsd": None, "ids": ["a"]}
    assert record_of(text_of(record)) == record
    assert size_of({"id": "é", "n": None}) == len(b'{"id":"..","n":null}')


@pytest.mark.parametrize("number", [inf, -inf, nan])
@pytest.mark.parametrize("record", [{"a": "N"}, {"a": [{"b": "N"}]}, {"a": {"b": ("x", "N")}}])
def test_no_record_has_a_number_that_is_not_finite(record: Any, number: float) -> None:
    """At any depth such a number is an error, because JSON would keep it as null."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(filled(each) for each in value)
        return number if value == "N" else value

    with pytest.raises(ValueError, match="cannot store"):
        text_of(filled(record))


class LeftOutError(Exception):
    """A value was needed that was not read."""


def refuse() -> NoReturn:
    """Fail, because the record is not complete."""
    raise LeftOutError


RECORD = BriefRecord({"id": "mlg://a", "stage": "ACTIVE"}, frozenset({"description"}), refuse)


def test_what_was_read_is_there() -> None:
    """Its values, its absent keys, and the keys of the values that were left out."""
    assert (RECORD["id"], RECORD.get("stage"), RECORD.get("deletedAt"), RECORD.get("tier", 1)) == (
        "mlg://a", "ACTIVE", None, 1,
    )  # fmt: skip
    assert ["id" in RECORD, "description" in RECORD, "deletedAt" in RECORD] == [True, True, False]
    assert RECORD
    assert RECORD == RECORD  # noqa: PLR0124 - a record that is not changed is equal to itself
    with pytest.raises(KeyError):
        _ = RECORD["deletedAt"]


@pytest.mark.parametrize(
    "use",
    [
        lambda record: record["description"],
        lambda record: record.get("description"),
        lambda record: record.get("description", ""),
        lambda record: {**record},
        dict,
        lambda record: [*record],
        len,
        lambda record: [*record.items()],
        lambda record: [*record.values()],
        lambda record: record == {"id": "mlg://a", "stage": "ACTIVE"},
        [{}].index,
        lambda record: record != BriefRecord({}, frozenset({"description"}), refuse),
    ],
)
def test_what_needs_a_value_that_was_left_out_fails(use: Callable[[BriefRecord], object]) -> None:
    """So does what needs all values, such as a changed copy or a comparison."""
    with pytest.raises(LeftOutError):
        use(RECORD)


def test_it_is_not_written_as_if_it_were_complete() -> None:
    """The encoder of records refuses it."""
    with pytest.raises(TypeError):
        orjson.dumps(RECORD)


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_raised_sensitivity_needs_no_further_value(confirmed: bool) -> None:  # noqa: FBT001 - a parameter
    """Below a sensitivity floor, the policy of a referenced asset is decided without its long values."""
    stored = BriefRecord({"sensitivity": "PUBLIC", "stage": "ACTIVE"}, frozenset({"description"}), refuse)
    raised = with_effective_sensitivity(stored, "RESTRICTED", confirmed=confirmed)
    assert (raised["sensitivity"], raised.get("confirmedSensitivity")) == (
        "RESTRICTED",
        None if confirmed else "PUBLIC",
    )
    assert (stored["sensitivity"], raised["stage"]) == ("PUBLIC", "ACTIVE")
    with pytest.raises(LeftOutError):
        _ = raised["description"]
