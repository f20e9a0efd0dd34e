"""The reading around deleted and restored assets: many are read together, unless very many edges are around them."""

from typing import Any

import pytest

from app.graph.driver.edge_pages import VisitBudget
from app.graph.propagation import tags_around
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.propagation.tags_around import TagsAround
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import KINDS

DATASET, TAG = KINDS["Dataset"].code, KINDS["Tag"].code
PII, ASSETS = 7, range(100, 108)


class Client:
    """Returns two sources of each asset, of which a page has those of two assets, and the tag of each source.

    ``begun`` counts the assets of each reading that began.
    """

    def __init__(self) -> None:
        self.begun: list[int] = []

    async def submit(self, _statement: object, bindings: dict[str, Any], **_: object) -> list[Any]:
        """Return the rows of the first hop, and what is left of it."""
        (first, *others) = bindings["hops"]
        xs = first["xs"]
        if not others:
            rows = [each for vid in xs if vid >= 1_000 for each in (vid, PII, TAG)]
            return [{"e": [rows], "r": [([], [])], "v": [], "w": [], "n": len(xs)}]
        if bindings["points"]:
            self.begun.append(len(xs))
        rows = [each for vid in xs[:2] for source in (1, 2) for each in (vid, 1_000 * source + vid, DATASET)]
        rest: list[Any] = [(xs[2:], []), *(([], []) for _ in others)]
        return [{"e": [rows, *([] for _ in others)], "r": rest, "v": [], "w": [], "n": 4}]


async def read(client: Any) -> set[int]:
    """Return the assets to recompute for the tag once all is read."""
    flows, around, found = StoredFlows(client, frozenset(), FOREVER), TagsAround(), set[int]()
    around.add(ASSETS)
    while around:
        carried = await around.advance(flows, VisitBudget())
        found.update(await around.concerned(carried.get(PII, [])))
    return found


@pytest.mark.parametrize(("max_edges", "begun"), [(100, [8]), (12, [8, 4, 4]), (4, [8, 4, 2, 4, 2, 4, 2, 2])])
async def test_fewer_assets_are_read_together_if_very_many_edges_are_around_them(
    monkeypatch: pytest.MonkeyPatch, max_edges: int, begun: list[int]
) -> None:
    """The memory of the job is bounded, although hundreds of assets may have hundreds of thousands of sources each."""
    monkeypatch.setattr(tags_around, "MAX_EDGES", max_edges)
    client = Client()
    assert await read(client) == {*ASSETS}
    assert client.begun == begun
