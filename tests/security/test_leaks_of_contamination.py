"""Contamination discloses no hidden data: not as a source, not in a path, and not by a verdict."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.estates import leak_catalogue as leaks
from support.estates.leak_catalogue import HIDDEN_IDS, open_leaky
from support.servers.in_process import Api
from support.stores.janusgraph import StoreGraph

from policies.installation.disclosure import Disclosure

QUERY = """query ($id: ID!) { node(id: $id) { ... on Evaluation { contamination { verdict
  sources { verdict training { id } evaluated { id } via { id } path { id } } completeness { state reason visited }
  } health { status causes { asset { id } } } } } }"""


@pytest.fixture(scope="module")
async def leaky(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over the leak catalogue."""
    async with open_leaky(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        yield opened


async def contamination(api: Api, who: str, evaluation: str) -> Any:
    """Return the contamination of an evaluation, read by a persona."""
    return (await api.ask(who, QUERY, id=evaluation))["node"]["contamination"]


@pytest.mark.parametrize("evaluation", [leaks.ON_HIDDEN, leaks.FROM_HIDDEN])
async def test_hidden_data_contaminates_for_no_caller_who_may_not_read_it(leaky: Api, evaluation: str) -> None:
    """Hidden data is a source for ada. For bo there is no source, the result is PARTIAL, and the verdict not CLEAN."""
    assert leaks.HIDDEN in str((await contamination(leaky, "ada", evaluation))["sources"])
    found = await contamination(leaky, "bo", evaluation)
    assert (found["verdict"], found["sources"]) == ("UNKNOWN", [])
    assert (found["completeness"]["state"], found["completeness"]["reason"]) == ("PARTIAL", "POLICY")
    assert not any(hidden in str(found) for hidden in HIDDEN_IDS)


async def test_without_disclosure_hidden_data_is_like_none(leaky: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the policy discloses nothing, an evaluation on hidden data is answered like one without data."""
    monkeypatch.setattr(leaky.contexts, "disclosure", Disclosure.NONE)
    hidden, without = [await leaky.ask("bo", QUERY, id=each) for each in (leaks.ON_HIDDEN, leaks.ON_NOTHING)]
    assert hidden == without


async def test_data_that_may_not_be_read_ends_the_walk(leaky: Api) -> None:
    """A draft that bo may discover is a source itself; what is behind it is not examined, and the result is PARTIAL."""
    found = await contamination(leaky, "bo", leaks.ON_DRAFT)
    (source,) = found["sources"]
    assert (found["verdict"], source["evaluated"]["id"]) == ("DIRECT", leaks.DRAFT)
    assert found["completeness"]["state"] == "PARTIAL"
