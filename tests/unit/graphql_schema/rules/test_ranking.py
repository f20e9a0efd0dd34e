"""Ranking: which rows are hits of a search, and in which order (docs/search.md, "The order")."""

import tracemalloc
from itertools import pairwise
from typing import Any

import pytest
from support.estates.plain_rows import PlainAccess, hiding, plain_row

from graphql_schema.ports.row import Row
from graphql_schema.rules import ranking
from graphql_schema.rules.ranking import Rank, rank
from graphql_schema.rules.search_text import parse_search_text
from graphql_schema.rules.words import MAX_KEPT

ELEVEN = "one two three four five six seven eight nine ten"


def model(name: str = "x", access: PlainAccess | None = None, **values: Any) -> Row:
    """Return a row of a model; its source and namespace have no word in common with the searches."""
    return plain_row("MODEL", name, access, **{"namespace": "default", "source": "test", **values})


def rank_of(text: str, row: Row) -> Rank | None:
    """Return the rank of a row for a typed text."""
    return rank(row, parse_search_text(text))


def assert_order(text: str, *rows: Row) -> None:
    """Assert that all rows are hits, and that each is better than the next."""
    ranks = [rank_of(text, row) for row in rows]
    assert None not in ranks
    assert all(one < other for one, other in pairwise(ranks) if one and other)


def test_hits_come_in_the_documented_order() -> None:
    """Id, whole name, beginning of a name, words of names, of the rest of the id, of the description, typing errors."""
    assert_order(
        "mlg://model/test/default/churn",
        plain_row("MODEL", "churn"),
        model("test-default-churn"),
    )
    assert_order(
        "churn scores",
        model("churn_scores"),
        model("Churn scores daily"),
        model("daily churn scores"),
        model("scores", namespace="churn"),
        model("daily scores", description="Scores of churn."),
        model("scores chrun"),
    )


def test_a_beginning_of_the_last_word_is_worse_than_the_word() -> None:
    """The last word may be unfinished, so it is also found as a beginning, which is better than a word elsewhere."""
    assert_order("daily sco", model("daily sco"), model("daily scores"), model("a daily sco"), model("a daily scores"))
    assert_order(
        "sco", model("a scores"), model(namespace="sco"), model(namespace="scores"), model(description="a sco")
    )


def test_only_the_last_word_may_be_unfinished() -> None:
    """A beginning of an earlier word finds nothing."""
    assert rank_of("scores chu", model("churn scores")) is not None
    assert rank_of("chu scores", model("churn scores")) is None


def test_every_word_must_be_found_somewhere() -> None:
    """A row that lacks one of the words is no hit, however well it has the others."""
    assert rank_of("churn daily", model("churn", description="daily")) is not None
    assert rank_of("churn daily", model("churn", description="weekly")) is None


def test_two_typing_errors_are_worse_than_one() -> None:
    """A long word may have two errors; a third one is too many, and the description is searched without errors."""
    assert_order("platforms", model("a platforms"), model("a platfoms"), model("a plaform"))
    assert rank_of("platforms", model("a patfrm")) is None
    assert rank_of("chrun", model(namespace="churn")) is not None
    assert rank_of("chrun", model(description="churn")) is None


def test_words_after_the_tenth_have_no_typing_errors() -> None:
    """The eleventh word is found as it is and not otherwise: errors are forgiven where the index is queried."""
    assert rank_of(f"churm {ELEVEN}", model(f"churn {ELEVEN}")) is not None
    assert rank_of(f"{ELEVEN} churn", model(f"{ELEVEN} churn")) is not None
    assert rank_of(f"{ELEVEN} churm", model(f"{ELEVEN} churn")) is None


def test_a_hit_is_as_good_as_its_worst_word() -> None:
    """Two words of the id are better than one of the name and one of the description."""
    assert_order("churn ads", model(source="churn", namespace="ads"), model("churn x", description="ads"))


def test_equally_bad_words_are_compared_by_all_words() -> None:
    """Two rows whose worst word is one of the description differ in where the other words are."""
    assert_order(
        "churn scores ads",
        model("churn scores x", description="ads"),
        model("churn x", namespace="scores", description="ads"),
        model("churn x", description="scores ads"),
    )


def test_an_asset_comes_before_its_version_and_a_short_name_before_a_long_one() -> None:
    """Ties are broken by kind, since a version has the name of its asset, then by the shorter of the two names."""
    assert_order("churn", model("churn"), plain_row("MODEL_VERSION", "churn", version="1"))
    assert_order("churn", model("churn a"), model("churn aa"), plain_row("MODEL_VERSION", "churn a", version="1"))
    assert rank_of("churn", model("churn a", displayName="churn aaa")) == rank_of("churn", model("churn a"))


def test_a_version_is_found_by_its_version() -> None:
    """The version is a part of the id, and a word of it counts like a word of the namespace."""
    assert_order("v3", plain_row("MODEL_VERSION", "churn", version="v3"), model(description="v3"))


@pytest.mark.parametrize("field", ["description", "displayName"])
def test_a_hidden_field_makes_no_hit(field: str) -> None:
    """Hidden fields of a row are not searched, so a search does not disclose their values."""
    values: dict[str, Any] = {field: "churn"}
    assert rank_of("churn", model("x", **values)) is not None
    assert rank_of("churn", model("x", hiding(field), **values)) is None


def test_of_a_description_the_words_count_that_are_indexed() -> None:
    """The 2,000th different word is found and the next is not, also if the index still has it from earlier."""
    row = model(description=" ".join(f"w{number}" for number in range(1, 2_002)))
    assert rank_of("w2000", row) is not None
    assert rank_of("w2001", row) is None


def version(name: str, label: str, **values: Any) -> Row:
    """Return a row of a version of a model."""
    return plain_row("MODEL_VERSION", name, version=label, **{"namespace": "default", "source": "test", **values})


def test_the_words_that_name_a_version_find_it_alone() -> None:
    """`v3` and `version 3` are met by version 3 or v3, and by no other version and no other kind without the word."""
    for text in ("churn v3", "churn version 3", "version v3 of churn"):
        assert all(rank_of(text, version("churn", label)) is not None for label in ("3", "v3", "V3"))
        assert all(rank_of(text, version("churn", label)) is None for label in ("2", "30", "3.1"))
        assert rank_of(text, version("other", "3")) is None
        assert rank_of(text, model("churn", version="3")) is None
    assert rank_of("churn 3", version("churn", "3")) == rank_of("churn 3", version("churn", "3", description="v3"))


def test_a_complete_name_precedes_a_version() -> None:
    """Then come versions: those of the asset with the name, with a name that begins so, and with all the words."""
    assert_order(
        "churn v3",
        model("churn v3"),
        version("churn", "3"),
        version("churn scores", "3"),
        version("my churn", "3"),
        model("b", description="Churn in v3."),
        version("chrun", "3"),
    )


def test_a_hidden_version_is_not_ranked_by_its_number() -> None:
    """A viewer who may not see the version of a row does not find it by the words for it."""
    row = plain_row("MODEL_VERSION", "churn", hiding("version"), version="3", namespace="default", source="test")
    assert rank_of("churn v3", row) is None


def test_the_words_of_long_texts_are_not_kept() -> None:
    """They take many times the memory of the text, and some thousand full records would fill it."""
    kept = ranking._kept_words  # noqa: SLF001 - what the test is about
    rank_of("zz", model("churn"))
    known = kept.cache_info().currsize
    for characters, more in ((MAX_KEPT, 1), (MAX_KEPT + 1, 0)):
        assert (
            rank_of(f"zz{characters}", model("churn", description=f"zz{characters}".ljust(characters, "."))) is not None
        )
        assert kept.cache_info().currsize - known == more
        known = kept.cache_info().currsize


@pytest.mark.parametrize("first", [0x4E00, 0x20000])
def test_kept_words_take_little_more_memory_than_their_text(first: int) -> None:
    """Each ideograph is a word: a set of those of a short text would take 30 KB, and thousands are kept."""
    texts = ["".join(map(chr, range(start, start + MAX_KEPT))) for start in range(first, first + 20)]
    tracemalloc.start()
    try:
        for text in texts:
            assert rank_of(text[:1], model("churn", description=text)) is not None
        assert tracemalloc.get_traced_memory()[0] < len(texts) * 4_096
    finally:
        tracemalloc.stop()
