"""Changes that a reader may not see keep no other change from it, however large they are.

The limit of what an event reads is lowered to half a megabyte of memory, so that few records exceed it.
"""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from support.servers.in_process import Api
from support.servers.websocket_client import connected, serving

from graphql_schema.ports.operation_budget import UsageLimits

FOLLOW = "subscription ($after: Cursor) { changes(after: $after) { cursor subjectId } }"
NEWEST = "{ changes(first: 1) { nodes { cursor } } }"
LIMITS = UsageLimits(stored=500_000)


@pytest.fixture(scope="module")
async def served(api: Api) -> AsyncIterator[tuple[Api, str]]:
    """Serve the API of the module over WebSockets."""
    async with serving(api.app) as address:
        yield api, address


@pytest.fixture(autouse=True)
def lower_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limits of an event, and the number of far ends that are read of a large change."""
    monkeypatch.setattr("app.runtime.operation_context.EVENT_LIMITS", LIMITS)
    monkeypatch.setattr("app.graph.reading.attached_records.FEW_ENDS", 10)


def urn(name: str, kind: str = "dataset") -> str:
    """Return an id that no other test has."""
    return f"mlg://{kind}/test/default/{name}-{uuid4().hex[:8]}"


def large(id_: str, **more: Any) -> dict[str, Any]:
    """Return a dataset of which a hundred are more than an event may read."""
    return {"dataset": {"id": id_, "description": "x" * 4_000, **more}}


async def cursor_of(api: Api, who: str) -> str:
    """Return the cursor of a new change that a caller may see."""
    await api.load({"dataset": {"id": urn("begin")}})
    found = await api.ask(who, NEWEST)
    return str(found["changes"]["nodes"][0]["cursor"])


async def next_subject(served: tuple[Api, str], who: str, after: str) -> str:
    """Return the subject of the first change after a cursor that a subscription sends."""
    api, address = served
    async with connected(address, api.tokens[who]) as talk:
        await talk.subscribe(FOLLOW, after=after)
        message = await talk.receive()
    assert message["type"] == "next", json.dumps(message)[:500]
    return str(message["payload"]["data"]["changes"]["subjectId"])


async def test_large_changes_of_hidden_assets_are_passed(served: tuple[Api, str]) -> None:
    """Hidden changes that are together more than an event may read come before a visible one, which arrives."""
    api, _ = served
    after = await cursor_of(api, "bo")
    hidden = {"visibility": "TEAM", "sensitivity": "RESTRICTED"}
    await api.load(*(large(urn("hidden"), **hidden) for _ in range(60)))
    shown = urn("shown")
    await api.load({"dataset": {"id": shown}})
    assert await next_subject(served, "bo", after) == shown


async def test_a_change_with_large_far_ends_arrives(served: tuple[Api, str]) -> None:
    """A change whose far ends are more than an event may read is visible by its first ones, and so are later ones."""
    api, _ = served
    inputs = [urn("input") for _ in range(60)]
    await api.load(*map(large, inputs))
    run = urn("run", "run")
    await api.load({"run": {"id": run, "state": "RUNNING"}})
    after = await cursor_of(api, "bo")
    await api.load({"run": {"id": run, "inputs": inputs}})
    assert await next_subject(served, "bo", after) == run


LISTED = """query ($run: ID!) { changes(first: 3, filter: {subjects: [$run]}) { nodes { action } }
  asset(id: $run) { history(first: 3) { nodes { action } } } }"""


@pytest.mark.parametrize(
    ("prefixes", "listed"),
    [("v" * 60, True), ("h" * 30 + "0" * 60, True), ("h" * 30 + "v", True), ("h" * 30, False)],
    ids=["all are visible", "the first are visible", "the last is visible", "none is visible"],
)
async def test_a_list_has_a_change_of_which_one_far_end_is_visible(
    api: Api, monkeypatch: pytest.MonkeyPatch, prefixes: str, *, listed: bool
) -> None:
    """Of many far ends a few are read first: a change is listed if one is visible, also if it is not among these.

    Names that begin with "h" are hidden. Sixty visible assets are together more than an operation may read.
    """
    shut = {"visibility": "TEAM", "owners": [{"owner": "mlg://team/catalog/default/risk"}]}
    inputs = [urn(prefix) for prefix in prefixes]
    await api.load(*({"dataset": {"id": each, **shut}} if "/h-" in each else large(each) for each in inputs))
    run = urn("run", "run")
    await api.load({"run": {"id": run, "state": "RUNNING"}})
    await api.load({"run": {"id": run, "inputs": inputs}})
    monkeypatch.setattr("app.runtime.operation_context.UsageLimits", lambda: LIMITS)
    monkeypatch.setattr("app.graph.reading.visible_rows.MANY_ENDS", 20)
    monkeypatch.setattr("app.graph.reading.visible_rows.FEW_ENDS", 10)
    found = await api.ask("bo", LISTED, run=run)
    actions = ["UPDATED", "REGISTERED"] if listed else ["REGISTERED"]
    for each in (found["changes"], found["asset"]["history"]):
        assert [node["action"] for node in each["nodes"]] == actions


OF_AUTHOR = """query ($run: ID!) { changes(first: 3, filter: {subjects: [$run]}) {
  nodes { action subject { ... on Run { inputs { nodes { id } } } } } } }"""


async def test_what_was_not_read_of_an_own_change_is_not_hidden(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The author of a change sees it by being that, so its further far ends are not read, and are read where asked."""
    shut = {"visibility": "TEAM", "owners": [{"owner": "mlg://team/catalog/default/risk"}]}
    inputs = [urn(prefix) for prefix in "h" * 30 + "v"]
    await api.load(*({"dataset": {"id": each, **(shut if "/h-" in each else {})}} for each in inputs))
    run = urn("own", "run")
    await api.register("ada", {"run": {"id": run, "state": "RUNNING"}})
    await api.register("ada", {"run": {"id": run, "inputs": inputs}})
    monkeypatch.setattr("app.graph.reading.visible_rows.MANY_ENDS", 20)
    monkeypatch.setattr("app.graph.reading.visible_rows.FEW_ENDS", 10)
    nodes = (await api.ask("ada", OF_AUTHOR, run=run))["changes"]["nodes"]
    assert nodes[0] == {"action": "UPDATED", "subject": {"inputs": {"nodes": [{"id": inputs[-1]}]}}}
