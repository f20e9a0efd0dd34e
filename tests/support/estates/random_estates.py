"""Random estates, and the rows that each caller should read of them, by loops over plain Python values."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from support.oracles.inferred_edges import RULES

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import RELATIONS

TEAM = "mlg://team/catalog/default/"
TEAMS = {"ada": "ranking", "bo": "ads", "root": None}
"""The team of each caller; root sees everything."""

NAMES = ("alpha", "beta", "beta.x", "Beta", "γάμμα", "\uff21", "\U0001f600")
"""Few names, so that many are equal; the last two sort otherwise by UTF-16 than by code point."""

COUNTS = {
    "Dataset": 14,
    "DatasetVersion": 30,
    "FeatureSet": 4,
    "Feature": 14,
    "Model": 6,
    "ModelVersion": 90,
    "Workflow": 4,
    "Run": 110,
    "Evaluation": 6,
    "Service": 5,
    "Deployment": 70,
    "Report": 5,
}
LINKS = 900
SELF = 0.2
"""The share of self-loops where they can be."""
_LINEAGE = [relation for relation in RELATIONS.values() if relation.lineage]

EdgeKey = tuple[str, str, str]


@dataclass
class Estate:
    """Assets by id and edges by (relation, from, to), with the properties that matter to readers."""

    assets: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: dict[EdgeKey, dict[str, Any]] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    _joined: dict[str, dict[EdgeKey, dict[str, Any]]] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[str]:
        """Return the ids of these kinds."""
        return [urn for urn, asset in self.assets.items() if asset["kind"] in kinds]

    def owner(self, urn: str) -> str:
        """Return the owning team: its own, else that of its parent."""
        asset = self.assets[urn]
        parent = asset["parent"]
        return str(asset["team"] or (self.owner(parent) if parent else ""))

    def sees(self, who: str, urn: str) -> bool:
        """Return whether an asset is visible to a caller."""
        team = TEAMS[who]
        return team is None or self.assets[urn]["visibility"] == "ORG" or self.owner(urn) == TEAM + team

    def reads(self, who: str, urn: str) -> bool:
        """Return whether a caller may read an asset: a draft of another team is only discoverable."""
        team = TEAMS[who]
        own = team is None or self.owner(urn) == TEAM + team
        return self.sees(who, urn) and (own or self.assets[urn]["stage"] != "DRAFT")

    def readable(self, who: str, urns: Iterable[str]) -> list[str]:
        """Return the ids that a caller may read."""
        return [urn for urn in urns if self.reads(who, urn)]

    def visible(self, who: str, urns: Iterable[str]) -> list[str]:
        """Return the ids that are visible to a caller."""
        return [urn for urn in urns if self.sees(who, urn)]

    def joined(self, who: str) -> dict[EdgeKey, dict[str, Any]]:
        """Return the edges, and the inferred ones over a middle that the caller reads, unless declared."""
        if who not in self._joined:
            chains = [
                ((relation, start, end), round(sure * near.get("confidence", 1) * far.get("confidence", 1), 4))
                for relation, sure, starts, first, middles, second, ends in RULES.values()
                for (one, start, middle), near in self.edges.items()
                if one == first and self._is(start, starts) and self._is(middle, middles) and self.reads(who, middle)
                for (other, again, end), far in self.edges.items()
                if (other, again) == (second, middle) and self._is(end, ends) and start != end
            ]
            found = {key: {"origin": "INFERRED", "confidence": sure} for key, sure in sorted(chains)}
            self._joined[who] = {**found, **self.edges}
        return self._joined[who]

    def _is(self, urn: str, kinds: str) -> bool:
        return KINDS[self.assets[urn]["kind"]].code in kinds.split()

    def far(self, who: str, urn: str, relations: str, *, out: bool, kinds: str = "") -> set[str]:
        """Return the far ends of edges at an asset, for edges visible to the caller."""
        near, far = (1, 2) if out else (2, 1)
        return {
            key[far]
            for key in self.joined(who)
            if key[0] in relations.split()
            and key[near] == urn
            and (not kinds or self.assets[key[far]]["kind"] in kinds.split())
        }

    def parts(self, urn: str) -> list[str]:
        """Return the children of a parent."""
        return [part for part, asset in self.assets.items() if asset["parent"] == urn]

    def neighbours(self, who: str, urn: str, *, out: bool) -> set[tuple[str, EdgeKey]]:
        """Return far assets and edges by rule 3.3: own edges, and those of children or parent that the caller reads."""
        parent = self.assets[urn]["parent"]
        starts = [urn, *self.readable(who, [parent] if parent else self.parts(urn))]
        near, far = (1, 2) if out else (2, 1)
        return {
            (key[far], key)
            for key in self.joined(who)
            if key[near] in starts and key[far] != urn and self.sees(who, key[far])
        }

    def newest(self, who: str, urns: Iterable[str]) -> list[str]:
        """Return ids newest first, equal times by the number of a version, then by id; hidden times last, by id."""

        def place(urn: str) -> tuple[bool, int, int, str]:
            if not self.reads(who, urn):
                return True, 0, 0, urn
            return False, -self.assets[urn]["time"], -int(urn.partition("@")[2] or 0), urn

        return sorted(self.visible(who, urns), key=place)


def random_estate(seed: int) -> Estate:
    """Return an estate of mixed kinds and owners with equal names and times, self-loops and two hubs."""
    random, estate = Random(seed), Estate()
    for kind, count in COUNTS.items():
        for number in range(count):
            _add(random, estate, kind, number)
    for relation in random.choices(_LINEAGE, k=LINKS):
        _link(random, estate, relation.name, random.choice(sorted(relation.ends)))
    service = estate.of("Service")[0]
    for deployment in estate.of("Deployment"):
        _join(random, estate, "SERVED_BY", deployment, service)
    return estate


def _add(random: Random, estate: Estate, kind: str, number: int) -> None:
    parent_kind = KINDS[kind].parent
    parents = estate.of(parent_kind) if parent_kind else []
    parent = random.choice([parents[0], random.choice(parents)]) if parents else None
    name = estate.assets[parent]["name"] if parent and KINDS[kind].versioned else random.choice(NAMES)
    seconds = random.randrange(6)
    values = _values(random, kind, f"2025-01-01T00:00:0{seconds}Z")
    team = random.choice((None, "ranking", "ads", "risk"))
    more = _edges(random, estate, kind, parent)
    teams = list(dict.fromkeys([team, random.choice(("ranking", "ads", team))])) if team else []
    more["owners"] = [{"owner": TEAM + each} for each in teams]
    urn = _urn(kind, number, name, parent)
    estate.assets[urn] = {
        "kind": kind,
        "name": name,
        "parent": parent,
        "team": TEAM + team if team else None,
        "owners": {TEAM + each for each in teams},
        "time": seconds,
        "workflow": more.get("workflow"),
        **values,
    }
    if kind == "Evaluation":
        estate.edges["EVALUATED_BY", more["modelVersion"], urn] = {"origin": "DECLARED"}
    estate.items.append({kind[0].lower() + kind[1:]: {"id": urn, **values, **more}})


def _values(random: Random, kind: str, time: str) -> dict[str, Any]:
    """Return own values; most runs and deployments have TEAM visibility, so that pages have to read on."""
    hidden = 7 if kind in {"Run", "Deployment"} else 1
    values: dict[str, Any] = {
        "sourceCreatedAt": time,
        "stage": random.choice(("DRAFT", "ACTIVE", "RETIRED")),
        "visibility": random.choice(("ORG", *["TEAM"] * hidden)),
    }
    if kind == "Run":
        values |= {"state": random.choice(("COMPLETE", "FAIL")), "startedAt": time}
    if kind == "Deployment":
        values["status"] = random.choice(("ACTIVE", "RETIRED", "RETIRED"))
    return values


def _edges(random: Random, estate: Estate, kind: str, parent: str | None) -> dict[str, Any]:
    """Return the edges that the item itself declares."""
    if kind == "Evaluation":
        return {"modelVersion": random.choice(estate.of("ModelVersion"))}
    if kind == "Run":
        return {"workflow": random.choice(estate.of("Workflow")[:2])}
    return {"featureSet": parent} if kind == "Feature" else {}


def _link(random: Random, estate: Estate, relation: str, ends: tuple[str, str]) -> None:
    """Return a link between random assets, the first of each kind more often than others, sometimes a self-loop."""
    sources, targets = estate.of(ends[0]), estate.of(ends[1])
    if not sources or not targets:
        return
    source, target = (random.choice(random.choice((ids[:5], ids))) for ids in (sources, targets))
    _join(random, estate, relation, source, source if ends[0] == ends[1] and random.random() < SELF else target)


def _join(random: Random, estate: Estate, relation: str, source: str, target: str) -> None:
    if (relation, source, target) in estate.edges:
        return
    details: dict[str, Any] = {"origin": random.choice(("DECLARED", "OBSERVED", "INFERRED"))}
    if details["origin"] == "INFERRED":
        details["confidence"] = random.choice((0.25, 0.5, 1.0))
    estate.edges[relation, source, target] = details
    estate.items.append({"link": {"relation": relation, "from": source, "to": target, **details}})


def _urn(kind: str, number: int, name: str, parent: str | None) -> str:
    slug = KINDS[kind].slug
    if KINDS[kind].versioned and parent:
        return f"mlg://{slug}/{parent.split('/', 3)[3]}@{number}"
    return f"mlg://{slug}/test/n{number}/{quote(name, safe='')}"
