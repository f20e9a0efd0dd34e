"""Reserved names on a real store: the writer uses those of the installation, and stores their team and its record."""

from dataclasses import replace

from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import Writers, asset, person, stored, urn

from graphql_schema.ports.commands import Command
from policies.installation.reserved_names import Reservation, ReservedNames
from policies.principal import Principal

MAL, ROBOT = person("mal", "team ads", roles="engineer"), person("robot", "team ranking", roles="automation")


async def test_a_reserved_id_belongs_to_its_team_after_any_first_write(graph: StoreGraph, writers: Writers) -> None:
    """A stranger refers to the id, and does not register it; the team does, whose own record was absent."""
    names = ReservedNames((Reservation(urn("team ranking"), frozenset({"Dataset"}), ("test",)),))
    process = replace(writers, coordinator=replace(writers.coordinator, reserved_names=names))

    async def outcomes(who: Principal, *commands: Command) -> list[str]:
        done = await process.of(who).write(commands, dry_run=False, atomic=False)
        return [one.outcome.name for one in done]

    refers = asset("run s", {"state": "START"}, inputs=["dataset d"])
    assert await outcomes(MAL, refers, asset("dataset d"), asset("dataset e")) == ["CREATED", "DENIED", "DENIED"]
    after = await stored(graph)
    assert after.natives[urn("dataset d")]["ownerTeam"] == urn("team ranking")
    assert after.records[urn("team ranking")]["hydration"] == "STUB"
    assert await outcomes(ROBOT, asset("dataset d")) == ["CREATED"]
    observed = ObservedRequests()
    writers.client.observers.append(observed)
    assert await outcomes(ROBOT, asset("dataset e")) == ["CREATED"]
    assert len(observed.reports) == 2, "one request reads, and one writes"
    owners = {name: values["ownerTeam"] for name, values in (await stored(graph)).natives.items() if "dataset" in name}
    assert owners == {urn("dataset d"): urn("team ranking"), urn("dataset e"): urn("team ranking")}
