"""The sources of many targets of a parent: they grow with the edges, not with the product of targets and children."""

from typing import Any

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

    async def submit(self, statement: object, bindings: dict[str, Any]) -> list[Any]:
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
        return [{"e": edges, "r": [([], []) for _ in edges], "v": [], "w": []}]


async def test_targets_list_the_group_and_not_its_children() -> None:
    """Each target has the same three sources, one of them a group, which has each child once."""
    client: Any = Client()
    flows = StoredFlows(client, frozenset(), FOREVER)
    reading = flows.source_reading(TARGETS)
    await flows.next_sources(reading)
    sources = reading.sources()
    group = group_of(PARENT)
    assert {vid: sources[vid] for vid in TARGETS} == {vid: {group, OTHER, ASSET} for vid in TARGETS}
    assert sources[group] == {PARENT, *CHILDREN}
    assert len(sources) == len(TARGETS) + 1
