"""The command that mergeAssets sends, and what it refuses."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.commands import MergeCommand

OLD, NEW = "mlg://dataset/test/default/old", "mlg://dataset/test/default/new"
MERGE = "mutation ($input: MergeAssetsInput!) { mergeAssets(input: $input) { errors { code inputPath } } }"


@pytest.mark.parametrize("dry_run", [True, False])
async def test_the_command(run: Callable[..., Awaitable[ExecutionResult]], graph: PlainGraph, *, dry_run: bool) -> None:
    """Both ids and the reason; an empty reason is none."""
    found = await run(MERGE, input={"from": OLD, "into": NEW, "reason": "", "dryRun": dry_run})
    assert (found.errors, found.data["mergeAssets"]["errors"]) == (None, [])
    assert graph.registered[0][:2] == ([MergeCommand(OLD, NEW)], dry_run)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"from": "x"}, "from"),
        ({"into": "mlg://model/test/default/m"}, "into"),
        ({"from": "mlg://dataset-version/test/default/old@1"}, "from"),
        ({"into": OLD}, "into"),
        ({"reason": "x" * 4001}, "reason"),
    ],
)
async def test_what_is_refused(
    run: Callable[..., Awaitable[ExecutionResult]], graph: PlainGraph, given: dict[str, Any], path: str
) -> None:
    """Other kinds, a dataset and itself, and a reason that is too long."""
    found = await run(MERGE, input={"from": OLD, "into": NEW, **given})
    assert found.data["mergeAssets"]["errors"] == [{"code": "INVALID", "inputPath": [path]}]
    assert not graph.registered
