"""Tags of an asset as a viewer sees them, and the command of ``setTags``."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from strawberry.types import ExecutionResult
from support.estates.plain_rows import plain_row
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.governance import tags
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.row import PageItem, RowPage
from graphql_schema.ports.turns.loop_turns import Turns
from policies.errors import LimitError

Run = Callable[..., Awaitable[ExecutionResult]]
MODEL = "mlg://model/test/default/m"
A, B, C = (f"mlg://tag/catalog/default/{name}" for name in "abc")
TAGS_5001 = [f"mlg://tag/catalog/default/{number}" for number in range(5_001)]
SET = "mutation ($input: SetTagsInput!) { setTags(input: $input) { errors { code message inputPath } } }"
TAGS = "query ($id: ID!) { asset(id: $id) { tags { tag { name } mode since via { name } } } }"


async def test_a_propagated_tag_names_the_asset_that_it_arrived_from(run: Run, graph: PlainGraph) -> None:
    """A direct tag names none, even if it once arrived; a hidden origin is null."""
    model, data = graph.add("MODEL", "m"), graph.add("DATASET", "d")
    gone = "mlg://dataset/test/default/gone"
    for name, mode, via in (("x", "PROPAGATED", data), ("y", "DIRECT", data), ("z", "PROPAGATED", gone)):
        graph.join("TAGGED", model, graph.add("TAG", name), mode=mode, via=via, validFrom=1_000)
    found = await run(TAGS, id=model)
    assert found.errors is None
    since = "1970-01-01T00:00:01Z"
    assert found.data["asset"]["tags"] == [
        {"tag": {"name": "x"}, "mode": "PROPAGATED", "since": since, "via": {"name": "d"}},
        {"tag": {"name": "y"}, "mode": "DIRECT", "since": since, "via": None},
        {"tag": {"name": "z"}, "mode": "PROPAGATED", "since": since, "via": None},
    ]


@pytest.mark.parametrize(
    ("given", "targets", "removes"),
    [
        ({}, {}, ()),
        ({"add": None, "remove": None, "block": None}, {}, ()),
        (
            {"add": [A], "block": [B], "remove": [C]},
            {A: {"mode": "DIRECT"}, B: {"mode": "BLOCKED"}},
            (C,),
        ),
        ({"add": [A, A]}, {A: {"mode": "DIRECT"}}, ()),
    ],
)
async def test_tags_are_added_blocked_and_removed_in_one_command(
    run: Run, graph: PlainGraph, given: dict[str, Any], targets: dict[str, Any], removes: tuple[str, ...]
) -> None:
    """The command adds to the present tags, and a tag that is listed twice in one list counts once."""
    found = await run(SET, input={"asset": MODEL, **given})
    assert (found.errors, found.data["setTags"]["errors"]) == (None, [])
    ((command,), _, _) = graph.registered[0]
    edges = DeclaredEdges(TAGGED.out(), "Model.tags", targets, adds=True, removes=removes)
    assert command == RegisterCommand(MODEL, {}, (edges,), action=ChangeAction.TAGGED, right="tag", id_path="asset")


async def test_a_call_names_at_most_5000_tags(run: Run, graph: PlainGraph) -> None:
    """The ids of all lists count, each once."""
    most = {"add": [*TAGS_5001[:2], *TAGS_5001[:2]], "block": TAGS_5001[2:4], "remove": TAGS_5001[4:5_000]}
    found = await run(SET, input={"asset": MODEL, **most})
    assert (found.errors, found.data["setTags"]["errors"], len(graph.registered)) == (None, [], 1)


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        (
            {"add": [A], "remove": [A]},
            ["remove", "0"],
            f"{A} is in `add` and in `remove`; keep it in one.",
        ),
        (
            {"add": [A], "block": [B, A]},
            ["block", "1"],
            f"{A} is in `add` and in `block`; keep it in one.",
        ),
        (
            {"block": [A], "remove": [B, A]},
            ["block", "0"],
            f"{A} is in `remove` and in `block`; keep it in one.",
        ),
        (
            {"add": TAGS_5001[:1], "remove": TAGS_5001[1:]},
            ["remove"],
            "The call names 5001 different ids; use at most 5000 in one call.",
        ),
        (
            {"add": TAGS_5001[:2], "block": TAGS_5001[2:4], "remove": TAGS_5001[4:]},
            ["block"],
            "The call names 5001 different ids; use at most 5000 in one call.",
        ),
        ({"block": [A, MODEL]}, ["block", "1"], f"{MODEL} is a Model; use the id of a Tag."),
        ({"asset": A}, ["asset"], f"{A} is a Tag; use the id of a "),
    ],
)
async def test_a_wrong_list_is_refused(
    run: Run, graph: PlainGraph, given: dict[str, Any], path: list[str], message: str
) -> None:
    """A tag in two lists has no clear outcome, and another kind is no tag; nothing is written."""
    found = await run(SET, input={"asset": MODEL, **given})
    (error,) = found.data["setTags"]["errors"]
    assert (error["code"], error["inputPath"]) == ("INVALID", path)
    assert error["message"].startswith(message)
    assert graph.registered == []


async def test_others_run_between_the_tags_of_two_assets(
    run: Run, graph: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of assets may have tens of thousands of tags; the operation can pause after those of each asset."""
    ids = [graph.add("DATASET", f"d{number}") for number in range(9)]
    pauses = {}
    for selected in ("id", "tags { mode }"):
        pause = AsyncMock()
        monkeypatch.setattr(OperationBudget, "pause", pause)
        monkeypatch.setattr(Turns, "is_over", lambda _: True)
        found = await run(f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Dataset {{ {selected} }} }} }}", ids=ids)
        assert found.errors is None
        pauses[selected] = pause.await_count
    assert pauses["tags { mode }"] >= pauses["id"] + len(ids)


async def test_tags_that_are_too_many_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of objects of a level may be one asset with a hundred tags: they are counted before."""
    made = Mock()
    monkeypatch.setattr(tags, "_assignment", made)
    page = RowPage((PageItem(plain_row("TAG", "t"), (1,)),) * 1_000, has_next=False)
    reader = Mock(related_to_all=AsyncMock(return_value=[page] * 101))
    info: Any = Mock(context=Mock(budget=OperationBudget(), reader=reader))
    with pytest.raises(LimitError, match="items"):
        await tags.resolve_tags([plain_row("DATASET", "d")] * 101, info)
    assert not made.called
