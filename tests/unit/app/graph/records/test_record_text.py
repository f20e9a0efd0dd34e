"""Records as text: what the store keeps, and what it never may."""

import sys
import tracemalloc
from collections.abc import Callable
from math import inf, nan
from typing import Any, NoReturn

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graph.records import record_text
from app.graph.records.record_text import (
    LONG_TEXT,
    MAX_BYTES,
    PART_WEIGHT,
    BriefRecord,
    parts_of,
    record_of,
    size_of,
    text_of,
    weight_of,
)
from app.graph.records.vertex_record import with_effective_sensitivity
from app.graph.writing.audit_entries import MAX_CHANGE
from graphql_schema.ports.operation_budget import UsageLimits


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


def memory_of(text: str) -> int:
    """Return the bytes that the parsed record takes, as the interpreter counts them."""
    record_of(text)  # the parser keeps keys that it has seen
    tracemalloc.start()
    kept = record_of(text)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept
    return size


USUAL = {
    "id": "mlg://dataset/hive/live/mart.orders",
    "description": "Orders of all shops, joined with their payments; loaded each night from the ledger. " * 4,
    "columns": [
        {"name": f"column_{number}", "dataType": "varchar(64)", "description": f"The value number {number} of a row"}
        for number in range(10)
    ],
    "index": {"owners": [["mlg://team/catalog/default/orders", "TECHNICAL"]], "whole": ""},
    "createdAt": 1_750_000_000_000,
    "createdBy": "svc-loader",
    "revision": 3,
}


@pytest.mark.parametrize(
    "record",
    [
        {"columns": [{"name": chr(0xA1 + number % 90)} for number in range(4_400)]},
        {"properties": [{"key": chr(0xA1 + number), "value": ""} for number in range(2_700)]},
        {"entityKeys": [chr(0x4E00 + number) for number in range(5_000)]},
        {"entityKeys": ["a"] * 5_000},
        {"earlier": [[1_750_000_000_000, 1_750_000_000_000 + number] for number in range(500)]},
        {"description": "\U0001f600" + "a" * 60_000},
        {"description": chr(0x4E00) * 20_000},
        USUAL,
    ],
    ids=["columns", "pairs", "wide texts", "texts", "intervals", "one wide character", "wide text", "usual"],
)
def test_a_record_weighs_what_it_takes(record: Any) -> None:
    """The weight is at least five sixths of the memory of the parsed record, whatever its values are."""
    text = text_of(record)
    assert 5 * memory_of(text) <= 6 * weight_of(text)


def test_a_usual_record_weighs_little() -> None:
    """An operation reads 64 Mi characters of them within its limit of 320 MiB, also if a text of theirs is JSON."""
    text = text_of(USUAL)
    assert weight_of(text) <= 5 * len(text)
    of_json = text_of({**USUAL, "properties": [{"key": "facet", "value": text}]})
    assert weight_of(of_json) <= 5 * len(of_json)


@pytest.mark.parametrize("text", ["{", ",", '{"', '{\\"{', "\\", '\\"{,', '","{', "{}"])
def test_what_a_text_quotes_is_no_value(text: str) -> None:
    """Twenty-nine descriptions of braces, however escaped, are a small part of what one operation may read."""
    record = {"description": text * (65_000 // len(text)), "index": {"owners": [["mlg://team/a", '"']]}}
    stored = text_of(record)
    assert weight_of(stored) < len(stored) + 2_000
    assert 29 * weight_of(stored) < UsageLimits().stored / 50


def values_in(value: Any) -> tuple[int, int]:
    """Return the number of commas and of objects that the JSON of a value has outside its texts."""
    inner = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    each = [values_in(one) for one in inner]
    return max(len(inner) - 1, 0) + sum(one[0] for one in each), isinstance(value, dict) + sum(one[1] for one in each)


QUOTED = st.text('{},"\\\\\n:[]\u00e9\U0001f600a', max_size=40)


@given(
    st.recursive(
        QUOTED | st.integers(-9, 9) | st.none(),
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(QUOTED, inner, max_size=6),
        max_leaves=30,
    )
)
def test_the_weight_of_any_record_is_that_of_its_values(value: Any) -> None:
    """Whatever its texts quote, it is between that of its values and five bytes for each character, if that is more."""
    text = text_of({"value": value})
    commas, objects = values_in({"value": value})
    values = sys.getsizeof(text) + 64 * commas + 180 * objects
    assert values <= weight_of(text) <= max(values, 5 * len(text))


def test_parts_have_a_weight_and_no_number() -> None:
    """All texts are in one part, in order; each part but the last reaches its weight by its last text alone."""
    short, long = text_of({"id": "x"}), text_of({"entityKeys": ["a"] * 5_000})
    texts = [*[short] * 9_000, long, long, *[short] * 100, *[long] * 9]
    parts = [*parts_of(texts)]
    assert [text for part, _ in parts for text in texts[part]] == texts
    assert [weight for _, weights in parts for weight in weights] == [*map(weight_of, texts)]
    assert all(sum(weights[:-1]) < PART_WEIGHT for _, weights in parts)
    assert all(sum(weights) >= PART_WEIGHT for _, weights in parts[:-1])
    assert len(parts[0][1]) > 1_000
    assert [*parts_of([])] == []


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


def test_no_quoted_text_of_a_long_record_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """To find them in six million characters takes 80 ms; the record then weighs more, as if they were values."""
    text = text_of({"fields": [{"a": ",{"}] * (LONG_TEXT // 8)})
    assert len(text) > LONG_TEXT
    exact = weight_of(text[: LONG_TEXT - 1])

    def looked(_: str) -> NoReturn:
        raise AssertionError

    monkeypatch.setattr(record_text, "_unquoted", looked)
    assert weight_of(text) > exact
    with pytest.raises(AssertionError):
        weight_of(text[: LONG_TEXT - 1])


def test_the_largest_change_weighs_less_than_a_quarter_of_an_operation() -> None:
    """It would end each list of changes and each subscription, whatever its quoted texts have."""
    long = text_of({"fields": [{"was": "{,", "is": "{" * 1_000}] * 4_000})
    assert weight_of(long) == MAX_BYTES * len(long)
    assert UsageLimits().stored // 3 > MAX_BYTES * MAX_CHANGE


def test_a_long_record_of_short_values_does_not_weigh_less_than_it_takes() -> None:
    """No search is needed for it, and what it takes is known without one: it has as many values as it may."""
    columns = text_of({"columns": [{"name": "a"}] * 50_000})
    tags = text_of({"tags": ["a"] * 200_000})
    for text in (columns, tags):
        assert len(text) > LONG_TEXT
        assert weight_of(text) >= memory_of(text)
