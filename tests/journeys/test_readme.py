"""What the README promises is what a reader gets: its query, its answer, its first registration."""

import json
import re

from support.servers.in_process import Api
from support.source_tree import code_blocks, read

README = read("README.md")


async def test_the_queries_have_the_answers_of_the_readme(demo: Api) -> None:
    """Who copies a query as ada gets the answer below it, to the letter."""
    responses = [await demo.ask("ada", query) for query in code_blocks("README.md", "graphql")]
    assert responses == [json.loads(text) for text in code_blocks("README.md", "json")]
    assert len(responses) == 3


async def test_the_first_registration_works(demo: Api) -> None:
    """The lines to import are items that ada may register, and registering them twice changes nothing."""
    items = [json.loads(line) for line in code_blocks("README.md", "jsonl")[0].splitlines()]
    first = await demo.register("ada", *items)
    again = await demo.register("ada", *items)
    assert [result["errors"] for result in first["results"]] == [[]] * len(items)
    assert first["failed"] == 0
    assert (again["unchanged"], again["failed"]) == (len(items), 0)


async def test_what_is_hidden_is_told_as_the_readme_says(demo: Api) -> None:
    """The selection of `viewerAccess` and the words of `extensions.authorization` are those of the README's table."""
    access = re.search(r"`(viewerAccess {.*?})`", README)
    words = re.search(r"(?m)^\| `extensions.authorization.hidden`.*$", README)
    assert access is not None
    assert words is not None
    asset = 'asset(id: "mlg://model-version/mlflow/harbour/homepage-ranker@3")'
    body = await demo.send("bo", f"{{ {asset} {{ {access[1]} ... on ModelVersion {{ params {{ key }} }} }} }}")
    assert body["data"]["asset"]["params"] is None
    assert "params" in body["data"]["asset"]["viewerAccess"]["hiddenFields"]
    (hidden,) = body["extensions"]["authorization"]["hidden"]
    assert [*hidden] == re.findall(r"`(\w+)`", words[0])
