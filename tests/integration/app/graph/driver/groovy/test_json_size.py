"""The size of a text in the responses of a real JanusGraph."""

import orjson
import pytest

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.groovy.json_size import JSON_SIZE
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.record_text import text_of

SIZES = PreparedStatement.of(f"{JSON_SIZE}\ntexts.collect {{ JsonSize.of(it) }}", "texts")


async def test_the_size_of_a_text_is_that_of_its_bytes_in_a_response(client: GremlinClient) -> None:
    """Texts of one to four bytes for each character, and of records with all that is escaped."""
    texts = ["", "a", "\x7f", "\x80", "\u00e9", "\u07ff", "\u0800", "\u20ac", "\uffff", "\U0001f600", '"', "\\", "/"]
    records = [text_of({"description": f"{each} word {each}", "tags": [each, "\t\n\0"]}) for each in texts]
    sizes = await client.submit(SIZES, {"texts": [*texts, *records]})
    assert sizes == [len(orjson.dumps(each)) - len('""') for each in (*texts, *records)]


@pytest.mark.parametrize("character", ["a", '"', "\u20ac"])
async def test_an_ordinary_record_has_few_bytes_beyond_its_characters(client: GremlinClient, character: str) -> None:
    """So the limits in bytes let as many of them pass as those in characters would."""
    text = text_of({"relation": "DERIVES", "validFrom": 1_750_000_000_000, "by": ["mlg://dataset/test/default/name"]})
    (size,) = await client.submit(SIZES, {"texts": [text + character]})
    assert len(text) < size <= 1.25 * len(text) + len(orjson.dumps(character))
