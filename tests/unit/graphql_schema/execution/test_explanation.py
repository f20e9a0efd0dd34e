"""The explanation of a plan: the called fields by path, each before those below it."""

from types import SimpleNamespace
from typing import Any, cast

from graphql_schema.execution.explanation import explained
from graphql_schema.execution.plan import Selection


def step(key: str, parent: str, *, for_all: bool | None = None, **below: Any) -> Any:
    """Return a step; a field without a resolver if ``for_all`` is None."""
    call = None if for_all is None else SimpleNamespace(for_all=for_all)
    return SimpleNamespace(key=key, name=f"{key}Name", parent=SimpleNamespace(name=parent), call=call, below=below)


def selection(*steps: Any) -> Selection:
    """Return a selection of steps that are no leaves."""
    return cast("Selection", SimpleNamespace(deeper=steps))


def test_called_fields_have_paths_objects_and_calls() -> None:
    """Fields that only lead on are parts of paths; a field that was read for no object is left out."""
    health, versions, none = (
        step("h", "Model", for_all=False),
        step("v", "Model", for_all=True),
        step("n", "Model", for_all=True),
    )
    nodes = step("nodes", "AssetConnection", Model=selection(health, versions, none))
    root = step("all", "Query", for_all=False, AssetConnection=selection(nodes))
    found = [*explained(selection(root), {id(root): 1, id(health): 7, id(versions): 7})]
    assert found == [
        {"path": "all", "field": "Query.allName", "objects": 1, "calls": 1},
        {"path": "all.nodes.h", "field": "Model.hName", "objects": 7, "calls": 7},
        {"path": "all.nodes.v", "field": "Model.vName", "objects": 7, "calls": 1},
    ]
