"""Effects of an edge that ends, on a real JanusGraph, where each call reads only what it needs."""

from collections.abc import Sequence

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, link, person, stored, urn

from graphql_schema.ports.commands import LinkCommand, RegisterCommand, UnlinkCommand
from graphql_schema.ports.outcomes import Outcome

ROOT = person("root", roles="admin")
OWNERS = {name: {f"team {name}": ["TECHNICAL"]} for name in ("ranking", "ads")}
DOMAINS = [asset(f"domain {name}", owners=OWNERS[name]) for name in OWNERS]
SETS = [asset(f"feature-set {name}", owners=OWNERS[name]) for name in OWNERS]


@pytest.mark.parametrize(
    ("parents", "container", "member", "index_key", "owner"),
    [(DOMAINS, "domain", "dataset d", "domain", "domain"), (SETS, "feature-set", "feature f", "whole", "team")],
)
async def test_another_container_takes_the_place_of_an_ended_one(
    graph: StoreGraph,
    writers: Writers,
    parents: Sequence[RegisterCommand],
    container: str,
    member: str,
    index_key: str,
    owner: str,
) -> None:
    """An unlink of the container that counts moves the asset to its other container, then to none, with its owner."""

    async def write(now: int, *items: RegisterCommand | LinkCommand | UnlinkCommand) -> tuple[str, str]:
        done = await writers.of(ROOT, now=now).write(items, dry_run=False, atomic=False)
        assert {one.outcome for one in done} <= {Outcome.CREATED, Outcome.UPDATED}
        record = (await stored(graph)).records[urn(member)]
        return record["index"][index_key], record["ownerTeam"]

    ranking, ads = (urn(f"{container} {name}") for name in OWNERS)
    await write(NOW, *parents, asset(member))
    await write(NOW + 1, link("CONTAINS", f"{container} ranking", member))
    assert await write(NOW + 2, link("CONTAINS", f"{container} ads", member)) == (ads, urn(f"{owner} ads"))
    assert await write(NOW + 3, UnlinkCommand("CONTAINS", ads, urn(member))) == (ranking, urn(f"{owner} ranking"))
    assert await write(NOW + 4, UnlinkCommand("CONTAINS", ranking, urn(member))) == ("", "")
