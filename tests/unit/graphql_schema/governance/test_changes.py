"""Changes as a viewer sees them, their filter, and the command of ``revertChange``."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.governance.change_redaction import named_ids
from graphql_schema.ports.commands import RevertCommand
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.turns.loop_turns import Turns

Run = Callable[..., Awaitable[ExecutionResult]]
MODEL = "mlg://model/test/default/ranker"
CHANGE = """query ($id: ID!) { node(id: $id) { ... on Change { subject { id } subjectId at reverts { id }
  fields { field before after } } } }"""
LIST = "query ($f: ChangeFilter) { changes(filter: $f) { nodes { id } } }"
REVERT = "mutation ($input: RevertChangeInput!) { revertChange(input: $input) { errors { code message inputPath } } }"


def change(graph: PlainGraph, name: str, at: int = 0, **values: Any) -> str:
    """Add a change of the model."""
    usual = {"subject": MODEL, "subjectKind": "MODEL", "actor": "ada", "action": "UPDATED", "fields": []}
    return graph.add("CHANGE", name, createdAt=at, **{**usual, **values})


async def test_a_change_shows_its_subject_as_it_is_now(run: Run, graph: PlainGraph) -> None:
    """The subject is followed by id, and a reverted change is named."""
    graph.add("MODEL", "ranker")
    first = change(graph, "c1", 1_000)
    second = change(graph, "c2", 2_000, reverts=first, fields=[{"field": "task", "before": "a", "after": None}])
    found = await run(CHANGE, id=second)
    assert found.errors is None
    assert found.data["node"] == {
        "subject": {"id": MODEL},
        "subjectId": MODEL,
        "at": "1970-01-01T00:00:02Z",
        "reverts": {"id": first},
        "fields": [{"field": "task", "before": "a", "after": None}],
    }


async def test_a_change_of_a_team_has_no_asset_as_its_subject(run: Run, graph: PlainGraph) -> None:
    """A team is no asset, so only its id is shown."""
    team = graph.add("TEAM", "search")
    found = await run(CHANGE, id=change(graph, "c", subject=team, subjectKind="TEAM"))
    assert (found.data["node"]["subject"], found.data["node"]["subjectId"]) == (None, team)


async def test_fields_of_a_hidden_subject_are_left_out(run: Run, graph: PlainGraph) -> None:
    """Without the subject no field is shown; a hidden field of a visible subject is left out without a trace."""
    fields = [{"field": "task", "before": "a", "after": "b"}, {"field": "intendedUse", "before": None, "after": "c"}]
    urn = change(graph, "c", fields=fields)
    assert (await run(CHANGE, id=urn)).data["node"]["fields"] == []
    graph.add("MODEL", "ranker")
    graph.hidden = {"MODEL": {"task"}}
    shown = (await run(CHANGE, id=urn)).data["node"]["fields"]
    assert [entry["field"] for entry in shown] == ["intendedUse"]


async def test_others_run_between_the_fields_of_a_large_change(
    run: Run, graph: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One change can have thousands of fields, and each of them can end the turn of the event loop."""
    pause = AsyncMock()
    monkeypatch.setattr(OperationBudget, "pause", lambda *_: pause())
    monkeypatch.setattr(Turns, "is_over", lambda _: True)
    graph.add("MODEL", "ranker")
    fields = [{"field": "task", "before": None, "after": str(number)} for number in range(100)]
    found = await run(CHANGE, id=change(graph, "c", fields=fields))
    assert [each["after"] for each in found.data["node"]["fields"]] == [str(number) for number in range(100)]
    assert pause.await_count >= 200, "the ids of an entry are collected in a turn of their own"


async def test_the_fields_of_a_change_are_found_once_for_all_aliases(
    run: Run, graph: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further aliases of the field cost no further visit of its entries, which have up to 8 MB."""
    visited = Mock(side_effect=named_ids)
    monkeypatch.setattr("graphql_schema.governance.changes.named_ids", visited)
    graph.add("MODEL", "ranker")
    names = ("c1", "c2")
    urns = [change(graph, name, fields=[{"field": "task", "before": None, "after": name}]) for name in names]
    document = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Change {
      a: fields { after } b: fields { field } c: fields { before after } } } }"""
    found = await run(document, ids=urns)
    assert found.data["nodes"] == [
        {"a": [{"after": name}], "b": [{"field": "task"}], "c": [{"before": None, "after": name}]} for name in names
    ]
    calls = visited.call_count
    assert calls > 0
    await run("query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Change { fields { after } } } }", ids=urns)
    assert visited.call_count == 2 * calls, "three aliases cost as much as one"


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (None, ["c3", "c2", "c1"]),
        ({}, ["c3", "c2", "c1"]),
        ({"since": "1970-01-01T00:00:02Z"}, ["c3", "c2"]),
        ({"until": "1970-01-01T00:00:02Z"}, ["c1"]),
        ({"since": "1970-01-01T00:00:02Z", "until": "1970-01-01T00:00:03Z"}, ["c2"]),
        ({"actors": ["bo"]}, ["c2"]),
        ({"actions": ["DELETED", "UPDATED"], "actors": ["ada"]}, ["c3", "c1"]),
        ({"kinds": ["DATASET"]}, []),
        ({"subjects": [MODEL]}, ["c3", "c2", "c1"]),
        ({"subjects": ["mlg://model/test/default/other"]}, []),
    ],
)
async def test_changes_are_filtered_newest_first(
    run: Run, graph: PlainGraph, where: dict[str, Any] | None, names: list[str]
) -> None:
    """`since` includes its instant and `until` does not; every given condition must match."""
    change(graph, "c1", 1_000)
    change(graph, "c2", 2_000, actor="bo")
    change(graph, "c3", 3_000, action="DELETED")
    found = await run(LIST, f=where)
    assert found.errors is None
    assert [node["id"].rpartition("/")[2] for node in found.data["changes"]["nodes"]] == names


async def test_an_oversized_filter_is_refused(run: Run) -> None:
    """A list of many ids would make a slow query."""
    found = await run(LIST, f={"actors": [f"a{number}" for number in range(100_000)]})
    assert found.errors is not None
    assert found.errors[0].extensions["code"] in {"INVALID", "LIMIT_EXCEEDED"}


async def test_a_change_is_reverted_by_its_id(run: Run, graph: PlainGraph) -> None:
    """The command has the id and the reason, and an empty reason is none."""
    urn = "mlg://change/catalog/default/000000001-abc"
    assert (await run(REVERT, input={"change": urn, "reason": "wrong"})).data["revertChange"]["errors"] == []
    assert (await run(REVERT, input={"change": urn, "reason": ""})).errors is None
    assert [call[0] for call in graph.registered] == [[RevertCommand(urn, "wrong")], [RevertCommand(urn)]]


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"change": MODEL}, ["change"], f"{MODEL} is a Model; use the id of a Change."),
        ({"change": "mlg://change/catalog/default/x", "reason": "x" * 4_001}, ["reason"], "The reason is longer than"),
    ],
)
async def test_only_a_change_is_reverted(
    run: Run, graph: PlainGraph, given: dict[str, str], path: list[str], message: str
) -> None:
    """The id of an asset and a long reason are refused at their field."""
    (error,) = (await run(REVERT, input=given)).data["revertChange"]["errors"]
    assert (error["code"], error["inputPath"]) == ("INVALID", path)
    assert error["message"].startswith(message)
    assert graph.registered == []
