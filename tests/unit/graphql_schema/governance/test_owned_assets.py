"""Assets of teams, of which a bound leaves out those that others own before those that the teams own."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.stores.plain_reader import PlainGraph

from graphql_schema.governance import owned_assets as module
from graphql_schema.governance.owned_assets import all_owned, owned_by, owner_team_in, window_of
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.shared_results import SharedResults
from policies.errors import LimitError

ADS, GROWTH = "mlg://team/test/default/ads", "mlg://team/test/default/growth"


@pytest.fixture
def graph() -> PlainGraph:
    """Return three datasets of ads by which growth is a further owner, and then two of growth."""
    graph = PlainGraph()
    for name in ("a", "b", "c"):
        graph.add("DATASET", name, ownerTeam=ADS, owners=[ADS, GROWTH])
    for name in ("x", "y"):
        graph.add("DATASET", name, ownerTeam=GROWTH, owners=[GROWTH])
    return graph


def info(graph: PlainGraph) -> Any:
    """Return the context of an operation over a graph."""
    context = SimpleNamespace(reader=graph, budget=OperationBudget(), once=SharedResults().get)
    return cast("Any", SimpleNamespace(context=context))


@pytest.mark.parametrize(
    ("size", "names", "states"),
    [
        (5, "xyabc", (True, True)),
        (4, "xyab", (False, True)),
        (2, "xy", (False, True)),
        (1, "x", (False, False)),
    ],
)
async def test_the_preferred_come_first(graph: PlainGraph, size: int, names: str, states: tuple[bool, bool]) -> None:
    """The others have what is left, and no asset is twice."""
    found = await window_of(info(graph), None, None, owned_by([GROWTH]), owner_team_in([GROWTH]), size)
    assert "".join(row.record["name"] for row in found.rows) == names
    assert (found.complete, found.has_all_preferred) == states


async def test_further_preferred_assets_leave_it_incomplete(graph: PlainGraph) -> None:
    """Also if there are no others: the team has three assets and is a further owner of none."""
    found = await window_of(info(graph), None, None, owned_by([ADS]), owner_team_in([ADS]), 2)
    assert ("".join(row.record["name"] for row in found.rows), found.complete) == ("ab", False)


async def test_no_asset_is_read_twice(graph: PlainGraph) -> None:
    """The assets that a team itself owns would otherwise take places of the others, which are read in parts."""
    listed = list[str]()

    class Listed:
        """Remembers what is read."""

        async def listing(self, listing: Any, page: Any) -> Any:
            """Return the assets of a listing."""
            found = await graph.listing(listing, page)
            listed.extend(item.row.record["name"] for item in found.items)
            return found

    await window_of(info(cast("Any", Listed())), None, None, owned_by([GROWTH]), owner_team_in([GROWTH]), 5)
    assert sorted(listed) == [*"abcxy"]


async def test_aliases_read_what_teams_own_once(graph: PlainGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty of them wait for the same listings, and each would pass over ten thousand rows in one iteration."""
    read, windows = list[int](), module.window_of

    async def window(*given: Any) -> Any:
        read.append(1)
        return await windows(*given)

    monkeypatch.setattr(module, "window_of", window)
    aliased = info(graph)
    found = await asyncio.gather(*(all_owned(aliased, [ADS], "usage") for _ in range(30)))
    assert [[row.record["name"] for row in each.rows] for each in found] == [["a", "b", "c"]] * 30
    assert len(read) == 1


async def test_only_what_teams_own_themselves_is_too_much(graph: PlainGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assets by which a team is a further owner are left out, and more of its own than the bound are an error."""
    monkeypatch.setattr(module, "MAX_OWNED", 3)
    assert [row.record["name"] for row in (await all_owned(info(graph), [GROWTH])).rows] == ["x", "y", "a"]
    monkeypatch.setattr(module, "MAX_OWNED", 1)
    with pytest.raises(LimitError):
        await all_owned(info(graph), [GROWTH])
