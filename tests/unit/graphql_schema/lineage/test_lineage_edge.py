"""Edges of a lineage result: the run that observed an edge."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.estates.plain_rows import PlainAccess
from support.stores.plain_reader import PlainGraph

from graphql_schema.fields.context import Info
from graphql_schema.lineage.lineage_edge import run_id
from graphql_schema.ports.row import MaskedRecord

RUN = "mlg://run/test/default/train"


@pytest.mark.parametrize(
    ("values", "expected"),
    [({"runId": RUN}, RUN), ({"runId": "mlg://run/test/default/hidden"}, None), ({"runId": None}, None), ({}, None)],
)
async def test_the_run_of_an_edge_is_named_if_it_is_visible(values: dict[str, Any], expected: str | None) -> None:
    """An edge may be visible to a caller who does not see the run; the id of the run is null then."""
    graph = PlainGraph()
    graph.add("RUN", "train")
    info = cast("Info", SimpleNamespace(context=SimpleNamespace(reader=graph)))
    assert await run_id(MaskedRecord("LineageEdge", "e1", values, PlainAccess()), info) == expected
