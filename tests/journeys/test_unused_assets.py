"""The filter `unusedForDays` is exact, and considers only consumers that are visible to the viewer."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations
from random import Random
from typing import Any

import pytest
from support.documents.observability import recorded
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.level_bindings import level_bindings
from support.today import TODAY, skip_after_midnight

from app.graph.reading import unused_assets as idle
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import LEVEL

OPEN, SHUT, SECRET = urn("service", "shop"), urn("service", "shut"), urn("service", "secret")
UMA = "mlg://user/catalog/default/uma"
CONSUMERS = (team("ads"), UMA, OPEN, SHUT, SECRET)
KNOWN: dict[str, set[str]] = {"root": {*CONSUMERS}, "ada": {*CONSUMERS} - {SECRET}, "bo": {*CONSUMERS} - {SHUT}}
"""The consumers that are visible to each persona; a team-only service is hidden from the other team."""
SPANS = (1, 7, 30, 90, 400)
FOUND = """query ($filter: AssetFilter, $after: Cursor, $order: AssetOrder) {
  assets(filter: $filter, first: 15, after: $after, orderBy: $order) {
    totalCount nodes { id } pageInfo { hasNextPage endCursor } } }"""


@dataclass
class Reported:
    """Expected values of an asset: first day, recorded use by consumer and day, personas who may not see usage."""

    begins: date
    uses: dict[tuple[str, date], float] = field(default_factory=dict)
    hidden_from: frozenset[str] = frozenset()

    def idle(self, who: str, days: int) -> bool:
        """Return whether the asset counts as unused for ``days`` days to a persona."""
        begin = TODAY - timedelta(days=days - 1)
        if who in self.hidden_from:
            return False
        known = [day for (consumer, day), count in self.uses.items() if consumer in KNOWN[who] and count]
        return max(known) < begin if known else self.begins < begin


@dataclass
class Estate:
    """The API, with the expected values of its datasets by id."""

    api: Api
    reported: dict[str, Reported]

    async def found(self, who: str, requested: dict[str, Any], order: dict[str, str] | None = None) -> list[str]:
        """Return the ids that a filter matches, page by page; check that the total equals their number."""
        after, ids = None, []
        while True:
            page = (await self.api.ask(who, FOUND, filter=requested, after=after, order=order))["assets"]
            ids += [node["id"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                assert page["totalCount"] == len(ids)
                return ids
            after = page["pageInfo"]["endCursor"]

    async def record(self, *uses: tuple[str, str, date, float]) -> None:
        """Record usage through the API, and add it to the expected values."""
        batch = [
            {"asset": asset, "consumer": consumer, "day": day.isoformat(), "reads": count}
            for asset, consumer, day, count in uses
        ]
        assert (await recorded(self.api, "root", *batch))["errors"] == []
        for asset, consumer, day, count in uses:
            self.reported[asset].uses[consumer, day] = count


def _dataset(name: str, begins: date | None, **more: Any) -> dict[str, Any]:
    since = {"sourceCreatedAt": f"{begins.isoformat()}T00:00:00Z"} if begins else {}
    return owned("dataset", name, **since, **more)


@pytest.fixture(scope="module")
async def estate(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Estate]:
    """Return datasets of several ages, drafts included, with random usage by consumers of each kind."""
    random = Random(7)
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.load(
            owned("service", "shop", "ads"),
            owned("service", "shut", visibility="TEAM"),
            owned("service", "secret", "ads", visibility="TEAM"),
            {"user": {"name": "uma"}},
        )
        estate = Estate(api, {})
        items = []
        for number in range(40):
            begins = random.choice((None, TODAY - timedelta(days=random.choice((3, 20, 60, 500)))))
            draft = random.random() < 0.1
            name = f"d{number:02}"
            items.append(_dataset(name, begins, **({"stage": "DRAFT"} if draft else {})))
            estate.reported[urn("dataset", name)] = Reported(
                begins or TODAY, hidden_from=frozenset({"bo"} if draft else ())
            )
        await api.load(*items)
        await estate.record(*_uses(random, [*estate.reported]))
        await estate.record(*_uses(random, [*estate.reported]))
        yield estate


def _uses(random: Random, assets: list[str]) -> Iterator[tuple[str, str, date, float]]:
    """Yield random usage records for at most two consumers per asset; a count of zero cancels an earlier record."""
    for asset in assets:
        for consumer in random.sample(CONSUMERS, random.choice((0, 1, 1, 2))):
            for back in random.sample((0, 1, 5, 6, 7, 29, 30, 31, 89, 120, 399, 400, 600), random.randint(1, 2)):
                yield asset, consumer, TODAY - timedelta(days=back), random.choice((0, 1, 2.5))


@pytest.mark.parametrize("who", KNOWN)
async def test_the_filter_finds_exactly_the_unused_assets(estate: Estate, who: str) -> None:
    """For each persona and span, the filter and its negation return the assets that a plain loop computes."""
    skip_after_midnight()
    for days in SPANS:
        wanted = sorted(urn for urn, reported in estate.reported.items() if reported.idle(who, days))
        others = sorted(estate.reported.keys() - set(wanted))
        assert await estate.found(who, {"kinds": ["DATASET"], "unusedForDays": days}) == wanted
        assert await estate.found(who, {"kinds": ["DATASET"], "not": {"unusedForDays": days}}) == others
        assert 0 < len(wanted) < len(estate.reported)


async def test_the_personas_have_different_unused_assets(estate: Estate) -> None:
    """Each pair of personas differs in its unused assets; without a difference, the other tests prove nothing."""
    for one, other in combinations(KNOWN, 2):
        assert any(reported.idle(one, 30) != reported.idle(other, 30) for reported in estate.reported.values())


@pytest.mark.parametrize("who", KNOWN)
async def test_unused_conditions_combine_with_others(estate: Estate, who: str) -> None:
    """Two spans combined, inside `or` and `not`, and in another order, give the result of the plain loop."""
    skip_after_midnight()
    short, long = ({urn for urn, reported in estate.reported.items() if reported.idle(who, days)} for days in (7, 90))
    between = short - long
    assert between
    requested: dict[str, Any] = {"kinds": ["DATASET"], "unusedForDays": 7, "not": {"unusedForDays": 90}}
    assert await estate.found(who, requested) == sorted(between)
    drop = {"field": "NAME", "direction": "DESC"}
    assert await estate.found(who, requested, drop) == sorted(between, reverse=True)
    named = urn("dataset", "d00")
    either = {named} | (estate.reported.keys() - short) | long
    requested = {"kinds": ["DATASET"], "or": [{"ids": [named]}, {"not": {"unusedForDays": 7}}, {"unusedForDays": 90}]}
    assert await estate.found(who, requested) == sorted(either)


async def test_late_and_corrected_days_are_respected(estate: Estate) -> None:
    """A late record of an older day changes nothing; after a correction to zero the previous use counts again."""
    skip_after_midnight()
    await estate.api.load(_dataset("late", TODAY - timedelta(days=500)))
    asset = urn("dataset", "late")
    estate.reported[asset] = Reported(TODAY - timedelta(days=500))
    steps: tuple[tuple[tuple[str, int, float], ...], ...] = (
        ((OPEN, 10, 1),),
        ((OPEN, 40, 1), (UMA, 50, 1)),
        ((OPEN, 10, 0),),
        ((OPEN, 40, 0), (OPEN, 20, 1), (OPEN, 20, 0)),
        ((UMA, 50, 0),),
    )
    for step in steps:
        for consumer, back, count in step:
            await estate.record((asset, consumer, TODAY - timedelta(days=back), count))
        for who in KNOWN:
            for days in (7, 30, 45, 90):
                found = await estate.found(who, {"ids": [asset], "unusedForDays": days})
                assert bool(found) is estate.reported[asset].idle(who, days), (step, who, days)
    del estate.reported[asset]


async def test_registering_again_keeps_the_last_use(estate: Estate) -> None:
    """A registration does not reset the last use of an asset."""
    skip_after_midnight()
    asset = next(urn for urn, reported in estate.reported.items() if not reported.idle("ada", 400) and reported.uses)
    before = await estate.found("ada", {"ids": [asset], "unusedForDays": 400})
    await estate.api.load({"dataset": {"id": asset, "description": "told again"}})
    assert await estate.found("ada", {"ids": [asset], "unusedForDays": 400}) == before == []


@pytest.mark.parametrize("who", KNOWN)
async def test_the_filter_takes_a_fixed_number_of_requests(estate: Estate, who: str) -> None:
    """Four lists take three requests; one more for personas from whom some consumers are hidden; `unread` two less."""
    lists = " ".join(
        f"a{days}: assets(filter: {{kinds: [DATASET], unusedForDays: {days}}}) {{ totalCount nodes {{ id }} }}"
        for days in (1, 7, 30, 90)
    )
    wanted = 3 if who == "root" else 4
    assert await estate.api.count(who, f"{{ {lists} }}") == wanted
    unread = lists.replace("unusedForDays", "unread: true, unusedForDays")
    assert await estate.api.count(who, f"{{ {unread} }}") == wanted - 2
    assert await estate.api.count(who, "{ assets(filter: {kinds: [DATASET]}) { nodes { id } } }") == 1


@pytest.mark.parametrize("who", KNOWN)
async def test_a_search_with_the_filter_resolves_it_once(
    estate: Estate, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search with the filter returns the unused assets, and fetches uncertain assets and uses in one request each."""
    skip_after_midnight()
    requested: list[int] = []

    async def ask(self: LevelBatcher, question: LevelRequest) -> LevelResponse:
        requested.append(len(question.listings))
        return await answered(self, question)

    answered = LevelBatcher.fetch
    monkeypatch.setattr(LevelBatcher, "fetch", ask)
    query = """query ($filter: AssetFilter) {
      search(text: "test d", filter: $filter, first: 100) { hits { nodes { asset { id } } } } }"""
    found = await estate.api.ask(who, query, filter={"ids": [*estate.reported], "unusedForDays": 30})
    ids = {node["asset"]["id"] for node in found["search"]["hits"]["nodes"]}
    assert ids == {urn for urn, reported in estate.reported.items() if reported.idle(who, 30)}
    assert requested == ([1, 0, 1] if who == "root" else [2, 1, 0, 1])


async def test_a_query_accepts_the_maximal_number_of_undecided_ids(estate: Estate) -> None:
    """The store accepts a listing with MAX_UNDECIDED ids and returns all that exist."""
    names = [
        *estate.reported,
        *(urn("dataset", f"not-{number}") for number in range(idle.MAX_UNDECIDED - len(estate.reported))),
    ]
    part = {
        "f": [[[["in", "urn", names]]]],
        "o": "urn",
        "d": False,
        "n": 100,
        "c": True,
        "t": [[[["in", "urn", names]]]],
    }
    (response,) = await estate.api.client.submit(LEVEL, level_bindings(listings=[part]))
    assert (len(response["l"][0]["x"]), response["l"][0]["n"]) == (len(estate.reported),) * 2


async def test_the_number_of_undecided_assets_is_bounded(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over MAX_UNDECIDED assets give LIMIT_EXCEEDED; root, who sees every consumer, has none and gets results."""
    monkeypatch.setattr(idle, "MAX_UNDECIDED", 2)
    body = await estate.api.send("ada", FOUND, filter={"kinds": ["DATASET"], "unusedForDays": 7})
    assert body["errors"][0]["extensions"].items() >= {"code": "LIMIT_EXCEEDED", "limit": 2}.items()
    assert await estate.found("root", {"kinds": ["DATASET"], "unusedForDays": 7})


async def test_the_number_of_undecided_assets_has_no_sharp_limit(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is lower by chance: an own asset at the limit would disclose that a hidden service used another asset."""
    monkeypatch.setattr(idle, "blurred", lambda maximum: maximum - 998)
    body = await estate.api.send("ada", FOUND, filter={"kinds": ["DATASET"], "unusedForDays": 7})
    assert body["errors"][0]["extensions"].items() >= {"code": "LIMIT_EXCEEDED", "limit": idle.MAX_UNDECIDED}.items()


@pytest.mark.parametrize("days", [0, -3, 1_831])
async def test_days_are_bounded(estate: Estate, days: int) -> None:
    """A number of days outside the bounds is rejected as INVALID."""
    body = await estate.api.send("ada", FOUND, filter={"unusedForDays": days})
    assert body["errors"][0]["extensions"]["code"] == "INVALID"
