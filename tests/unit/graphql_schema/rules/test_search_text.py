"""Search text: the words that a typed text searches for, and the asset that it names by its id."""

import pytest

from graphql_schema.rules.search_text import MAX_QUERY_WORDS, SearchText, parse_search_text
from policies.errors import InvalidError, LimitError

URN = "mlg://model-version/mlflow/ads/churn%20model@3"


def test_words_are_folded_and_each_counts_once() -> None:
    """The words keep their order; the last one is named by itself, because it may be unfinished."""
    assert parse_search_text("  Churn scores, churn ") == SearchText(
        words=("churn", "scores"), last="churn", title="churn scores churn", urn=None
    )


def test_an_id_searches_for_its_asset_and_for_the_words_after_its_kind() -> None:
    """An id is decoded, and its scheme and kind are no words (docs/search.md)."""
    found = parse_search_text(URN)
    assert found.urn == URN
    assert found.words == ("mlflow", "ads", "churn", "model", "3")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mlg://model/mlflow/a", ("mlflow", "a")),
        ("mlg://model", ("mlg", "model")),
        ("mlg://model/", ("mlg", "model")),
        ("see mlg://model/x", ("see", "mlg", "model", "x")),
    ],
)
def test_an_unfinished_id_is_a_text(text: str, words: tuple[str, ...]) -> None:
    """Text that only begins like an id names no asset; its words after the kind count, or all if there are none."""
    assert parse_search_text(text).urn is None
    assert parse_search_text(text).words == words


def test_an_id_without_a_word_is_its_own_word() -> None:
    """An id of punctuation alone is still a valid search: for the asset itself."""
    urn = "mlg://model/~/_/-"
    assert parse_search_text(urn) == SearchText((urn,), urn, urn, urn)


@pytest.mark.parametrize("text", ["", "   ", "_-./", "\u2764\ufe0f"])
def test_a_text_without_a_word_is_refused(text: str) -> None:
    """Nothing can be found by white space, punctuation or pictures."""
    with pytest.raises(InvalidError, match="has no letter and no digit"):
        parse_search_text(text)


def test_a_text_is_at_most_as_long_as_a_name() -> None:
    """1,024 characters are accepted, without the white space around them; one more is a limit error."""
    assert parse_search_text(f" {'x' * 1_024} ").title == "x" * 64
    with pytest.raises(LimitError, match=r"has 1025 characters; the limit is 1024") as refused:
        parse_search_text("x" * 1_025)
    assert refused.value.extensions == {"limit": 1_024}


def test_only_the_first_ten_words_are_sent_to_the_index() -> None:
    """All words count for a hit; the first ten, each once, are those that the index is queried for."""
    words = tuple(f"w{number}" for number in range(12))
    found = parse_search_text(" ".join((words[0], *words)))
    assert found.words == words
    assert found.first == words[:MAX_QUERY_WORDS] == words[:10]


@pytest.mark.parametrize(
    ("text", "words", "last", "label"),
    [
        ("churn model version 3", ("churn", "model"), "", "3"),
        ("churn V3", ("churn",), "", "3"),
        ("churn version v1.2-rc1", ("churn",), "", "1 2 rc1"),
        ("version 3 of churn mod", ("churn", "mod"), "mod", "3"),
        ("v2 v3 churn", ("v2", "churn"), "churn", "3"),
    ],
)
def test_a_text_may_name_a_version(text: str, words: tuple[str, ...], last: str, label: str) -> None:
    """The words of the asset are those that do not name the version; the last one may be unfinished if it is last."""
    found = parse_search_text(text).version
    assert found is not None
    assert (found.asset.words, found.asset.last, found.label) == (words, last, label)
    assert all(map(found.names, (label, f"v{label}")))
    assert not any(map(found.names, (None, "", f"{label}0", "30")))


@pytest.mark.parametrize(
    "text", ["churn 3", "version 3", "v3", "churn_v3", "churn version", "churn v", "churn conv3", f"{URN} v3"]
)
def test_other_numbers_name_no_version(text: str) -> None:
    """A plain number, a version without an asset, a number within a name, and an id have one meaning only."""
    assert parse_search_text(text).version is None
