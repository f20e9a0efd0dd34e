"""Tags: the defaults of a tag that was only referenced, and the assets of a tag."""

from collections.abc import Awaitable, Callable

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ({}, {"tagKind": "FREE", "propagates": False}),
        ({"tagKind": None, "propagates": None}, {"tagKind": "FREE", "propagates": False}),
        ({"tagKind": "PII", "propagates": True}, {"tagKind": "PII", "propagates": True}),
    ],
)
async def test_a_referenced_tag_is_a_free_keyword(
    run: Run, graph: PlainGraph, stored: dict[str, object], shown: dict[str, object]
) -> None:
    """Both fields are non-null, so a tag that was never registered has the defaults."""
    graph.add("TAG", "gold", **stored)
    found = await run("{ tags { nodes { tagKind propagates } } }")
    assert (found.errors, found.data) == (None, {"tags": {"nodes": [shown]}})


async def test_a_tag_lists_only_assets_with_this_tag(run: Run, graph: PlainGraph) -> None:
    """Assets of another tag, and tags themselves, are not listed."""
    gold, pii = graph.add("TAG", "gold"), graph.add("TAG", "pii")
    graph.add("MODEL", "m", tags=[gold])
    graph.add("DATASET", "d", tags=[pii])
    found = await run("{ tags { nodes { name assets { totalCount nodes { name } } } } }")
    assert found.errors is None
    assert found.data == {
        "tags": {
            "nodes": [
                {"name": "gold", "assets": {"totalCount": 1, "nodes": [{"name": "m"}]}},
                {"name": "pii", "assets": {"totalCount": 1, "nodes": [{"name": "d"}]}},
            ]
        }
    }
