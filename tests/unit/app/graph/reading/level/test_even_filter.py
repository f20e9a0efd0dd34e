"""Filters whose long tests are made in all parts of the index: what they find, and which they are."""

import orjson

from app.graph.reading.level.even_filter import CHANGES, NO_CHANGES, even, listed
from app.graph.reading.level.index_tests import Branch

GUESS: Branch = (("in", "urn", ("x",)),)
LONG: list[Branch] = [
    (("regex", "name", ".*a.*"),),
    (("prefix", "name", "a"),),
    (("termPrefix", "words", "a"),),
    (("wordPrefix", "prose", "aaaa"),),
    (("above", "urn", "a"),),
    (("most", "name", "a"),),
    (("below", "createdAt", 7),),
]
SHORT: list[Branch] = [GUESS, (("word", "prose", "a"),), (("above", "deletedAt", 1),), (("out", "kind", ("ru",)),)]


def test_each_element_beside_a_long_test_has_a_match_everywhere() -> None:
    """Otherwise a part of the index without a match of the guess is passed before the long test is made."""
    for long in LONG:
        assert even([[GUESS], [GUESS, long]]) == [[long, GUESS, CHANGES], [GUESS, CHANGES], NO_CHANGES]
        inside = even([[GUESS], [GUESS, (*GUESS, *long)]])
        assert inside == [[(*long, *GUESS), GUESS, CHANGES], [GUESS, CHANGES], NO_CHANGES]


def test_other_filters_stay_as_they_are() -> None:
    """Tests that compare few terms take no longer in more parts, and one element has nothing beside it."""
    short = [[each] for each in SHORT]
    assert even(short) is short
    assert all(even([[each]]) == [[each]] for each in LONG)
    assert even([]) == []


def test_a_filter_reaches_the_store_as_lists() -> None:
    """The level statement compares its parts with constants."""
    found = even([[GUESS], *([each] for each in LONG)])
    assert listed(NO_CHANGES) == [[["out", "kind", ["CHANGE"]]]]
    assert listed(found) == orjson.loads(orjson.dumps(found))
