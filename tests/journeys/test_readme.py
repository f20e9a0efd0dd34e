"""The queries, responses and first registration of README.md, run against the demo estate."""

import json
import re

from support.servers.in_process import Api
from support.source_tree import code_blocks, read

README = read("README.md")


async def test_the_queries_return_the_responses_of_the_readme(demo: Api) -> None:
    """Each query, sent by ada, returns exactly the response printed below it."""
    responses = [await demo.ask("ada", query) for query in code_blocks("README.md", "graphql")]
    assert responses == [json.loads(text) for text in code_blocks("README.md", "json")]
    assert len(responses) == 4


async def test_the_first_registration_works(demo: Api) -> None:
    """Ada may register the items of the first import, and registering them twice changes nothing."""
    items = [json.loads(line) for line in code_blocks("README.md", "jsonl")[0].splitlines()]
    first = await demo.register("ada", *items)
    again = await demo.register("ada", *items)
    assert [result["errors"] for result in first["results"]] == [[]] * len(items)
    assert first["failed"] == 0
    assert (again["unchanged"], again["failed"]) == (len(items), 0)


async def test_hidden_fields_are_reported_as_the_readme_documents(demo: Api) -> None:
    """The fields of `viewerAccess` and of `extensions.authorization` equal those in the table of the README."""
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
