"""Words: texts are split and folded so that typed and registered texts match."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphql_schema.rules import words
from graphql_schema.rules.words import (
    MAX_KEPT,
    MAX_RUN,
    MAX_RUNS,
    MAX_WORD_LENGTH,
    estimated_words,
    fold,
    index_tokens,
    index_words,
    query_tokens,
    title,
)

CUT = {
    "churn_train": {"churn", "train"},
    "orders.daily": {"orders", "daily"},
    "ml/platform-team": {"ml", "platform", "team"},
    "ChurnScores": {"churnscores", "churn", "scores"},
    "HTTPServer2Go": {"httpserver2go", "http", "server2", "go"},
    "S3Bucket": {"s3bucket", "s3", "bucket"},
    "HTTPInX": {"httpinx", "http", "in", "x"},
    "eSim": {"esim", "e", "sim"},
    "AB AB\u24d0": {"ab"},  # a circled a separates, although it is lower case
    "PyTorch": {"pytorch", "py", "torch"},
    "orders": {"orders"},
    "Café Übersicht Straße": {"cafe", "ubersicht", "strasse"},
    "Cafe\u0301": {"cafe"},
    "模型v2": {"模", "型", "v2"},
    "\uff26\uff35\uff2c\uff2c": {"full"},
    "\U0001d402hurn": {"churn"},  # the first letter is a mathematical capital, which has no lower case of its own
    "\u0643\u0650\u062a\u064e\u0627\u0628": {"\u0643\u062a\u0627\u0628"},  # Arabic with its points, and without
    "\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd": {"\u05e9\u05dc\u05d5\u05dd"},  # Hebrew with its points, and without
    "\u0915\u093f\u0924\u093e\u092c": {"\u0915\u0924\u092c"},  # Devanagari, three consonants with two vowel signs
    "\u0e02\u0e49\u0e2d\u0e21\u0e39\u0e25": {"\u0e02\u0e2d\u0e21\u0e25"},  # Thai, four letters with a tone and a vowel
    "\u304b\u3099\u304fv2": {"\u304b", "\u304f", "v2"},  # Hiragana, the first with a voicing mark
    "\u845b\U000e0100\u57ce": {"\u845b", "\u57ce"},  # ideographs, the first in a variant
    "train2 v1.2": {"train2", "v1", "2"},
    "\u2764\ufe0f": set(),
    "_-./ **": set(),
}


@pytest.mark.parametrize("text", CUT)
def test_a_text_is_cut_into_folded_words(text: str) -> None:
    """Separators, camel case, case, accents, forms of letters and ideographs; each word has a place in the text."""
    found = [*index_tokens(text)]
    assert {word.text for word in found} == CUT[text] == {*index_words(text)}
    assert all(word.end > word.start for word in found)


def test_typed_text_is_not_cut_in_camel_case() -> None:
    """Case makes no difference in what is typed, so one spelling of a product finds every other one."""
    assert query_tokens("PyTorch PYTORCH pytorch") == ("pytorch",) * 3


def test_a_title_is_the_words_of_a_name_joined_by_spaces() -> None:
    """Names are compared without case and separators."""
    assert title("Churn_Train.daily") == "churn train daily"


def test_the_titles_of_long_texts_are_not_kept() -> None:
    """Thousands of them would take gigabytes."""
    kept = words._kept_title  # noqa: SLF001 - what the test is about
    for characters, more in ((MAX_KEPT, 1), (MAX_KEPT + 1, 0)):
        known = kept.cache_info().currsize
        assert title("Zz".ljust(characters, ".")) == "zz"
        assert kept.cache_info().currsize - known == more


def test_a_word_carries_its_place_in_the_text() -> None:
    """Start and end of a word delimit its original spelling, combining marks included."""
    text = "Die Straße führt zum ChurnScore"
    assert {text[word.start : word.end] for word in index_tokens(text)} >= {"Straße", "führt", "Churn", "Score"}
    for marked in ("Cafe\u0301", "\u0915\u093f\u0924\u093e\u092c", "\u304b\u3099", "\u845b\U000e0100"):
        assert [(word.start, word.end) for word in index_tokens(f"x {marked} y")][1:-1] == [(2, 2 + len(marked))]


@pytest.mark.parametrize("letter", ["a", "é"])
def test_only_the_beginning_of_a_very_long_word_counts(letter: str) -> None:
    """A word is cut at 64 characters, in an index and in a query alike."""
    assert MAX_WORD_LENGTH == 64
    assert len(fold(letter * 65)) == 64
    assert (
        query_tokens(letter * 65)
        == tuple(word.text for word in index_tokens(letter * 70))
        == ("ae"[letter != "a"] * 64,)
    )


@given(st.text())
def test_every_text_is_found_by_itself(text: str) -> None:
    """Typing any name gives only words that the index holds for the name."""
    assert set(query_tokens(text)) <= {word.text for word in index_tokens(text)}


@given(st.text())
@example("AB AB\u24d0")  # what follows a run decides nothing about its parts
def test_different_words_are_in_the_order_of_their_first_places(text: str) -> None:
    """Each word comes once, whatever spelling and place it has again."""
    assert [*index_words(f"{text} {text}")] == [*dict.fromkeys(word.text for word in index_tokens(text))]


def test_a_text_is_read_only_as_far_as_words_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the first words of a long text take the time of these, and words that come again take hardly any."""
    folded: list[str] = []

    def noting(run: str) -> str:
        folded.append(run)
        return fold(run)

    monkeypatch.setattr(words, "fold", noting)
    found = index_words("a b a b a c " + "d " * 30_000)
    assert (next(found), next(found), next(found)) == ("a", "b", "c")
    assert folded == ["a", "b", "c"]


@given(st.text(st.characters(categories=["L", "N", "M"])))
def test_a_folded_word_is_in_its_final_form(run: str) -> None:
    """Folding a folded word changes nothing, so words of an index and of a query are comparable."""
    assert fold(fold(run)) == fold(run)


def test_a_run_of_many_marks_takes_no_longer_than_its_length() -> None:
    """Marks in the wrong order are sorted with the square of their number: 400,000 of them would take an hour."""
    marks = "\u0315" * 200_000 + "\u0327" * 200_000
    assert query_tokens(f"a{marks} bc") == ("a", "bc")
    assert fold("e\u0301" * MAX_WORD_LENGTH) == "e" * MAX_WORD_LENGTH


@given(st.text())
@example("aBcDeF gH")
@example("一二三ab四")
@example("a·b·c·d—e")
@example("\U00020000\U00020001")
def test_the_words_of_a_text_are_estimated(text: str) -> None:
    """Those of the ASCII, ideographs and dashes of a text are not more than twice as many; a run counts with parts."""
    plain = "".join(each for each in text if each.isascii() or each in "一二三四·—" or each >= "\U00020000")
    assert len({*index_words(plain)}) <= 2 * estimated_words(plain) + 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Plain English words in CAPITALS", 5),
        ("| a | b |\n|---|---|\n------", 2),
        ("Быстрая лиса прыгает", 3),
        ("다람쥐 헌 쳇바퀴에", 3),
        ("नीली बिल्ली", 2),
        ("敏捷的狐狸", 5),
        ("ordersDaily HTTPServer2Go", 5),
        ("", 0),
    ],
)
def test_ordinary_texts_have_as_many_words_as_estimated(text: str, words: int) -> None:
    """Letters of no script but those without spaces count each, and a row of dashes has none."""
    assert estimated_words(text) == words


def test_what_takes_time_in_a_text_is_bounded() -> None:
    """A run is divided in its first MAX_RUN characters, a text has MAX_RUNS runs, and unassigned signs are no words."""
    humps = "".join(f"{chr(65 + n % 26)}{chr(97 + n // 26 % 26)}{n % 10}" for n in range(5_000))
    assert len({*index_words(humps)}) <= MAX_RUN
    assert [*index_words("a " * MAX_RUNS + "b")] == ["a"]
    assert [*index_words("a " * (MAX_RUNS - 1) + "b")] == ["a", "b"]
    assert not [*index_words("\U0003fffd\U00031fff")]
