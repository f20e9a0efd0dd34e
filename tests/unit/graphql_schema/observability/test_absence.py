"""Explanations of missing assets, and the arguments of the field."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

Run = Callable[..., Awaitable[ExecutionResult]]
A, B, GONE = (f"mlg://dataset/test/default/{name}" for name in ("a", "b", "gone"))
ASSET = """query ($id: ID!) { explainAbsence(id: $id) {
  reason unknownIds asset { id } edge { id } change { id } ingestion { id } spellings { asset { id } } } }"""
EDGE = "query ($from: ID!, $to: ID!) { explainAbsence(from: $from, to: $to) { reason unknownIds } }"
NONE: dict[str, Any] = {
    "unknownIds": [],
    "asset": None,
    "edge": None,
    "change": None,
    "ingestion": None,
    "spellings": [],
}


async def test_a_missing_asset_is_explained(run: Run, graph: PlainGraph) -> None:
    """A visible asset is there, only referenced, or deleted; the change that deleted it is the newest of its kind."""
    graph.add("DATASET", "a", hydration="FULL")
    graph.add("DATASET", "b", hydration="STUB")
    graph.add("DATASET", "gone", deletedAt=5)
    for number in (1, 2):
        graph.add("CHANGE", f"c{number}", subject=GONE, action="DELETED", createdAt=number, actor="ada", fields=[])
    found = [(await run(ASSET, id=urn)).data["explainAbsence"] for urn in (A, B, GONE, f"{GONE}2")]
    assert found == [
        {**NONE, "reason": "PRESENT", "asset": {"id": A}},
        {**NONE, "reason": "PLACEHOLDER", "asset": {"id": B}},
        {**NONE, "reason": "ENDED", "asset": {"id": GONE}, "change": {"id": "mlg://change/test/default/c2"}},
        {**NONE, "reason": "UNKNOWN_OR_HIDDEN", "unknownIds": [f"{GONE}2"]},
    ]


async def test_hidden_fields_explain_nothing(run: Run, graph: PlainGraph) -> None:
    """An asset that hides whether it is deleted or only referenced counts as there."""
    graph.hidden["DATASET"] = {"deletedAt", "hydration"}
    graph.add("DATASET", "a", deletedAt=5, hydration="STUB")
    assert (await run(ASSET, id=A)).data["explainAbsence"] == {**NONE, "reason": "PRESENT", "asset": {"id": A}}


async def test_the_ids_that_are_unknown_are_named_once(run: Run, graph: PlainGraph) -> None:
    """Of an edge, each end that is absent or hidden."""
    graph.add("DATASET", "a")
    for ends, unknown in (((A, GONE), [GONE]), ((GONE, A), [GONE]), ((GONE, GONE), [GONE]), ((B, GONE), [B, GONE])):
        found = (await run(EDGE, **dict(zip(("from", "to"), ends, strict=True)))).data["explainAbsence"]
        assert found == {"reason": "UNKNOWN_OR_HIDDEN", "unknownIds": unknown}


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        f'(from: "{A}")',
        f'(to: "{A}")',
        f'(id: "{A}", to: "{A}")',
        f'(id: "{A}", from: "{A}", to: "{B}")',
        f'(id: "{A}", relation: FEEDS)',
        f'(from: "{A}", to: "{B}", relation: VERSION_OF)',
        '(id: "mlg://team/catalog/default/t")',
        '(id: "a")',
    ],
)
async def test_other_arguments_are_refused(run: Run, arguments: str) -> None:
    """Either an asset or both ends of an edge, of a relation of lineage."""
    found = await run(f"{{ explainAbsence{arguments} {{ reason }} }}")
    assert found.errors[0].extensions["code"] == "INVALID"
