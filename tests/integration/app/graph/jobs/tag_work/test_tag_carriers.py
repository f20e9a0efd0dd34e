"""What the store reads of the tags of many assets, of which some have had very many."""

import re
from typing import Any

from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, person, urn

from app.graph.jobs.tag_work.tag_carriers import EDGES_TO_TAG, Carriers
from app.graph.records.vertex_id import vertex_id


async def test_other_tags_of_an_asset_are_not_read(graph: StoreGraph, writers: Writers) -> None:
    """Three assets have thirty tags each, and two of them another one: the store reads the edges to this one alone."""
    names = [f"dataset d{number}" for number in range(3)]
    tags = [f"tag t{number}" for number in range(30)]
    items = [asset(name, tags=[*tags, *(["tag pii"] if name != names[0] else [])]) for name in names]
    await writers.of(person("root", roles="admin")).write(items, dry_run=False, atomic=False)
    xs, tag = [vertex_id("default", urn(name)) for name in names], vertex_id("default", urn("tag pii"))
    profile: Any = await graph.run(f"[{EDGES_TO_TAG}.profile().next().toString()]", xs=xs, tag=tag)
    read = re.findall(r"backend-query +(\d+)", profile[0])
    assert [int(count) for count in read] == [2]
    carriers = await Carriers(writers.client, tag, NOW, propagates=True).of(xs)
    assert {vid: carrier.direct for vid, carrier in carriers.items()} == dict(zip(xs, [False, True, True], strict=True))
