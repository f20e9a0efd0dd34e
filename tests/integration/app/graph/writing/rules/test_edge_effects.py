"""Effects of an edge that ends, on a real JanusGraph, where each call reads only what it needs."""

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, link, person, stored, urn

from graphql_schema.ports.commands import LinkCommand, RegisterCommand, UnlinkCommand
from graphql_schema.ports.outcomes import Outcome

ROOT = person("root", roles="admin")
OWNERS = {name: {f"team {name}": ["TECHNICAL"]} for name in ("ranking", "ads")}


@pytest.mark.parametrize(
    ("container", "member", "found"),
    [("domain", "dataset d", ("domain", "domain")), ("feature-set", "feature f", ("whole", "team"))],
)
async def test_another_container_takes_the_place_of_an_ended_one(
    graph: StoreGraph, writers: Writers, container: str, member: str, found: tuple[str, str]
) -> None:
    """An unlink of the container that counts moves the asset to its other container, then to none, with its owner.

    ``found`` is the index key of the container, and the kind of the owner that the asset inherits from it.
    """
    index_key, owner = found
    parents = [asset(f"{container} {name}", owners=owners) for name, owners in OWNERS.items()]

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
