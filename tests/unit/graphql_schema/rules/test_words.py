"""What is a word, whatever was typed or registered; and what is a typing error."""

import re
from random import Random

import pytest

from graphql_schema.rules.typos import MAX_FUZZY_LENGTH, allowed_errors, edit_distance, fuzzy_pattern
from graphql_schema.rules.words import index_tokens, query_tokens, title

CUT = {
    "churn_train": {"churn", "train"},
    "orders.daily": {"orders", "daily"},
    "ml/platform-team": {"ml", "platform", "team"},
    "ChurnScores": {"churnscores", "churn", "scores"},
    "HTTPServer2Go": {"httpserver2go", "http", "server2", "go"},
    "S3Bucket": {"s3bucket", "s3", "bucket"},
    "PyTorch": {"pytorch", "py", "torch"},
    "Café Übersicht Straße": {"cafe", "ubersicht", "strasse"},
    "Cafe\u0301": {"cafe"},
    "模型v2": {"模", "型", "v2"},
    "\uff26\uff35\uff2c\uff2c": {"full"},
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
def test_words_are_cut_and_folded(text: str) -> None:
    """Separators, camel case, case, accents, forms of letters, ideographs; and each word stands where it says."""
    found = index_tokens(text)
    assert {word.text for word in found} == CUT[text]
    assert all(word.end > word.start for word in found)


def test_what_is_typed_is_not_cut_in_camel_case() -> None:
    """Case makes no difference to who types, so a product's spelling finds every other one."""
    assert query_tokens("PyTorch PYTORCH pytorch") == ("pytorch",) * 3
    assert title("Churn_Train.daily") == "churn train daily"


def test_words_stand_where_they_say() -> None:
    """What is marked is the word as it is written."""
    text = "Die Straße führt zum ChurnScore"
    assert {text[word.start : word.end] for word in index_tokens(text)} >= {"Straße", "führt", "Churn", "Score"}
    for marked in ("Cafe\u0301", "\u0915\u093f\u0924\u093e\u092c", "\u304b\u3099", "\u845b\U000e0100"):
        assert [(word.start, word.end) for word in index_tokens(f"x {marked} y")][1:-1] == [(2, 2 + len(marked))]


def _near(word: str, letters: str, *, swaps: bool = True) -> set[str]:
    """Every text that one typing error makes of a word."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    left_out = {a + b[1:] for a, b in cuts if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if swaps and len(b) > 1}
    replaced = {a + letter + b[1:] for a, b in cuts if b for letter in letters}
    return left_out | swapped | replaced | {a + letter + b for a, b in cuts for letter in letters}


@pytest.mark.parametrize("word", ["data", "churn", "payment"])
def test_one_error_is_forgiven_in_a_word_of_four(word: str) -> None:
    """All texts with one error, made by hand, are near and asked for; and a text is near only if it is one of them."""
    near = _near(word, "abcdehnruz")
    assert {
        text for text in near if edit_distance(word, text, 1) > 1 or not re.fullmatch(fuzzy_pattern(word, 1), text)
    } == set()
    further = {twice for text in near for twice in _near(text, "az")} - near - {word}
    assert {text for text in further if edit_distance(word, text, 1) == 1 and set(text) <= set("abcdehnruz")} == set()


def test_two_errors_are_forgiven_in_a_word_of_eight() -> None:
    """One in each half, and two in one of them; the distance is never more than the errors that were made."""
    dice = Random(7)
    for _ in range(3_000):
        word = "".join(dice.choice("abcdefgh") for _ in range(dice.randint(8, MAX_FUZZY_LENGTH)))
        half = len(word) // 2
        left, right = word[:half], word[half:]
        one = dice.choice(sorted(_near(left, "xy"))) + dice.choice(sorted(_near(right, "xy")))
        twice = dice.choice(sorted(_near(dice.choice(sorted(_near(left, "x", swaps=False))), "y", swaps=False))) + right
        for text in (one, twice):
            assert edit_distance(word, text, 2) <= 2
            assert re.fullmatch(fuzzy_pattern(word, 2), text), (word, text)


def test_expressions_are_bounded() -> None:
    """No expression is longer than Elasticsearch takes; numbers and long words are taken as they are."""
    assert (
        max(len(fuzzy_pattern("a" * size, allowed_errors("a" * size))) for size in range(4, MAX_FUZZY_LENGTH + 1))
        <= 1_000
    )
    too_long = "a" * (MAX_FUZZY_LENGTH + 1)
    words = ("abc", "abcd", "abcdefg", "abcdefgh", "run12345", too_long)
    assert [allowed_errors(word) for word in words] == [0, 1, 1, 2, 0, 0]
