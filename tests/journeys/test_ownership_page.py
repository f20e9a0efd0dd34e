"""What docs/ownership.md answers about the demo estate is what a reader gets."""

import json
import re
from collections.abc import AsyncIterator

import pytest
from harness.api import Api
from harness.demo import open_demo
from harness.janusgraph import StoreGraph
from harness.tree import read

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
