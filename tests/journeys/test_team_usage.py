"""Assets, usage and consumption of teams and sub-teams, compared with loops over plain values."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from support.documents.observability import recorded, total
from support.estates.owned_items import team, urn
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.today import TODAY, skip_after_midnight

from app.graph.reading import relation_pages
from graphql_schema.governance import owned_assets, subteams
from graphql_schema.ports.operation_budget import OperationBudget

PARENTS = {
    "mid": "top",
    "low": "mid",
    "top": "low",
    "side": "mid",
    "deep": "low",
    "deeper": "deep",
    "deepest": "deeper",
}
"""Parent of each team: three teams form a cycle. The team `left` had a parent earlier."""
TEAMS = (*PARENTS, "left", "ranking", "ads")
MEMBERS = {"uma": "mid", "tom": "deepest", "eve": "ads"}
OF = {"root": {*TEAMS}, "ada": {"ranking"}, "bo": {"ads"}}
"""The teams whose team-only assets are readable by each persona."""
SUM = """{ reads calls costUsd distinctConsumers lastUsedAt byDay { day reads calls costUsd }
  consumers(first: 25, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes {
    reads calls costUsd lastUsedAt consumer { ... on Node { id } } } } }"""
ASSETS = """query ($id: ID!, $sub: Boolean, $after: Cursor) { team(id: $id) {
  assets(includeSubteams: $sub, first: 12, after: $after) {
    totalCount nodes { id } pageInfo { hasNextPage endCursor } } } }"""


@dataclass(frozen=True)
class Asset:
    """Values of a registered asset."""

    urn: str
    owners: tuple[str, ...]
    visibility: str
    stage: str

    def read_by(self, who: str) -> bool:
        """Return whether the asset is readable by a persona."""
        return self.owners[0] in OF[who] or (self.visibility == "ORG" and self.stage != "DRAFT")

    def known_to(self, who: str) -> bool:
        """Return whether the asset is visible to a persona."""
        return self.visibility == "ORG" or self.read_by(who)

    def owned_by(self, who: str, teams: Iterable[str]) -> bool:
        """Return whether a persona can see that one of the teams is an owner; only readers see further owners."""
        return any(owner in teams for owner in (self.owners if self.read_by(who) else self.owners[:1]))

    @property
    def item(self) -> dict[str, Any]:
        """The item that registers the asset."""
        kind = self.urn.split("/")[2]
        owners = [{"owner": team(name)} for name in self.owners]
        return {kind: {"id": self.urn, "owners": owners, "visibility": self.visibility, "stage": self.stage}}


def below(name: str) -> set[str]:
    """Return a team with all its sub-teams."""
    found, before = {name}, set[str]()
    while found != before:
        before, found = found, found | {part for part, parent in PARENTS.items() if parent in found}
    return found


Use = tuple[str, str, int]
"""Asset, consumer, and age in days of a usage record."""


@dataclass
class Estate:
    """The API, its assets by id, and the recorded usage."""

    api: Api
    assets: dict[str, Asset]
    uses: dict[Use, dict[str, float]] = field(default_factory=dict)

    def observed(self, who: str, days: int) -> dict[Use, dict[str, float]]:
        """Return the usage of the last days of readable assets by visible consumers, for a persona."""
        return {
            use: counts
            for use, counts in self.uses.items()
            if use[2] < days
            and self.assets[use[0]].read_by(who)
            and (use[1] not in self.assets or self.assets[use[1]].known_to(who))
        }

    def usage(self, who: str, teams: set[str], days: int) -> dict[Use, dict[str, float]]:
        """Return the usage of the assets that the teams own."""
        return {use: each for use, each in self.observed(who, days).items() if self.assets[use[0]].owned_by(who, teams)}

    def consumption(self, who: str, teams: set[str], days: int) -> dict[Use, dict[str, float]]:
        """Return the usage by the teams, their members and their services."""
        people = {f"mlg://user/catalog/default/{name}" for name, home in MEMBERS.items() if home in teams}
        services = {urn for urn, one in self.assets.items() if "/service/" in urn and one.owned_by(who, teams)}
        consumers = people | services | {team(name) for name in teams}
        return {use: each for use, each in self.observed(who, days).items() if use[1] in consumers}


def expected(uses: dict[Use, dict[str, float]]) -> dict[str, Any]:
    """Return the expected response for these records."""
    by_day: dict[str, list[dict[str, float]]] = defaultdict(list)
    by_consumer: dict[str, dict[tuple[str, str], dict[str, float]]] = defaultdict(dict)
    for use, counts in uses.items():
        day = (TODAY - timedelta(days=use[2])).isoformat()
        by_day[day].append(counts)
        by_consumer[use[1]][use[0], day] = counts
    consumers: list[dict[str, Any]] = [
        {"consumer": {"id": urn}, **total(each.values()), "lastUsedAt": max(day for _, day in each)}
        for urn, each in by_consumer.items()
    ]
    return {
        **total(uses.values()),
        "distinctConsumers": len(by_consumer),
        "lastUsedAt": max(by_day, default=None),
        "byDay": [{"day": day, **total(by_day[day])} for day in sorted(by_day)],
        "consumers": sorted(consumers, key=lambda each: (-each["reads"] - each["calls"], each["consumer"]["id"])),
    }


def _assets(random: Random) -> dict[str, Asset]:
    made = {}
    for number in range(44):
        kind = random.choice(("dataset", "dataset", "model", "service"))
        owners = tuple(random.sample(TEAMS, random.choice((1, 1, 2))))
        visibility, stage = random.choice(("ORG", "ORG", "TEAM")), random.choice(("ACTIVE", "ACTIVE", "DRAFT"))
        made[urn(kind, f"a{number:02}")] = Asset(urn(kind, f"a{number:02}"), owners, visibility, stage)
    return made


def _uses(random: Random, assets: dict[str, Asset]) -> dict[Use, dict[str, float]]:
    services = [urn for urn in assets if "/service/" in urn]
    people = [f"mlg://user/catalog/default/{name}" for name in MEMBERS]
    consumers = (*services, *people, *map(team, TEAMS))
    uses = {}
    for _ in range(350):
        names = random.sample(["reads", "calls", "costUsd"], random.randint(1, 3))
        use = random.choice([*assets]), random.choice(consumers), random.choice((*range(1, 12), 29, 30, 45))
        uses[use] = {name: random.randrange(1, 40) / 4 for name in names}
    return uses


@pytest.fixture(scope="module")
async def estate(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Estate]:
    """Return teams, three of them in a cycle, with assets of these and other teams, used at random."""
    random = Random(11)
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        users = [{"user": {"name": name}} for name in MEMBERS]
        await api.load(*users, {"team": {"name": "left", "parent": team("mid")}})
        for name in (*PARENTS, "left", "ads"):
            members = [{"user": f"mlg://user/catalog/default/{one}"} for one, home in MEMBERS.items() if home == name]
            parent = team(PARENTS[name]) if name in PARENTS else None
            await api.load({"team": {"name": name, "parent": parent, "members": members}})
        assets = _assets(random)
        estate = Estate(api, assets, _uses(random, assets))
        await api.load(*(asset.item for asset in assets.values()))
        records = [
            {"asset": asset, "consumer": consumer, "day": (TODAY - timedelta(days=back)).isoformat(), **counts}
            for (asset, consumer, back), counts in estate.uses.items()
        ]
        assert (await recorded(api, "root", *records))["errors"] == []
        yield estate


@pytest.mark.parametrize("who", OF)
@pytest.mark.parametrize("name", ["usage", "consumption"])
async def test_usage_and_consumption_add_up(estate: Estate, who: str, name: str) -> None:
    """For each team, with and without sub-teams, totals, days and consumers equal those of a plain loop."""
    skip_after_midnight()
    document = f"""query ($id: ID!, $sub: Boolean, $days: Int, $after: Cursor) {{ team(id: $id) {{
      {name}(days: $days, includeSubteams: $sub) {SUM} }} }}"""
    for of in ("mid", "left", "ranking"):
        for sub, days in ((False, 30), (True, 60)):
            after, consumers = None, []
            while True:
                response = await estate.api.ask(who, document, id=team(of), sub=sub, days=days, after=after)
                page = response["team"][name].pop("consumers")
                consumers += page["nodes"]
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]
            assert page["totalCount"] == len(consumers)
            wanted = getattr(estate, name)(who, below(of) if sub else {of}, days)
            assert {**response["team"][name], "consumers": consumers} == expected(wanted)


CAP = "app.graph.reading.level.level_batcher.EDGE_CAP"
PARENT = f"""query ($id: ID!, $after: Cursor) {{ team(id: $id) {{
  usage(days: 60, includeSubteams: true) {SUM}
  consumption(days: 60, includeSubteams: true) {SUM} }} }}""".replace("first: 25", "first: 100")


@pytest.mark.parametrize("who", OF)
async def test_usage_adds_up_over_several_requests(estate: Estate, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """Usage months over the cap of one store request are read by several requests, with the same totals."""
    skip_after_midnight()
    at_once = await estate.api.count(who, PARENT, id=team("mid"))
    monkeypatch.setattr(CAP, 40)
    assert await estate.api.count(who, PARENT, id=team("mid")) > at_once
    for name, response in (await estate.api.ask(who, PARENT, id=team("mid")))["team"].items():
        response["consumers"] = response["consumers"]["nodes"]
        assert response == expected(getattr(estate, name)(who, below("mid"), 60))


@pytest.mark.parametrize("who", OF)
async def test_usage_of_one_asset_adds_up_over_several_requests(
    estate: Estate, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """An asset or a consumer with more usage months than one request may read has them in parts, with equal totals."""
    skip_after_midnight()
    monkeypatch.setattr(estate.api.contexts, "graph_cache", None)  # the cap is that of a request
    monkeypatch.setattr(relation_pages, "PART", 8)
    monkeypatch.setattr(relation_pages, "MAX_REFUSED", 1_000)
    monkeypatch.setattr(CAP, 4)
    document = PARENT.replace(", includeSubteams: true", "").replace("{ reads calls", "{ complete reads calls", 2)
    for name, response in (await estate.api.ask(who, document, id=team("mid")))["team"].items():
        response["consumers"] = response["consumers"]["nodes"]
        assert response == {"complete": True, **expected(getattr(estate, name)(who, {"mid"}, 60))}


@pytest.mark.parametrize(("bound", "cap"), [("PART", 8), ("MAX_REFUSED", 10), ("is_half_read", 10)])
async def test_usage_is_bounded(estate: Estate, monkeypatch: pytest.MonkeyPatch, bound: str, cap: int) -> None:
    """What an operation may not read of many months is left out, and the result is not complete."""
    document = """query ($id: ID!) { team(id: $id) { usage(days: 60) { complete reads } } }"""
    every = (await estate.api.ask("root", document, id=team("mid")))["team"]["usage"]
    monkeypatch.setattr(estate.api.contexts, "graph_cache", None)
    monkeypatch.setattr(CAP, cap)
    if bound == "is_half_read":
        monkeypatch.setattr(OperationBudget, bound, property(lambda budget: budget.rows > 20))
    else:
        monkeypatch.setattr(relation_pages, bound, 0 if bound == "PART" else 5)
    part = (await estate.api.ask("root", document, id=team("mid")))["team"]["usage"]
    assert every["complete"]
    assert not part["complete"]
    assert 0 < part["reads"] < every["reads"]


@pytest.mark.parametrize("who", OF)
async def test_assets_include_those_of_sub_teams(estate: Estate, who: str) -> None:
    """`includeSubteams` adds the assets of sub-teams, in cycles too, and none of a former sub-team."""
    for of in TEAMS:
        for sub in (False, True):
            after, ids = None, []
            while True:
                page = (await estate.api.ask(who, ASSETS, id=team(of), sub=sub, after=after))["team"]["assets"]
                ids += [node["id"] for node in page["nodes"]]
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]
            teams = below(of) if sub else {of}
            assert len(below("mid")) == 7
            assert ids == sorted(u for u, a in estate.assets.items() if a.known_to(who) and a.owned_by(who, teams))
            assert page["totalCount"] == len(ids)


async def test_a_cursor_outlives_a_new_sub_team(estate: Estate) -> None:
    """A cursor stays valid after a sub-team is added, and is INVALID with another value of `includeSubteams`."""
    first = (await estate.api.ask("root", ASSETS, id=team("deep"), sub=True))["team"]["assets"]
    await estate.api.load({"team": {"name": "newest", "parent": team("deepest")}})
    after = first["pageInfo"]["endCursor"]
    await estate.api.ask("root", ASSETS, id=team("deep"), sub=True, after=after)
    body = await estate.api.send("root", ASSETS, id=team("deep"), sub=False, after=after)
    assert body["errors"][0]["extensions"]["code"] == "INVALID"


@pytest.mark.parametrize(
    ("requested", "most"),
    [
        ("assets { totalCount }", 2),
        ("assets(includeSubteams: true) { totalCount }", 4),
        ("assets(filter: {unusedForDays: 7}) { totalCount }", 5),
        ("usage { costUsd }", 4),
        ("usage(includeSubteams: true) { costUsd consumers { nodes { reads } } }", 6),
        ("consumption { costUsd }", 4),
        ("consumption(includeSubteams: true) { costUsd }", 6),
    ],
)
async def test_all_teams_of_a_page_share_their_requests(estate: Estate, requested: str, most: int) -> None:
    """Fields of all teams of a page are read together, in at most the given number of store requests."""
    for who in OF:
        assert await estate.api.count(who, f"{{ teams(first: 500) {{ nodes {{ {requested} }} }} }}") <= most


async def test_the_numbers_of_teams_and_assets_are_bounded(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many sub-teams or owned assets give LIMIT_EXCEEDED with the limit, and no partial result."""
    document = "query ($id: ID!) { team(id: $id) { assets(includeSubteams: true) { totalCount } usage { reads } } }"
    monkeypatch.setattr(subteams, "MAX_SUBTEAMS", 5)
    monkeypatch.setattr(owned_assets, "MAX_OWNED", 2)
    errors = (await estate.api.send("root", document, id=team("mid")))["errors"]
    assert {error["path"][-1]: error["extensions"]["limit"] for error in errors} == {"assets": 5, "usage": 2}
    assert {error["extensions"]["code"] for error in errors} == {"LIMIT_EXCEEDED"}


@pytest.mark.parametrize("days", [0, 401])
@pytest.mark.parametrize("name", ["usage", "consumption"])
async def test_days_are_bounded(estate: Estate, name: str, days: int) -> None:
    """A value of `days` outside 1 to 400 is rejected as INVALID."""
    body = await estate.api.send("ada", f'{{ team(id: "{team("mid")}") {{ {name}(days: {days}) {{ reads }} }} }}')
    assert body["errors"][0]["extensions"]["code"] == "INVALID"
