"""The estates of the bench: deterministic, skewed, with one hub, and with a part that is equal at every size.

An estate is plain Python; :mod:`bench.items` makes the registrations of it, :mod:`bench.oracle` the expected responses.
A few of its assets are visible to their own team only, and a few datasets are drafts, so that the policy has an effect.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from typing import Final

SHARES: Final = {"DATASET": 0.40, "MODEL": 0.07, "DEPLOYMENT": 0.13, "SERVICE": 0.12}
"""Share of each kind; the rest is model versions, four of each model."""

VERSIONS, TRAINED_ON = 4, 5
"""Versions of a model, and datasets that a version was trained on."""

LINKS: Final = 0.115
"""Links from a dataset to a service that reads it, per asset."""

AREAS, HUB_SHARE, HUB_SIZE = 8, 0.26, 20_000
"""Areas of the estate, the share of the first one, and the estate from which on the first area does not grow."""

TEAM_ONLY, DRAFTS = {"DATASET": 3, "MODEL": 1, "SERVICE": 1}, 5
"""Of each 25 assets of a kind in an area, the one that only its team may discover; of 33 datasets, the draft."""

TEAMS: Final = ("ranking", "ads", "governance", "growth", "platform", "search", "fraud", "churn")
LEDGERS, INTAKE = 40, 20
"""Datasets that the search finds, and datasets on which the versions that the bench registers are trained."""

WORDS: Final = ("clicks", "events", "orders", "payments", "sessions", "trips", "users", "views")


def urn(kind: str, name: str) -> str:
    """Return the id of an asset of the bench."""
    return f"mlg://{kind.lower().replace('_', '-')}/bench/live/{name}"


def team_urn(name: str) -> str:
    """Return the id of a team."""
    return f"mlg://team/catalog/default/{name}"


PROBE, INTAKE_MODEL = urn("DATASET", "probe_source"), urn("MODEL", "zz_intake")
"""The dataset with the small impact, and the model whose versions the bench registers."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset: the kind as its code, the values of its fields, the team that owns it itself, and its parent."""

    kind: str
    urn: str
    fields: Mapping[str, str]
    owner: str = ""
    parent: str = ""
    visibility: str = "ORG"


@dataclass(slots=True)
class _Area:
    """The assets of an area by kind, in order; the first ones are used more often."""

    of_kind: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class Estate:
    """Teams and assets by id, and the relations between them.

    ``sources`` has the datasets from which a dataset is derived, and ``trained_on`` the datasets of a version. ``runs``
    has the version and the service of a deployment, and ``readers`` the links from a dataset to a service.
    """

    size: int
    hub: str = ""
    teams: dict[str, Mapping[str, str]] = field(default_factory=dict)
    assets: dict[str, Asset] = field(default_factory=dict)
    sources: dict[str, list[str]] = field(default_factory=dict)
    trained_on: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[str, tuple[str, str]] = field(default_factory=dict)
    readers: list[tuple[str, str]] = field(default_factory=list)

    def add(self, kind: str, name: str, owner: str = "") -> str:
        """Add an asset and return its id; a version has the name of its model before ``@``."""
        words = name.replace("_", " ").replace("@", " version ")
        own = {
            "id": urn(kind, name),
            "name": name.partition("@")[0],
            "displayName": words.capitalize(),
            "description": f"{words.capitalize()}, an asset that the bench makes for its measurements",
            "stage": "ACTIVE",
            "namespace": "live",
        }
        parent = urn("MODEL", name.partition("@")[0]) if kind == "MODEL_VERSION" else ""
        self.assets[own["id"]] = Asset(kind, own["id"], {**own, **_values(kind, name)}, owner, parent)
        return own["id"]

    def of_kind(self, kind: str) -> list[Asset]:
        """Return the assets of a kind, by id."""
        return sorted((each for each in self.assets.values() if each.kind == kind), key=lambda each: each.urn)

    @cached_property
    def versions(self) -> Mapping[str, Sequence[str]]:
        """Return the versions of each model, newest first."""
        found: dict[str, list[str]] = defaultdict(list)
        for each in self.assets.values():
            if each.parent:
                found[each.parent].insert(0, each.urn)
        return found

    @cached_property
    def downstream(self) -> Mapping[str, Sequence[str]]:
        """Return the assets that use an asset directly, without duplicates."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for source, target in self.edges():
            found[source][target] = None
        return {source: [*targets] for source, targets in found.items()}

    def edges(self) -> Iterator[tuple[str, str]]:
        """Yield the edges of lineage, in the direction of the data."""
        yield from ((source, each) for each, sources in self.sources.items() for source in sources)
        yield from ((data, each) for each, trained in self.trained_on.items() for data in trained)
        yield from self.readers
        for each, (version, service) in self.runs.items():
            yield from ((version, each), (each, service))

    @property
    def relations(self) -> int:
        """Return the number of edges, with those of owners and of versions to their models."""
        return sum(1 for _ in self.edges()) + sum(bool(a.owner) + bool(a.parent) for a in self.assets.values())


def _values(kind: str, name: str) -> Mapping[str, str]:
    """Return the fields that only assets of a kind have."""
    if kind == "DATASET":
        return {"format": "parquet", "location": f"s3://lake/live/{name}/2026/part-0000"}
    if kind == "MODEL":
        return {"task": "ranking", "intendedUse": f"Decisions about {name.replace('_', ' ')} in batch and online"}
    if kind == "MODEL_VERSION":
        version = name.partition("@")[2]
        code = f"git:{name.replace('@', '/')}#0123456789abcdef"
        made = f"2026-01-{int(version):02d}T00:00:00Z"
        return {"version": version, "framework": "pytorch", "codeRef": code, "sourceCreatedAt": made}
    return {}


def estate_of(size: int) -> Estate:
    """Return the estate with ``size`` assets and teams, 200 at least; the same for each call."""
    if size < 200:  # noqa: PLR2004 - the part of equal size has about 90
        raise ValueError(f"An estate has at least 200 assets, not {size}.")
    estate, random = Estate(size), Random(14)
    names = [*TEAMS, *(f"team-{number:02d}" for number in range(len(TEAMS), 40))]
    for name in names[: max(len(TEAMS), min(40, size // 50))]:
        about = {"name": name, "displayName": f"Team {name}", "description": f"The team {name} of the bench"}
        estate.teams[team_urn(name)] = {"id": team_urn(name), **about}
    _add_neighbourhood(estate)
    _add_searched(estate)
    _add_intake(estate)
    _add_areas(estate, random, size - len(estate.teams) - len(estate.assets))
    return estate


def _add_neighbourhood(estate: Estate) -> None:
    """Add the neighbourhood of the small impact, which is equal at every size: eleven assets downstream of one."""
    owner = team_urn(TEAMS[1])
    data = [estate.add("DATASET", "probe_source", owner)]
    for name in ("probe_daily", "probe_weekly"):
        data.append(estate.add("DATASET", name, owner))
        estate.sources[data[-1]] = [PROBE]
    others = [estate.add("DATASET", f"probe_other_{number}", owner) for number in range(5)]
    estate.add("MODEL", "probe", owner)
    versions = [estate.add("MODEL_VERSION", f"probe@{number + 1}") for number in range(VERSIONS)]
    for number, version in enumerate(versions):
        estate.trained_on[version] = [data[number % 3], *others[: TRAINED_ON - 1]]
    services = [estate.add("SERVICE", f"probe_{name}", owner) for name in ("api", "batch")]
    for number in range(3):
        deployment = estate.add("DEPLOYMENT", f"probe_{number}")
        estate.runs[deployment] = (versions[number], services[number % 2])


def _add_searched(estate: Estate) -> None:
    """Add the datasets that the search finds: two for their team only, one of them the engineer's, and two drafts."""
    for number in range(LEDGERS):
        owner = team_urn(TEAMS[number % len(TEAMS)])
        added = estate.add("DATASET", f"ledger_{number:06d}", owner)
        _restrict(estate, added, team_only=number in {8, 17}, draft=number in {12, 27})


def _add_intake(estate: Estate) -> None:
    """Add the model and the datasets of the versions that the bench registers."""
    owner = team_urn(TEAMS[0])
    estate.add("MODEL", "zz_intake", owner)
    for number in range(INTAKE):
        estate.add("DATASET", f"zz_intake_{number:02d}", owner)


def _restrict(estate: Estate, asset: str, *, team_only: bool, draft: bool) -> None:
    """Make an asset visible to its team only, or a draft."""
    found = estate.assets[asset]
    if team_only:
        found = replace(found, visibility="TEAM")
    if draft:
        found = replace(found, fields={**found.fields, "stage": "DRAFT"})
    estate.assets[asset] = found


def _add_areas(estate: Estate, random: Random, total: int) -> None:
    """Add ``total`` assets in areas, and the relations inside each area."""
    areas = [_Area() for _ in range(AREAS)]
    for kind, share in SHARES.items():
        number = int(total * share)
        in_hub = int(min(number, HUB_SIZE * share) * HUB_SHARE)
        places = [0] * in_hub + [1 + int((AREAS - 1) * random.random() ** 1.5) for _ in range(number - in_hub)]
        random.shuffle(places)
        for each, place in enumerate(places):
            areas[place].of_kind[kind].append(_add_owned(estate, random, kind, each))
    estate.hub = areas[0].of_kind["DATASET"][0]
    for area in areas:
        _restrict_some(estate, area)
    everything = _Area()
    for area in areas:
        for kind, found in area.of_kind.items():
            everything.of_kind[kind] += found
    for area in areas:
        _relate(estate, random, area, everything)


def _add_owned(estate: Estate, random: Random, kind: str, number: int) -> str:
    """Add an asset with a skewed choice of its owner; a model with its versions, a deployment without an owner."""
    name = {"DATASET": WORDS[number % len(WORDS)], "MODEL": "ranker"}.get(kind, kind.lower())
    owner = "" if kind == "DEPLOYMENT" else _skewed(random, [*estate.teams], 2)
    added = estate.add(kind, f"{name}_{number:06d}", owner)
    if kind == "MODEL":
        for version in range(1, VERSIONS + 1):
            estate.add("MODEL_VERSION", f"{name}_{number:06d}@{version}")
    return added


def _restrict_some(estate: Estate, area: _Area) -> None:
    """Restrict some of the assets of an area, never its first dataset; the versions of a model with their model."""
    for kind, place in TEAM_ONLY.items():
        for at, each in enumerate(area.of_kind[kind][place::25]):
            if at == 0:  # of another team than the engineer, so that the smallest estate has hidden assets too
                estate.assets[each] = replace(estate.assets[each], owner=team_urn(TEAMS[1]))
            for restricted in (each, *estate.versions.get(each, ())):
                _restrict(estate, restricted, team_only=True, draft=False)
    for each in area.of_kind["DATASET"][DRAFTS::33]:
        _restrict(estate, each, team_only=False, draft=True)


def _relate(estate: Estate, random: Random, area: _Area, everything: _Area) -> None:
    """Add the relations of an area; an area that lacks a kind uses the assets of all areas."""
    data, services = (area.of_kind[kind] or everything.of_kind[kind] for kind in ("DATASET", "SERVICE"))
    for number, each in enumerate(area.of_kind["DATASET"][1:], start=1):
        nearest = {_skewed(random, data, 3, number): None}
        if random.random() < 0.25:  # noqa: PLR2004 - the share of datasets with a second source
            nearest[_skewed(random, data, 3, number)] = None
        estate.sources[each] = [*nearest]
    trained = data if len(data) > 2 * TRAINED_ON else everything.of_kind["DATASET"]
    for version in _versions_of(area):
        chosen: dict[str, None] = {}
        while len(chosen) < TRAINED_ON:
            chosen[_skewed(random, trained, 2)] = None
        estate.trained_on[version] = [*chosen]
    running = _versions_of(area) or _versions_of(everything)
    for number, each in enumerate(area.of_kind["DEPLOYMENT"]):
        estate.runs[each] = (_skewed(random, running, 2), services[number % len(services)])
    links = dict.fromkeys(
        (_skewed(random, data, 2), random.choice(services)) for _ in range(int(len(data) * LINKS / SHARES["DATASET"]))
    )
    estate.readers += links


def _versions_of(area: _Area) -> list[str]:
    """Return the ids of all versions of the models of an area."""
    names = (model.rpartition("/")[2] for model in area.of_kind["MODEL"])
    return [urn("MODEL_VERSION", f"{name}@{number}") for name in names for number in range(1, VERSIONS + 1)]


def _skewed(random: Random, items: Sequence[str], power: int, number: int | None = None) -> str:
    """Return one of the items, or of a number of them; the first ones more often with a greater power."""
    return items[int((len(items) if number is None else number) * random.random() ** power)]
