"""Stage, deletion and restoration: the commands that the mutations send, and what they refuse."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import REPLACED_BY
from graphql_schema.ports.commands import DeclaredEdges, DeleteCommand, RegisterCommand, RestoreCommand

Run = Callable[..., Awaitable[ExecutionResult]]
OLD, NEW = "mlg://dataset/test/default/old", "mlg://dataset/test/default/new"
STAGE = "mutation ($input: SetStageInput!) { setStage(input: $input) { changed errors { code message inputPath } } }"
DELETE = "mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { errors { code message inputPath } } }"
RESTORE = "mutation ($input: RestoreAssetInput!) { restoreAsset(input: $input) { errors { code message inputPath } } }"


def sent(graph: PlainGraph) -> object:
    """Return the one command that the writer got."""
    ((command,), dry_run, _) = graph.registered[0]
    assert not dry_run
    return command


async def refusal(run: Run, document: str, **given: Any) -> tuple[str, list[str], str]:
    """Return code, path and message of an input that is refused."""
    found = await run(document, input=given)
    assert found.errors is None
    (payload,) = found.data.values()  # type: ignore[union-attr]
    (error,) = payload["errors"]
    return error["code"], error["inputPath"], error["message"]


@pytest.mark.parametrize(
    ("given", "edges"),
    [
        ({}, ()),
        ({"replacedBy": NEW}, (DeclaredEdges(REPLACED_BY.out(), "Dataset.replacedBy", {NEW: {}}),)),
        ({"replacedBy": None}, (DeclaredEdges(REPLACED_BY.out(), "Dataset.replacedBy", {}),)),
    ],
)
async def test_a_stage_may_come_with_a_replacement(
    run: Run, graph: PlainGraph, given: dict[str, Any], edges: tuple[DeclaredEdges, ...]
) -> None:
    """An absent replacement stays as it is, null removes it, and an id replaces it."""
    found = await run(STAGE, input={"asset": OLD, "stage": "RETIRED", "reason": "late", "expectedRevision": 4, **given})
    assert (found.errors, found.data["setStage"]["errors"]) == (None, [])
    assert sent(graph) == RegisterCommand(
        OLD,
        {"stage": "RETIRED"},
        edges,
        expected_revision=4,
        action=ChangeAction.STAGE_SET,
        right="update",
        id_path="asset",
        reason="late",
    )


async def test_a_replacement_is_another_asset_of_a_fitting_kind(run: Run, graph: PlainGraph) -> None:
    """An asset cannot replace itself, and a team replaces no dataset."""
    assert await refusal(run, STAGE, asset=OLD, stage="RETIRED", replacedBy=OLD) == (
        "INVALID",
        ["replacedBy"],
        f"{OLD} cannot replace itself; use the id of another asset.",
    )
    code, path, message = await refusal(
        run, STAGE, asset=OLD, stage="RETIRED", replacedBy="mlg://team/test/default/search"
    )
    assert (code, path) == ("INVALID", ["replacedBy"])
    assert "is a Team; use the id of a " in message
    assert graph.registered == []


@pytest.mark.parametrize(("document", "given"), [(STAGE, {"stage": "ACTIVE"}), (DELETE, {}), (RESTORE, {})])
async def test_only_assets_have_a_life_cycle(run: Run, graph: PlainGraph, document: str, given: dict[str, Any]) -> None:
    """A team and a text that is no id are refused at the field `asset`."""
    code, path, message = await refusal(run, document, asset="mlg://team/test/default/search", **given)
    assert (code, path) == ("INVALID", ["asset"])
    assert message.startswith("mlg://team/test/default/search is a Team; use the id of a ")
    assert (await refusal(run, document, asset="nonsense", **given))[:2] == ("INVALID", ["asset"])
    assert graph.registered == []


async def test_a_deletion_keeps_its_reason_and_revision(run: Run, graph: PlainGraph) -> None:
    """Both are optional, and an empty reason is none."""
    await run(DELETE, input={"asset": OLD, "expectedRevision": 3, "reason": "unused"})
    assert sent(graph) == DeleteCommand(OLD, 3, "unused")
    graph.registered.clear()
    await run(DELETE, input={"asset": OLD, "reason": ""})
    assert sent(graph) == DeleteCommand(OLD)


async def test_a_restoration_names_the_asset_only(run: Run, graph: PlainGraph) -> None:
    """What was deleted with the asset follows from the store."""
    found = await run(RESTORE, input={"asset": OLD})
    assert (found.errors, found.data["restoreAsset"]["errors"]) == (None, [])
    assert sent(graph) == RestoreCommand(OLD)


@pytest.mark.parametrize(("document", "given"), [(STAGE, {"stage": "ACTIVE"}), (DELETE, {})])
async def test_a_long_reason_is_refused(run: Run, document: str, given: dict[str, Any]) -> None:
    """4,000 characters are accepted, one more is not."""
    found = await run(document, input={"asset": OLD, "reason": "x" * 4_000, **given})
    (payload,) = found.data.values()  # type: ignore[union-attr]
    assert payload["errors"] == []
    assert (await refusal(run, document, asset=OLD, reason="x" * 4_001, **given))[:2] == ("INVALID", ["reason"])
