"""Datasets: one version by name, and the source columns of a column."""

from collections.abc import Awaitable, Callable

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.operation_budget import OperationBudget

Run = Callable[..., Awaitable[ExecutionResult]]
VERSION = "query ($id: ID!, $v: String!) { asset(id: $id) { ... on Dataset { version(version: $v) { version } } } }"
COLUMNS = """query ($id: ID!) { asset(id: $id) { ... on Dataset { columns { name
  derivedFrom { dataset { name } column } } } } }"""


async def test_a_version_is_found_by_its_exact_name(run: Run, graph: PlainGraph) -> None:
    """The version belongs to this dataset; one of another dataset and an unknown name are null."""
    clicks = graph.add("DATASET", "clicks")
    graph.add("DATASET_VERSION", "clicks", version="1")
    graph.add("DATASET_VERSION", "views", version="2")
    found = await run(VERSION, id=clicks, v="1")
    assert (found.errors, found.data) == (None, {"asset": {"version": {"version": "1"}}})
    for other in ("2", "01", "1 "):
        assert (await run(VERSION, id=clicks, v=other)).data == {"asset": {"version": None}}


async def test_source_columns_of_hidden_datasets_are_left_out(run: Run, graph: PlainGraph) -> None:
    """A column with one visible source shows this one; with none it shows null, as a column without sources."""
    raw = graph.add("DATASET", "raw")
    gone = "mlg://dataset/test/default/gone"
    made = graph.add(
        "DATASET",
        "made",
        columns=[
            {"name": "a", "derivedFrom": [{"dataset": gone, "column": "x"}, {"dataset": raw, "column": "y"}]},
            {"name": "b", "derivedFrom": [{"dataset": gone, "column": "x"}]},
            {"name": "c", "derivedFrom": []},
            {"name": "d"},
        ],
    )
    found = await run(COLUMNS, id=made)
    assert found.errors is None
    assert found.data == {
        "asset": {
            "columns": [
                {"name": "a", "derivedFrom": [{"dataset": {"name": "raw"}, "column": "y"}]},
                {"name": "b", "derivedFrom": None},
                {"name": "c", "derivedFrom": None},
                {"name": "d", "derivedFrom": None},
            ]
        }
    }


async def test_each_source_of_a_column_counts_as_a_row(
    run: Run, graph: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts before it is read, whether its dataset exists or not, because any number of ids can be stored."""
    counted: list[int] = []
    monkeypatch.setattr(OperationBudget, "count_rows", lambda _, count: counted.append(count))
    raw, gone = graph.add("DATASET", "raw"), "mlg://dataset/test/default/gone"
    sources = [{"dataset": urn, "column": "x"} for urn in (raw, gone, gone)]
    made = graph.add("DATASET", "made", columns=[{"name": "a", "derivedFrom": sources}, {"name": "b"}])
    assert (await run(COLUMNS, id=made)).errors is None
    assert sorted(counted) == [0, 0, 3, 3]  # on both paths
