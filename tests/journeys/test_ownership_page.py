"""What docs/ownership.md answers about the demo estate is what a reader gets."""

import json

from support.servers.in_process import Api
from support.source_tree import code_blocks


async def test_the_queries_have_the_answers_of_the_page(demo: Api) -> None:
    """Who copies a query as ada gets the answer below it, to the letter, on any day of the week."""
    responses = [await demo.ask("ada", query) for query in code_blocks("docs/ownership.md", "graphql")]
    assert responses == [json.loads(text) for text in code_blocks("docs/ownership.md", "json")]
    assert len(responses) == 5
