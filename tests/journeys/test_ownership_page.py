"""The queries and responses of docs/ownership.md, run against the demo estate."""

import json

from support.servers.in_process import Api
from support.source_tree import code_blocks
from support.today import skip_after_midnight


async def test_the_queries_return_the_responses_of_the_page(demo: Api) -> None:
    """Each query, sent by ada, returns exactly the response printed below it, on any day of the week."""
    skip_after_midnight()
    responses = [await demo.ask("ada", query) for query in code_blocks("docs/ownership.md", "graphql")]
    assert responses == [json.loads(text) for text in code_blocks("docs/ownership.md", "json")]
    assert len(responses) == 6
