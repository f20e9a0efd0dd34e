"""The oracle of the bench agrees with the API, as each of its callers, on an estate of 200 assets."""

from collections.abc import AsyncIterator

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from bench.estate import Estate, estate_of
from bench.items import items_of, new_version
from bench.oracle import difference, normalised, registered
from bench.questions import HEALTH, LIGHT, QUESTIONS, REGISTER, REGISTERED, Question
from bench.view import CALLERS, View


@pytest.fixture(scope="module")
def estate() -> Estate:
    """Return the smallest estate."""
    return estate_of(200)


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory, estate: Estate) -> AsyncIterator[Api]:
    """Run the API over the smallest estate."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.load(*items_of(estate))
        yield api


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("question", [*QUESTIONS.values(), LIGHT], ids=lambda each: each.name)
async def test_the_api_gives_what_the_oracle_expects(api: Api, estate: Estate, question: Question, who: str) -> None:
    """Each query returns the data that plain Python computes from the estate, keys in order, hidden values left out."""
    expected = question.expected(View(estate, CALLERS[who]))
    found = await api.ask(who, question.document, **question.variables(estate))
    assert difference(normalised(expected), normalised(found)) is None


async def test_a_registered_version_has_its_edges(api: Api) -> None:
    """The versions that the bench registers are read back with their model and their five datasets."""
    versions = [new_version(number) for number in range(3)]
    for each in versions:
        payload = (await api.ask("ada", REGISTER, input=each))["registerModelVersion"]
        assert payload == {"outcome": "CREATED", "errors": []}
    found = await api.ask("ada", REGISTERED, ids=[each["id"] for each in versions])
    assert difference(normalised(registered(versions)), normalised(found)) is None


async def test_the_health_probe_responds_as_expected(api: Api, estate: Estate) -> None:
    """The body of the health probe is that of the oracle."""
    response = await api.http.get("/health/live")
    assert response.json() == HEALTH.expected(View(estate, CALLERS["ada"]))
