"""The leak catalogue of searches: only visible rows and fields affect hits, ranking, highlights and counts."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.estates import leak_catalogue as leaks
from support.estates.leak_catalogue import CANARY, DRAFT, HIDDEN, HIDDEN_NAME, OPEN
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.reading import search_reader as searches
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.operation_budget import OperationBudget

QUERY = """query ($text: String!, $first: Int, $filter: AssetFilter) {
  search(text: $text, filter: $filter, first: $first,
         facets: [KIND, OWNER_TEAM, TAG, STAGE, SENSITIVITY, NAMESPACE, DIRECTORY]) {
    directory { totalCount nodes { entry { ... on Node { id } } highlights { field text } } }
    hits { totalCount edges { cursor node { asset { id } highlights { field text } } } pageInfo { hasNextPage } }
    facets { facet values { value count } } } }"""


async def _search(api: Api, who: str, text: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(who, QUERY, text=text, **more))["search"]
    return found


def _ids(found: dict[str, Any]) -> list[str]:
    return [edge["node"]["asset"]["id"] for edge in found["hits"]["edges"]]


def _values(found: dict[str, Any], facet: str) -> dict[str, int]:
    (values,) = (each["values"] for each in found["facets"] if each["facet"] == facet)
    return {each["value"]: each["count"] for each in values}


@pytest.mark.parametrize(
    "text", [CANARY, "canaryearly", "early", "canar", "shut", HIDDEN_NAME, "canray", "veiled set", HIDDEN]
)
async def test_hidden_words_find_nothing(leaky: Api, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A word of a hidden row or description returns the bytes and requests of a word that occurs nowhere.

    The index does not propose the row either: if it did, one hidden candidate would use up the limit or the total.
    """
    monkeypatch.setattr(searches, "MAX_HITS", 1)
    nothing = await _search(leaky, "bo", "nobodywrote")
    assert await _search(leaky, "bo", text) == nothing
    assert await leaky.count("bo", QUERY, text=text) == await leaky.count("bo", QUERY, text="nobodywrote") == 1


async def test_search_ranking_and_highlights(leaky: Api) -> None:
    """A draft is found by name, with the rank and highlights that it would have with an empty description."""
    assert DRAFT in _ids(await _search(leaky, "ada", "canary early"))
    found = await _search(leaky, "bo", "draft", filter={"kinds": ["DATASET"]})
    (edge,) = found["hits"]["edges"]
    assert edge["node"] == {"asset": {"id": DRAFT}, "highlights": [{"field": "displayName", "text": "**draft**"}]}
    assert _ids(await _search(leaky, "bo", "draft early")) == []


async def test_facets(leaky: Api) -> None:
    """Facets count no hidden row, and of a draft only kind and team, but no stage, tag or sensitivity."""
    where = {"ids": [OPEN, DRAFT, HIDDEN]}
    everything, observed = [await _search(leaky, who, "test", filter=where) for who in ("ada", "bo")]
    assert _values(everything, "KIND") == {"DATASET": 3}
    assert _values(everything, "STAGE") == {"ACTIVE": 2, "DRAFT": 1}
    assert _values(observed, "KIND") == {"DATASET": 2}
    assert _values(observed, "OWNER_TEAM") == {leaks.RANKING: 2}
    assert _values(observed, "STAGE") == {"ACTIVE": 1}
    assert _values(observed, "TAG") == {leaks.PLAIN: 1}
    assert _values(observed, "SENSITIVITY") == {"INTERNAL": 1}
    assert observed["hits"]["totalCount"] == 2


async def test_a_filter_on_what_is_hidden(leaky: Api) -> None:
    """The policy applies to the filter of a search as to that of a listing."""
    for where in ({"stages": ["DRAFT"]}, {"tags": [leaks.GOLD]}, {"owners": [leaks.UMA]}):
        assert DRAFT in _ids(await _search(leaky, "ada", "draft", filter=where))
        assert _ids(await _search(leaky, "bo", "draft", filter=where)) == []


@pytest.fixture
async def floored(graph: StoreGraph, tmp_path: Path) -> AsyncIterator[Api]:
    """Return the API over ten datasets, with a sensitivity job that does not run during a test."""
    async with open_api(graph, tmp_path) as api:
        await api.load(*({"dataset": {"id": leaks.urn("dataset", f"fence_{number}")}} for number in range(10)))
        yield api


async def test_a_sensitivity_floor_applies_to_search(floored: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search neither finds nor counts assets under a sensitivity floor.

    It returns as many hits as if they were absent.
    """
    hidden = [leaks.urn("dataset", f"fence_{number}") for number in range(6)]
    assert (await _search(floored, "bo", "fence"))["hits"]["totalCount"] == 10
    covered = frozenset(vertex_id("default", urn) for urn in hidden)
    floored.coordinator.outbox.floors.raise_floor(1, SensitivityFloor("default", "RESTRICTED", covered))
    open_ = [leaks.urn("dataset", f"fence_{number}") for number in range(6, 10)]
    found = await _search(floored, "bo", "fence")
    assert (_ids(found), found["hits"]["totalCount"], _values(found, "KIND")) == (open_, 4, {"DATASET": 4})
    monkeypatch.setattr(searches, "MAX_HITS", 3)
    assert _ids(await _search(floored, "bo", "fence")) == open_[:3]


async def test_what_a_floor_hides_adds_no_substring(floored: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that reads on behind hidden hits counts its substrings once: their limit discloses no hidden hit."""
    monkeypatch.setattr(searches, "MAX_HITS", 3)
    where = {"name": {"contains": "fence"}}
    counts = []
    count_substrings = OperationBudget.count_substrings

    def counted(budget: OperationBudget, count: int) -> None:
        counts.append(count)
        count_substrings(budget, count)

    monkeypatch.setattr(OperationBudget, "count_substrings", counted)
    await _search(floored, "bo", "fence", filter=where)
    before, counts = counts, []
    covered = frozenset(vertex_id("default", leaks.urn("dataset", f"fence_{number}")) for number in range(6))
    floored.coordinator.outbox.floors.raise_floor(1, SensitivityFloor("default", "RESTRICTED", covered))
    found = await _search(floored, "bo", "fence", filter=where)
    assert _ids(found) == [leaks.urn("dataset", f"fence_{number}") for number in (6, 7, 8)]
    assert counts == before != []
