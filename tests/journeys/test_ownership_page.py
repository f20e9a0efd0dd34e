"""What docs/ownership.md answers about the demo estate is what a reader gets."""

import json
import re
from collections.abc import AsyncIterator

import pytest
from support.estates.demo_estate import open_demo
from support.servers.in_process import Api
from support.source_tree import read
from support.stores.janusgraph import StoreGraph

PAGE = read("docs/ownership.md")


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    found: list[str] = re.findall(rf"(?s)```{language}\n(.*?)\n```", PAGE)
    return found


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over the demo estate."""
    async with open_demo(module_graph, tmp_path_factory.mktemp("keys")) as api:
        yield api


async def test_the_queries_have_the_answers_of_the_page(api: Api) -> None:
    """Who copies a query as ada gets the answer below it, to the letter, on any day of the week."""
    answers = [await api.ask("ada", query) for query in blocks("graphql")]
    assert answers == [json.loads(text) for text in blocks("json")]
    assert len(answers) == 5
