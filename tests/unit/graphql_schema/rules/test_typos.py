"""Typing errors: how many a word may have, how they are counted, and the pattern that an index is given for them."""

import re
import sys
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_schema.rules.typos import (
    MAX_COMPARED,
    MAX_FUZZY_LENGTH,
    MAX_NAMES,
    allowed_errors,
    edit_distance,
    fuzzy_pattern,
    near_names,
    with_names,
)

WORDS = st.text("abc", max_size=6)


def distance(left: str, right: str) -> int:
    """Return the distance by its definition: letters left out, added, replaced, and neighbours swapped."""
    if not left or not right:
        return len(left) + len(right)
    steps = [
        distance(left[1:], right) + 1,
        distance(left, right[1:]) + 1,
        distance(left[1:], right[1:]) + (left[0] != right[0]),
    ]
    if left[:2] == right[1::-1] and len(left) > 1:
        steps.append(distance(left[2:], right[2:]) + 1)
    return min(steps)


def near(word: str, letters: str, *, swaps: bool = True) -> set[str]:
    """Return every text that one typing error makes of a word."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    left_out = {a + b[1:] for a, b in cuts if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if swaps and len(b) > 1}
    replaced = {a + letter + b[1:] for a, b in cuts if b for letter in letters}
    return left_out | swapped | replaced | {a + letter + b for a, b in cuts for letter in letters}


@given(WORDS, WORDS, st.integers(0, 3))
def test_a_distance_is_the_least_number_of_errors(left: str, right: str, most: int) -> None:
    """The distance agrees with its recursive definition, and is ``most + 1`` for all words that are further apart."""
    assert edit_distance(left, right, most) == min(distance(left, right), most + 1)


def distance_by_table(left: str, right: str) -> int:
    """Return the distance as the last cell of the table of distances of all beginnings, for long words."""
    table = [[i + j for j in range(len(right) + 1)] for i in range(len(left) + 1)]
    for i in range(1, len(left) + 1):
        for j in range(1, len(right) + 1):
            replaced = table[i - 1][j - 1] + (left[i - 1] != right[j - 1])
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, replaced)
            if i > 1 and j > 1 and left[i - 2 : i] == right[j - 2 : j][::-1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@given(st.text("abé", max_size=70), st.text("abé", max_size=70), st.integers(0, 80))
def test_a_distance_of_long_words_is_that_of_the_table(left: str, right: str, most: int) -> None:
    """Words of few letters have many swaps and repetitions; their length is not bounded by that of an integer."""
    assert edit_distance(left, right, most) == min(distance_by_table(left, right), most + 1)


def test_a_distance_of_long_words_with_few_errors_is_that_of_the_table() -> None:
    """Words with some errors at random places, such as those that a search compares."""
    dice = Random(11)
    for _ in range(2_000):
        word = "".join(dice.choice("abcde") for _ in range(dice.randint(4, 30)))
        other = [*word]
        for _ in range(dice.randrange(4)):
            at = dice.randrange(len(other))
            other[at : at + 2] = dice.choice(([], other[at : at + 2][::-1], ["a", *other[at : at + 2]]))
            other = other or ["b"]
        assert edit_distance(word, "".join(other), 2) == min(distance_by_table(word, "".join(other)), 3)


def test_the_steps_of_a_distance_grow_with_one_word() -> None:
    """A search compares the words of a thousand names: each letter takes a few calls, and not one for each other."""
    words = "customerpaymentreleases", "customrepaymentreelases"
    calls = []

    def count(_frame: object, event: str, _arg: Any) -> None:
        calls.append(event)

    sys.setprofile(count)
    try:
        found = edit_distance(*words, 2)
    finally:
        sys.setprofile(None)
    assert found == distance_by_table(*words) == 2
    assert len(calls) <= 12 * len(words[0])


@pytest.mark.parametrize(
    ("word", "errors"),
    [("abc", 0), ("abcd", 1), ("abcdefg", 1), ("abcdefgh", 2), ("a" * 23, 2), ("a" * 24, 0), ("run12345", 0)],
)
def test_longer_words_may_have_more_errors(word: str, errors: int) -> None:
    """One error from 4 letters on, two from 8 to 23; none in a word with a digit (docs/search.md)."""
    assert allowed_errors(word) == errors


@pytest.mark.parametrize("word", ["data", "churn", "payment"])
def test_the_pattern_of_one_error_matches_every_text_with_one_error(word: str) -> None:
    """All texts with one error, enumerated by hand, are at distance 1 and match; no other text is at distance 1."""
    letters = "abcdehnruz"
    once = near(word, letters)
    assert {
        text for text in once if edit_distance(word, text, 1) > 1 or not re.fullmatch(fuzzy_pattern(word, 1), text)
    } == set()
    further = {twice for text in once for twice in near(text, "az")} - once - {word}
    assert {text for text in further if edit_distance(word, text, 1) == 1 and set(text) <= set(letters)} == set()


def test_the_pattern_of_two_errors_matches_one_in_each_half_and_two_in_one_half() -> None:
    """Every text with one error in each half, or with two in the left half, is at distance 2 at most and matches."""
    dice = Random(7)
    for _ in range(3_000):
        word = "".join(dice.choice("abcdefgh") for _ in range(dice.randint(8, MAX_FUZZY_LENGTH)))
        half = len(word) // 2
        left, right = word[:half], word[half:]
        one = dice.choice(sorted(near(left, "xy"))) + dice.choice(sorted(near(right, "xy")))
        twice = dice.choice(sorted(near(dice.choice(sorted(near(left, "x", swaps=False))), "y", swaps=False))) + right
        for text in (one, twice):
            assert edit_distance(word, text, 2) <= 2
            assert re.fullmatch(fuzzy_pattern(word, 2), text), (word, text)


def test_two_errors_in_the_right_half_match() -> None:
    """The right half may have both errors as well: two letters left out, two added, one of each."""
    for text in ("abcdgh", "abcdefxyh", "abcdefxgyh", "abcdehgf"):
        assert re.fullmatch(fuzzy_pattern("abcdefgh", 2), text)
    assert not re.fullmatch(fuzzy_pattern("abcdefgh", 2), "xbxdxfgh")


def test_a_pattern_is_not_longer_than_an_index_accepts() -> None:
    """Elasticsearch accepts 1,000 characters; the longest word with typing errors stays below."""
    words = ["a" * size for size in range(4, MAX_FUZZY_LENGTH + 1)]
    assert max(len(fuzzy_pattern(word, allowed_errors(word))) for word in words) <= 1_000


def test_the_nearest_names_come_first() -> None:
    """Of five names the three nearest are returned, in order; another word is none of them."""
    known = ["releases", "release", "relaxes", "governance", "rel"]
    assert near_names("relase", known) == ("release", "relaxes", "releases")
    assert near_names("relase", ["governance"]) == ()


def test_of_many_names_few_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of an asset have no maximum, and each comparison of long ones takes some 15 µs."""
    compared, begin = list[str](), "check" * 9

    def distance(left: str, right: str, _: int) -> int:
        compared.append(right)
        return len(left)

    monkeypatch.setattr("graphql_schema.rules.typos.edit_distance", distance)
    known = [begin + f"{number:024}"[::-1] for number in range(5_000)] + [begin + "bcd"]
    assert near_names(begin + "abc", known) == near_names(begin + "abc", [*known[:MAX_NAMES]])
    assert len(compared) <= 2 * MAX_COMPARED


def test_long_names_are_compared_where_they_differ() -> None:
    """What is equal before and after is not compared; names that differ in many letters are not similar."""
    begin, end = "mlg://dataset/" + "x" * 300, "y" * 150
    assert near_names(f"{begin}orders{end}", [f"{begin}Order{end}", f"{begin}{'z' * 25}{end}"]) == (
        f"{begin}Order{end}",
    )
    scattered = "".join(f"{letter}q" for letter in "abcdefghijklmnopqrstuvwxyz" * 9)
    assert near_names(scattered, [scattered.replace("q", "p")]) == ()


def test_a_message_ends_with_near_names() -> None:
    """Names are added as a sentence; without names the message is unchanged."""
    assert with_names("No such gate.", ["a", "b"]) == "No such gate. Similar: a, b."
    assert with_names("No such gate.", []) == "No such gate."
