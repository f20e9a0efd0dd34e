"""Health of random estates, compared with plain loops over the same values, for two callers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from support.documents.observability import raised, report, resolved
from support.estates.owned_items import owned
from support.servers.in_process import Api

HEALTH = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Asset { health { status
  causes { depth asset { id } check { id } result { status } incident { id } evaluation { id } } } } } }"""
KINDS = ("dataset", "dataset-version", "model-version", "deployment", "service")
JOINS = {
    "DERIVES": ("dataset dataset-version", "dataset dataset-version"),
    "FEEDS": ("dataset dataset-version", "model-version service"),
    "BASE_OF": ("model-version", "model-version"),
    "DEPLOYED_AS": ("model-version", "deployment"),
    "SERVED_BY": ("deployment", "service"),
    "CALLED_BY": ("service", "service"),
    "PRODUCES": ("service", "dataset"),
}
SEVERE = ("FAIL", "ERROR", "HIGH", "CRITICAL")


@dataclass
class Thing:
    """Expected values of one asset; ``wrong`` has its problems as (status or severity, id of check or incident)."""

    id: str
    kind: str
    hidden: bool
    retired: bool = False
    serves: bool = True
    parent: str | None = None
    looked: bool = False
    wrong: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Estate:
    """Assets by id, and pairs of ids (source, target) between which data flows."""

    things: dict[str, Thing] = field(default_factory=dict)
    edges: set[tuple[str, str]] = field(default_factory=set)

    def expected(self, root: str, *, everything: bool) -> tuple[str, list[tuple[int, str, str]]]:
        """Return status and sorted causes of an asset; without ``everything`` hidden assets are left out."""
        shown = {each.id for each in self.things.values() if everything or not each.hidden}
        found: dict[str, tuple[int, str, str]] = {}
        bad: dict[str, str] = {}
        front, observed, looked = {root}, {root}, False
        for depth in range(11):
            received = {member for each in front for member in self._members(each) if member in shown}
            for member in {each for each in received if each in front or not self._is_retired_part(each, front)}:
                looked |= depth == 0 and self.things[member].looked
                for how, about in self.things[member].wrong:
                    place = (depth, member, about)
                    found[about] = min(place, found.get(about, place))
                    bad[about] = how
            front = {a for a, b in self.edges if b in received and a in shown and self.things[a].serves} - observed
            observed |= front
        own = any(place[0] == 0 and bad[about] in SEVERE for about, place in found.items())
        status = "UNHEALTHY" if own else "DEGRADED" if found else "HEALTHY" if looked else "UNKNOWN"
        return status, sorted(found.values())

    def _is_retired_part(self, member: str, front: set[str]) -> bool:
        """Return whether a group member is a retired child; it is traversed, and its problems do not count."""
        return self.things[member].retired and self.things[member].parent in front

    def _members(self, of: str) -> Iterator[str]:
        yield of
        for each in self.things.values():
            if each.parent == of or each.id == self.things[of].parent:
                yield each.id


async def _laid(api: Api, random: Random, name: str) -> Estate:
    """Write a random estate with checks and incidents through the API, and return it."""
    estate = Estate()
    items = []
    for number in range(16):
        kind = KINDS[number % len(KINDS)] if number else "dataset"
        hidden, given = random.random() < 0.2, {}
        called, parent = f"{name}-{number}", None
        if kind == "dataset-version":
            parent = random.choice([each.id for each in estate.things.values() if each.kind == "dataset"])
            called = f"{parent.rpartition('/')[2]}@{number}"
        elif kind == "model-version":
            called += "@1"
        elif kind == "deployment":
            given = {"status": random.choice(("ACTIVE", "ACTIVE", "RETIRED"))}
        retired = random.random() < 0.25
        stage, visibility = "RETIRED" if retired else "ACTIVE", "TEAM" if hidden else "ORG"
        item = owned(kind, called, **given, visibility=visibility, stage=stage)
        (values,) = item.values()
        serves = given.get("status") != "RETIRED"
        estate.things[values["id"]] = Thing(values["id"], kind, hidden, retired, serves, parent)
        items.append(item)
    for _ in range(22):
        relation = random.choice([*JOINS])
        ends = [[each.id for each in estate.things.values() if each.kind in side.split()] for side in JOINS[relation]]
        source, target = map(random.choice, ends)
        if source != target:
            estate.edges.add((source, target))
            items.append({"link": {"relation": relation, "from": source, "to": target}})
    await api.load(*items)
    for thing in estate.things.values():
        await _reported(api, random, estate, thing)
    return estate


async def _reported(api: Api, random: Random, estate: Estate, thing: Thing) -> None:
    """Report results of at most one check in random order, and open at most one incident, sometimes resolved."""
    results: dict[int, str] = {}
    for minute in random.sample(range(60), random.choice((0, 0, 1, 3))):
        results[minute] = random.choice(("PASS", "PASS", "PASS", "WARN", "FAIL", "ERROR"))
        given = {"status": results[minute], "observedAt": f"2026-11-01T00:{minute:02}:00Z"}
        check = (await report(api, "root", thing.id, **given))["result"]["check"]["id"]
    if results:
        thing.looked = True
        latest = results[max(results)]
        thing.wrong += [(latest, check)] if latest != "PASS" else []
    if random.random() < 0.2:
        severity = random.choice(("LOW", "MEDIUM", "HIGH", "CRITICAL"))
        others = random.sample([*estate.things.values()], 2)
        subjects = list({each.id: each for each in (thing, *others)}.values())
        incident = (await raised(api, "root", *(each.id for each in subjects), severity=severity))["incident"]["id"]
        if random.random() < 0.4:
            await resolved(api, "root", incident)
        else:
            for each in subjects:
                each.wrong.append((severity, incident))


def _as_reported(health: Any) -> tuple[str, list[tuple[int, str, str]]]:
    causes = [
        (cause["depth"], cause["asset"]["id"], (cause["check"] or cause["incident"] or cause["evaluation"])["id"])
        for cause in health["causes"]
    ]
    return health["status"], causes


async def test_health_of_random_estates_equals_that_of_plain_loops(api: Api) -> None:
    """Status and ordered causes of every asset equal the expected values, for ada (sees everything) and bo (does not).

    The estates contain every status, causes at several depths, and assets whose health differs for bo.
    """
    met: dict[str, set[Any]] = {"ada": set(), "bo": set()}
    for seed in (1, 2):
        estate = await _laid(api, Random(f"health {seed}"), f"r{seed}")
        for who, everything in (("ada", True), ("bo", False)):
            ids = [each.id for each in estate.things.values() if everything or not each.hidden]
            nodes = (await api.ask(who, HEALTH, ids=ids))["nodes"]
            found = {each: _as_reported(node["health"]) for each, node in zip(ids, nodes, strict=True)}
            assert found == {each: estate.expected(each, everything=everything) for each in ids}
            met[who] |= {(each, status, *causes) for each, (status, causes) in found.items()}
    assert {status for _, status, *_ in met["ada"]} == {"HEALTHY", "DEGRADED", "UNHEALTHY", "UNKNOWN"}
    assert {cause[0] for _, _, *causes in met["ada"] for cause in causes} > {0, 1, 2}
    assert met["bo"] - met["ada"]
