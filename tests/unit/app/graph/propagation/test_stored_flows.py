"""The sources of many targets of a parent: they grow with the edges, not with the product of targets and children."""

from typing import Any

import orjson

from app.graph.driver.edge_pages import VisitBudget
from app.graph.propagation.flow_statement import FLOW
from app.graph.propagation.sources import group_of
from app.graph.propagation.stored_flows import MANY_EDGES, StoredFlows
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import KINDS

SET, FEATURE, VERSION, MODEL = (KINDS[name].code for name in ("FeatureSet", "Feature", "ModelVersion", "Model"))
PARENT, OTHER, ASSET = 1, 2, 3
CHILDREN = range(10, 10 + MANY_EDGES)
TARGETS = range(CHILDREN.stop, CHILDREN.stop + 500)


class Client:
    """Returns the edges around the targets: from a set with children, from one without, and to their model."""

    async def submit(self, statement: object, bindings: dict[str, Any], **_: object) -> list[Any]:
        """Return the rows of each hop, without records."""
        assert statement is FLOW
        targets, edges = bindings["hops"][0]["xs"], []
        for number, hop in enumerate(bindings["hops"]):
            rows: list[Any] = []
            if number == 0:
                rows += [each for vid in targets for each in (vid, PARENT, SET, vid, OTHER, SET)]
            elif hop["p"] == 0 and FEATURE in hop["ks"]:
                rows += [each for vid in CHILDREN for each in (PARENT, vid, FEATURE)]
            elif hop["p"] < 0 and MODEL in hop["ks"]:
                rows += [each for vid in targets for each in (vid, ASSET, MODEL)]
            edges.append(rows)
        return [{"e": edges, "r": [([], []) for _ in edges], "v": [], "w": [], "n": 0}]


async def test_targets_list_the_group_and_not_its_children() -> None:
    """Each target has the same three sources, one of them a group, which has each child once."""
    client: Any = Client()
    flows = StoredFlows(client, frozenset(), FOREVER)
    reading = flows.source_reading(TARGETS)
    await flows.next_sources(reading, VisitBudget())
    sources = reading.sources()
    group = group_of(PARENT)
    assert {vid: sources[vid] for vid in TARGETS} == {vid: {group, OTHER, ASSET} for vid in TARGETS}
    assert sources[group] == {PARENT, *CHILDREN}
    assert len(sources) == len(TARGETS) + 1


class Texts:
    """Two children of a parent; a request returns the record of one of them, with the keys that it names."""

    async def submit(self, _statement: object, bindings: dict[str, Any], **_: object) -> list[Any]:
        """Return the edges to the children, or the record that an earlier response left out."""
        is_first = not bindings["points"]
        edges = [[PARENT, 10, FEATURE, PARENT, 11, FEATURE] if FEATURE in hop["ks"] else [] for hop in bindings["hops"]]
        (vid,), left = ([10], [11]) if is_first else (bindings["points"], [])
        complete = {"description": "long", "kind": FEATURE, "sensitivity": "RESTRICTED", "index": {"tags": []}}
        kept = {key: value for key, value in complete.items() if key in (bindings["only"] or complete)}
        text = orjson.dumps(kept).decode()
        return [{"e": edges, "r": [([], []) for _ in edges], "v": [vid, text], "w": left, "n": 0}]


async def test_the_long_values_of_children_are_not_read() -> None:
    """Each edge that begins at a parent reads all its children under the write lock, for their tags and attributes."""
    client: Any = Texts()
    ((found, _),) = [page async for page in StoredFlows(client, frozenset(), FOREVER).child_pages([PARENT])]
    assert found.of == {PARENT: {10, 11}}
    kept = {"kind": FEATURE, "sensitivity": "RESTRICTED", "index": {"tags": []}}
    assert found.records == dict.fromkeys((10, 11), kept)
