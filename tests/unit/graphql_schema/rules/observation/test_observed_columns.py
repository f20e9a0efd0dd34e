"""The fold of columns: the schema, the sources by job, and what other clients registered."""

from typing import Any

from graphql_schema.rules.observation.observed_columns import MAX_BYTES, MAX_PARTS, SCHEMA, folded_columns


def schema(*columns: dict[str, Any]) -> dict[str, Any]:
    """Return the evidence of a schema."""
    return {"order": [1], "digest": "", "value": list(columns)}


def sources(order: int = 1, **columns: list[str]) -> dict[str, Any]:
    """Return the evidence of a job: source columns of the dataset `d`."""
    value = {name: [{"dataset": "d", "column": each} for each in names] for name, names in columns.items()}
    return {"order": [order], "digest": "", "value": value}


def test_the_schema_decides_on_the_columns() -> None:
    """Its columns are in order; a column that it lacks goes, unless another client registered it or its sensitivity."""
    before = {SCHEMA: schema({"name": "a"}, {"name": "b"}, {"name": "c"})}
    stored = [{"name": "a"}, {"name": "b", "sensitivity": "RESTRICTED"}, {"name": "c"}, {"name": "hand"}]
    columns, kept, _ = folded_columns(stored, before, {SCHEMA: schema({"name": "d"}, {"name": "a"})})
    assert columns == [{"name": "d"}, {"name": "a"}, {"name": "b", "sensitivity": "RESTRICTED"}, {"name": "hand"}]
    assert kept == set()


def test_a_description_of_another_client_is_kept() -> None:
    """A value that differs from the earlier schema comes from a client; the type follows the new schema."""
    before = {SCHEMA: schema({"name": "a", "dataType": "INT", "description": "old"})}
    stored = [{"name": "a", "dataType": "INT", "description": "hand"}]
    columns, kept, _ = folded_columns(stored, before, {SCHEMA: schema({"name": "a", "description": "new"})})
    assert columns == [{"name": "a", "description": "hand"}]
    assert kept == {"a"}


def test_sources_of_jobs_are_joined() -> None:
    """Each job replaces its own sources; those of other clients and other jobs remain."""
    before = {"one": sources(a=["x"])}
    stored = [{"name": "a", "derivedFrom": [{"dataset": "d", "column": c} for c in ("hand", "x")]}]
    columns, _, _ = folded_columns(stored, before, {"one": sources(a=["y"]), "two": sources(a=["y", "z"], b=["x"])})
    assert columns == [
        {"name": "a", "derivedFrom": [{"dataset": "d", "column": c} for c in ("hand", "y", "z")]},
        {"name": "b", "derivedFrom": [{"dataset": "d", "column": "x"}]},
    ]
    assert folded_columns(columns, {"two": sources(b=["x"])}, {})[0] == [columns[0]]


def test_the_evidence_is_bounded() -> None:
    """The parts that were reported last count; sources that would make the columns too large are left out."""
    jobs = {f"job {number:02d}": sources(number, a=[str(number)]) for number in range(MAX_PARTS + 2)}
    columns, _, kept = folded_columns([], {}, {**jobs, SCHEMA: schema({"name": "a"})})
    assert sorted(kept) == [*sorted(jobs)[2:], SCHEMA]
    assert len(columns[0]["derivedFrom"]) == MAX_PARTS
    wide = {"one": sources(a=["x" * MAX_BYTES]), SCHEMA: schema({"name": "a"})}
    assert folded_columns([], {}, wide)[0] == [{"name": "a"}]
