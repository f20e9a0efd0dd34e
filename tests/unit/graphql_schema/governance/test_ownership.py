"""Owners, declared and inherited, and the command of ``setOwners``."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import AsyncMock

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import OWNED_BY
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.turns.loop_turns import Turns

Run = Callable[..., Awaitable[ExecutionResult]]
VERSION = "mlg://model-version/test/default/ranker@1"
OWNERS = """query ($id: ID!, $all: Boolean) { asset(id: $id) { owners(includeInherited: $all) {
  owner { ... on Team { name } ... on User { name } } ownership inherited inheritedFrom { id } since } } }"""
SET = "mutation ($input: SetOwnersInput!) { setOwners(input: $input) { errors { code message inputPath } } }"


@pytest.fixture
def estate(graph: PlainGraph) -> PlainGraph:
    """Add a version of a model in a domain, each with an owner of its own."""
    version, model = graph.add("MODEL_VERSION", "ranker", version="1"), graph.add("MODEL", "ranker")
    domain = graph.add("DOMAIN", "shop")
    graph.join("VERSION_OF", version, model)
    graph.join("CONTAINS", domain, model)
    graph.join("OWNED_BY", domain, graph.add("USER", "dora"), kinds=["STEWARD"])
    graph.join("OWNED_BY", model, graph.add("TEAM", "models"), kinds=["TECHNICAL"], validFrom=1_000)
    graph.join("OWNED_BY", version, graph.add("TEAM", "zebra"), kinds=["BUSINESS", "TECHNICAL"])
    graph.join("OWNED_BY", version, graph.add("TEAM", "aces"), kinds=["TECHNICAL"])
    return graph


async def owners(run: Run, urn: str, *, inherited: bool | None) -> list[tuple[str, str, str | None]]:
    """Return name, ownership and origin of the owners: ``own``, a URN, or None for a domain."""
    found = await run(OWNERS, id=urn, all=inherited)
    assert found.errors is None
    return [
        (
            each["owner"]["name"],
            each["ownership"],
            (each["inheritedFrom"] or {"id": None})["id"] if each["inherited"] else "own",
        )
        for each in found.data["asset"]["owners"]
    ]


@pytest.mark.usefixtures("estate")
async def test_direct_owners_come_before_inherited_ones(run: Run) -> None:
    """Direct owners are ordered by id; then follow those of the model, and those of the model's domain."""
    assert await owners(run, VERSION, inherited=True) == [
        ("aces", "TECHNICAL", "own"),
        ("zebra", "BUSINESS", "own"),
        ("zebra", "TECHNICAL", "own"),
        ("models", "TECHNICAL", "mlg://model/test/default/ranker"),
        ("dora", "STEWARD", None),
    ]


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize("inherited", [False, None])
async def test_inherited_owners_are_left_out_on_request(run: Run, *, inherited: bool | None) -> None:
    """False and null both select the direct owners only."""
    found = await owners(run, VERSION, inherited=inherited)
    assert {origin for _, _, origin in found} == {"own"}
    assert len(found) == 3


async def test_an_owner_without_ownership_kinds_is_not_listed(run: Run, graph: PlainGraph) -> None:
    """An edge without a kind states no responsibility."""
    model = graph.add("MODEL", "m")
    graph.join("OWNED_BY", model, graph.add("TEAM", "t"), kinds=[])
    assert await owners(run, model, inherited=True) == []


async def test_owners_are_replaced_by_one_list(run: Run, graph: PlainGraph) -> None:
    """An owner that is listed twice has both ownerships, sorted; the order of owners is kept."""
    model, zebra, aces = (
        f"mlg://{kind}/test/default/{name}" for kind, name in (("model", "m"), ("team", "zebra"), ("user", "aces"))
    )
    given = [
        {"owner": zebra, "ownership": "TECHNICAL"},
        {"owner": aces, "ownership": "STEWARD"},
        {"owner": zebra, "ownership": "BUSINESS"},
        {"owner": zebra, "ownership": "TECHNICAL"},
    ]
    found = await run(SET, input={"asset": model, "owners": given, "expectedRevision": 2})
    assert (found.errors, found.data["setOwners"]["errors"]) == (None, [])
    ((command,), _, _) = graph.registered[0]
    targets = {zebra: {"kinds": ["BUSINESS", "TECHNICAL"]}, aces: {"kinds": ["STEWARD"]}}
    assert command == RegisterCommand(
        model,
        {},
        (DeclaredEdges(OWNED_BY.out(), "Model.owners", targets, replaces_all=True),),
        expected_revision=2,
        action=ChangeAction.OWNERS_SET,
        id_path="asset",
    )
    assert isinstance(command, RegisterCommand)
    assert [*command.edges[0].targets] == [zebra, aces]


async def test_an_empty_list_removes_all_owners(run: Run, graph: PlainGraph) -> None:
    """The command declares no target."""
    await run(SET, input={"asset": "mlg://model/test/default/m", "owners": []})
    ((command,), _, _) = graph.registered[0]
    assert isinstance(command, RegisterCommand)
    assert [edges.targets for edges in command.edges] == [{}]


@pytest.mark.parametrize(
    ("asset", "owner", "path", "message"),
    [
        (
            "mlg://model/test/default/m",
            "mlg://model/test/default/n",
            ["owners", "1", "owner"],
            "use the id of a Team or User",
        ),
        ("mlg://model/test/default/m", "x", ["owners", "1", "owner"], "x"),
        ("mlg://team/test/default/t", "mlg://team/test/default/u", ["asset"], "is a Team; use the id of a "),
    ],
)
async def test_wrong_ids_are_refused_at_their_place(
    run: Run, asset: str, owner: str, path: list[str], message: str
) -> None:
    """The path leads to the owner by its index."""
    rows: list[dict[str, Any]] = [
        {"owner": each, "ownership": "TECHNICAL"} for each in ("mlg://team/test/default/t", owner)
    ]
    found = await run(SET, input={"asset": asset, "owners": rows})
    (error,) = found.data["setOwners"]["errors"]
    assert (error["code"], error["inputPath"]) == ("INVALID", path)
    assert message in error["message"]


async def test_others_run_between_the_owners_of_two_assets(
    run: Run, graph: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of assets may have tens of thousands of owners; the operation can pause after those of each asset."""
    ids = [graph.add("DATASET", f"d{number}") for number in range(9)]
    pauses = {}
    for selected in ("id", "owners { ownership }"):
        pause = AsyncMock()
        monkeypatch.setattr(OperationBudget, "pause", pause)
        monkeypatch.setattr(Turns, "is_over", lambda _: True)
        found = await run(f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Dataset {{ {selected} }} }} }}", ids=ids)
        assert found.errors is None
        pauses[selected] = pause.await_count
    assert pauses["owners { ownership }"] >= pauses["id"] + len(ids)
