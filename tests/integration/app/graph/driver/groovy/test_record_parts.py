"""What a real JanusGraph leaves out of the texts of records, compared with their parsed values."""

import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.groovy.record_parts import RECORD_PARTS
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.record_text import text_of
from graphql_schema.ports.record import Json

ONLY = PreparedStatement.of(f"{RECORD_PARTS}\ntexts.collect {{ RecordParts.only(it, only as Set) }}", "texts", "only")
BRIEF = PreparedStatement.of(
    f"{RECORD_PARTS}\ntexts.collect {{ def cut = []; [RecordParts.brief(7L, it, most as int, cut), cut] }}",
    "texts",
    "most",
)
KEYS = ("id", "index", "kind", "sensitivity", "a")
TEXTS = st.text(st.sampled_from('ab",\\{}[]:é\n\U0001f600'), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES), min_size=1, max_size=20)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=RECORDS, keys=st.sets(st.sampled_from([*KEYS, "absent"])))
async def test_members_with_some_keys_are_kept(
    client: GremlinClient, records: list[dict[str, Json]], keys: set[str]
) -> None:
    """Whatever quotation marks, brackets and commas their values have, and also with spaces between its parts."""
    texts = [text for each in records for text in (text_of(each), json.dumps(each, indent=1))]
    kept = await client.submit(ONLY, {"texts": texts, "only": sorted(keys)})
    expected = [{key: each[key] for key in each if key in keys} for each in records]
    assert [*map(orjson.loads, kept)] == [each for each in expected for _ in range(2)]


@pytest.mark.parametrize("most", [0, 20, 200])
async def test_long_members_are_left_out(client: GremlinClient, most: int) -> None:
    """The id and the entries for the index are kept; without a long one, the text is as it is."""
    record = {"id": "i" * 30, "index": {"a": ["x" * 40]}, "kind": "DATASET", "description": 'd", "' * 9, "a": [1, 2, 3]}
    ((text, cut),) = await client.submit(BRIEF, {"texts": [text_of(record)], "most": most})
    size = {key: len(text_of({key: value})) - len("{}") for key, value in record.items()}
    left = [key for key in record if size[key] > most and key not in {"id", "index"}]
    assert orjson.loads(text) == {key: value for key, value in record.items() if key not in left}
    assert cut == ([7, left] if left else [])
