"""Groups of hits: which asset a version is shown under, and in which order."""

from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.row import PageItem
from graphql_schema.search.version_groups import grouped


async def _grouped(graph: PlainGraph, *hits: str) -> list[tuple[str, int, list[str]]]:
    """Return the groups of hits with these ids: asset, position, versions."""
    items = [PageItem(row, (at,)) for at, urn in enumerate(hits) if (row := graph.row(urn)) is not None]
    groups = await grouped(graph, items)
    return [(each.asset.row.urn, each.asset.position[0], [item.row.urn for item in each.versions]) for each in groups]


async def test_a_group_has_the_place_of_its_best_member() -> None:
    """The asset comes with its versions where the first of them was, also if the asset is a later hit or none."""
    graph = PlainGraph()
    model, other = graph.add("MODEL", "ranker"), graph.add("MODEL", "other")
    one, two = (graph.add("MODEL_VERSION", "ranker", version=version) for version in ("1", "2"))
    third = graph.add("MODEL_VERSION", "other", version="3")
    report = graph.add("REPORT", "ranker")
    assert await _grouped(graph, two, report, model, one) == [(model, 0, [two, one]), (report, 1, [])]
    assert await _grouped(graph, report, third, one) == [(report, 0, []), (other, 1, [third]), (model, 2, [one])]
    assert await _grouped(graph) == []


async def test_a_version_without_a_visible_asset_is_a_group_by_itself() -> None:
    """That is so if the asset is hidden, which is the same as absent here, or deleted."""
    graph = PlainGraph()
    graph.add("MODEL", "gone", deletedAt=1)
    versions = [graph.add("MODEL_VERSION", name, version="1") for name in ("gone", "hidden")]
    assert await _grouped(graph, *versions) == [(versions[0], 0, []), (versions[1], 1, [])]
