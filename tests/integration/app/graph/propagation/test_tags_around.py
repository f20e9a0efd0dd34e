"""Deleted and restored assets on a real JanusGraph: the job finds the tags around them, and the write reads none."""

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.received_rows import received_rows
from support.stores.writers import NOW, Writers, asset, link, person, stored, urn

from app.graph.driver import edge_pages
from app.graph.jobs.tag_job import TagJob
from app.graph.propagation import tags_around
from graphql_schema.ports.commands import Command, DeleteCommand, RestoreCommand
from policies.principal import Principal

ROOT, ADA = person("root", roles="admin"), person("ada", "team ranking", roles="engineer")
FEATURES = [f"feature f{number}" for number in range(60)]
VERSIONS = ["model-version m@1", "model-version m@2"]
ESTATE: list[Command] = [
    asset("tag pii", {"propagates": True}),
    *(link("CONTAINS", "feature-set s", each) for each in FEATURES),
    asset(FEATURES[-1], tags=["tag pii"]),
    *(link("FEEDS", "feature-set s", each) for each in VERSIONS),
    *(link("BASE_OF", each, "model-version n@1") for each in VERSIONS),
    *(asset(each, {"stage": "RETIRED"}) for each in (*VERSIONS, "model-version n@1")),
]


async def write(writers: Writers, *items: Command, who: Principal = ROOT) -> None:
    """Write items, all of which change something."""
    done = await writers.of(who, now=NOW).write(items, dry_run=False, atomic=False)
    assert {one.outcome.name for one in done} <= {"CREATED", "UPDATED"}


async def carriers(graph: StoreGraph, writers: Writers) -> set[str]:
    """Return the assets that have the tag in their index once the job has no work left."""
    job = TagJob(writers.client, writers.coordinator, lambda: NOW)
    while await job.step():
        pass
    found = (await stored(graph)).records
    return {urn_ for urn_, record in found.items() if record["index"]["tags"]}


@pytest.fixture(params=[250, 1])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the job read around many assets at once, or around one of them, an edge at a time."""
    if request.param == 1:
        monkeypatch.setattr(tags_around, "AT_ONCE", 1)
        monkeypatch.setattr(edge_pages, "PAGE", 1)


@pytest.mark.usefixtures("at_once")
async def test_the_tags_around_restored_targets_are_found(graph: StoreGraph, writers: Writers) -> None:
    """A tag of a member of their source leaves deleted versions and what is behind them, and comes back with them.

    A write reads none of the 60 members of the source, for which all writers would wait.
    """
    await write(writers, *ESTATE)
    source, behind = {urn(FEATURES[-1])}, {urn("model-version n@1")}
    assert await carriers(graph, writers) == {*source, *map(urn, VERSIONS), *behind}
    for command, expected in ((DeleteCommand, source), (RestoreCommand, {*source, *map(urn, VERSIONS), *behind})):
        with received_rows(writers.client) as rows:
            await write(writers, *(command(urn(each)) for each in VERSIONS))
        assert sum(rows.values) < len(FEATURES)
        assert await carriers(graph, writers) == expected


@pytest.mark.usefixtures("at_once")
async def test_the_tags_around_a_restored_parent_are_found(graph: StoreGraph, writers: Writers) -> None:
    """The tag of a member leaves the targets of a deleted set, and comes back with it, although the set has no tag.

    The member is hidden from the owner of the set, and therefore not deleted with it.
    """
    hidden = asset(FEATURES[-1], {"visibility": "TEAM"}, owners=["team ads"])
    await write(writers, *ESTATE, hidden, asset("feature-set s", owners=["team ranking"]))
    before = await carriers(graph, writers)
    await write(writers, DeleteCommand(urn("feature-set s")), who=ADA)
    assert await carriers(graph, writers) == {urn(FEATURES[-1])}
    records = (await stored(graph)).records
    assert ["deletedAt" in records[urn(each)] for each in ("feature-set s", FEATURES[0], FEATURES[-1])] == [1, 1, 0]
    await write(writers, RestoreCommand(urn("feature-set s")), who=ADA)
    assert await carriers(graph, writers) == before
