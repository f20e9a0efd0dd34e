"""What the index has to do when an asset is written: texts to analyse, and members of sets that come or go."""

from app.graph.records.native.vertex_values import native_values
from app.graph.records.native.write_cost import (
    COST_OF_BYTES,
    EDGE_COST,
    MEMBER_COST,
    RECORD_COST,
    written,
    written_edge,
)
from app.graph.records.record_text import size_of
from app.graph.records.vertex_record import indexed, registered, stub
from graphql_schema.ports.record import Record
from graphql_schema.rules.index_terms import MAX_WORDS, SHORT_WORD, WORD_LENGTH, indexed_length

PLAIN = registered(stub("acme", "mlg://dataset/test/default/d", "ada", 100), {}, stored=False)


def changed(record: Record, before: Record | None) -> int:
    """Return what counts beside the texts, in members."""
    known = indexed_length(record) + RECORD_COST + size_of(record) // COST_OF_BYTES
    return (written(record, before).cost - known) // MEMBER_COST


def test_members_count_that_come_or_go() -> None:
    """Of two tags and three properties, those that stay do not count; a mark changes none."""
    pairs = [{"key": f"k{number}", "value": "v"} for number in range(4)]
    before = indexed({**PLAIN, "properties": pairs[:3]}, tags=["a", "b"])
    after = indexed({**PLAIN, "properties": pairs[1:]}, tags=["b", "c"])
    assert changed(after, before) == 4
    assert changed(before, before) == 0
    assert changed({**before, "updatedAt": 7}, before) == 0


def test_all_words_of_both_names_count_if_these_differ() -> None:
    """At least as many as are written and removed, also if no separator is between the words."""
    for one, other in (("a b c d", "e f g h"), ("aBcDeF", "gHiJkL"), ("一二三四五", "六七八九十")):
        before, after = {**PLAIN, "displayName": one}, {**PLAIN, "displayName": other}
        written, removed = ({*native_values(each)[1]["words"]} for each in (after, before))
        assert len(written ^ removed) <= changed(after, before) <= 3 * len(written ^ removed)
    assert changed(PLAIN, None) >= len(native_values(PLAIN)[1]["words"])


def test_a_description_counts_by_its_words() -> None:
    """Of short words, or of ideographs, as many count as are indexed; of a long text, as many as an index has."""
    none = indexed_length(PLAIN)
    short, signs = " ".join(chr(97 + n % 26) + chr(97 + n // 26) for n in range(500)), "一二三四五" * 100
    for text, count in ((short, 500), (signs, 500), ("b" * 9_000, 0), ("A" * 70_000, 0), (short * 50, 0)):
        length = indexed_length({**PLAIN, "description": text}) - none
        assert min(max(len(text), SHORT_WORD * count), MAX_WORDS * WORD_LENGTH) <= length
        assert length <= MAX_WORDS * WORD_LENGTH


def test_the_bytes_of_a_record_count() -> None:
    """Those of columns, which the index does not have, and of a change, which has what was there before as well."""
    columns = [{"name": f"c{number}", "description": "x" * 900} for number in range(60)]
    for record in (PLAIN, {"kind": "CHANGE", "id": "mlg://change/1"}):
        added = written({**record, "columns": columns}, record).cost - written(record, record).cost
        assert 60 * 900 / COST_OF_BYTES < added < 60 * 1_000 / COST_OF_BYTES


def test_an_edge_counts_with_its_bytes() -> None:
    """It may have 4,096 characters of properties."""
    short, long = written_edge({"relation": "DERIVES"}), written_edge({"relation": "DERIVES", "note": "x" * 4_000})
    assert short.cost == long.cost == EDGE_COST
    assert long.size - short.size == len(',"note":""') + 4_000
