"""Highlights: the fields in which a search was found, with the matching words between ``**``."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.estates.plain_rows import PlainAccess, hiding, plain_row

from graphql_schema.rules.highlights import highlights
from graphql_schema.rules.search_text import parse_search_text


def found(text: str, name: str = "x", access: PlainAccess | None = None, **values: Any) -> list[tuple[str, str]]:
    """Return the highlights of a model version as pairs of field and text."""
    version: dict[str, Any] = {"version": "1", **values}
    row = plain_row("MODEL_VERSION", name, access, **version)
    return [(each["field"], each["text"]) for each in highlights(row, parse_search_text(text))]


def test_each_field_with_a_match_is_listed_in_order() -> None:
    """The display name comes first, then name, namespace, version, source and description; others are left out."""
    values: dict[str, Any] = {
        "displayName": "Churn of users",
        "namespace": "churn",
        "version": "churn-2",
        "source": "churn",
    }
    assert found("churn", "churn_train", **values, description="No match.") == [
        ("displayName", "**Churn** of users"),
        ("name", "**churn**_train"),
        ("namespace", "**churn**"),
        ("version", "**churn**-2"),
        ("source", "**churn**"),
    ]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", ["a ", "aA", "aA "])
def test_a_text_of_matches_alone_is_marked(part: str) -> None:
    """The time grows with the number of matches, not with its square, which would be minutes for a full record."""
    marked = dict(found("a", "x", description=part * 20_000))["description"]
    assert len(marked) > 200
    assert marked.replace("**", "").rstrip("\u2026") in part * 20_000


def test_a_name_that_is_also_the_display_name_is_listed_once() -> None:
    """An asset without a display name of its own shows its name, under ``displayName``."""
    assert found("churn", "churn_train") == [("displayName", "**churn**_train")]


def test_the_last_word_is_marked_as_a_beginning_and_others_as_words() -> None:
    """``sco`` may be unfinished and marks ``scores``; ``chu`` marks nothing."""
    assert found("churn sco", "churn scores churning") == [("displayName", "**churn** **scores** churning")]
    assert found("chu scores", "churn scores") == [("displayName", "churn **scores**")]


def test_a_word_with_a_typing_error_is_marked_except_in_a_description() -> None:
    """Names and ids are searched with typing errors, descriptions without, and marks show what was searched."""
    assert found("chrun", "churn", description="churn") == [("displayName", "**churn**")]
    assert found("chrun x", "churn", namespace="chum") == [("displayName", "**churn**")]


def test_words_after_the_tenth_are_marked_without_typing_errors() -> None:
    """Typing errors are forgiven in the first ten words only."""
    ten = "a b c d e f g h i j"
    assert found(f"{ten} chrun zz", "churn zz") == [("displayName", "churn **zz**")]
    assert found(f"chrun {ten}", "churn zz") == [("displayName", "**churn** zz")]


def test_parts_of_a_camel_case_name_are_marked() -> None:
    """The shortest match is marked; neighbouring matches are one mark, so no letter is between two pairs of stars."""
    assert found("churn", "ChurnScores") == [("displayName", "**Churn**Scores")]
    assert found("churnscores scores", "ChurnScores") == [("displayName", "Churn**Scores**")]
    assert found("churn scores", "DailyChurnScores") == [("displayName", "Daily**ChurnScores**")]
    assert found("churn scores", "ScoresChurnDaily") == [("displayName", "**ScoresChurn**Daily")]


def test_a_long_description_is_shown_around_its_first_match() -> None:
    """About 200 characters, cut at spaces, with an ellipsis where text is left out."""
    text = "lorem " * 50 + "churn " + "ipsum " * 50
    around = "lorem " * 8 + "**churn** " + "ipsum " * 23 + "ipsum"
    assert found("churn", description=text) == [("description", f"\u2026{around}\u2026")]


def test_a_snippet_without_a_space_to_end_at_has_100_characters_from_the_match_on() -> None:
    """A space that is too near is no place to cut, because the snippet would show nothing but the match."""
    assert found("churn", description="churn " + "x" * 400) == [("description", "**churn** " + "x" * 94 + "\u2026")]


def test_a_description_up_to_200_characters_is_shown_in_full() -> None:
    """A text of exactly 200 characters is not cut, and one of 201 is."""
    assert found("churn", description="churn" + " lorem" * 32 + " ab") == [
        ("description", "**churn**" + " lorem" * 32 + " ab")
    ]
    assert found("churn", description="churn" + " lorem" * 32 + " abc") == [
        ("description", "**churn**" + " lorem" * 32 + "\u2026")
    ]


@given(st.lists(st.sampled_from(["lorem", "churn", "x" * 70, "-", "\n"]), max_size=80), st.sampled_from([" ", "-"]))
def test_a_snippet_is_a_part_of_the_text(words: list[str], separator: str) -> None:
    """Without marks and ellipses a highlight is a piece of its field, and every occurrence in the piece is marked."""
    text = separator.join(words)
    for _, marked in found("churn", description=text):
        shown = marked.strip("\u2026").replace("**", "")
        assert shown in text
        assert len(shown) <= 300
        assert marked.count("**churn**") >= 1
        assert "churn" not in marked.replace("**churn**", "")


def test_a_hidden_field_is_not_highlighted() -> None:
    """A description that the viewer may not see is left out, without a report: nothing was requested of it."""
    access = hiding("description")
    assert found("churn", access=access, description="churn") == []
    assert access.reports == []


def test_the_number_of_a_named_version_is_marked_in_the_version_alone() -> None:
    """`v3` marks version 3 and no 3 of other fields; another version is not marked."""
    assert found("churn v3", "churn-3", version="3") == [("displayName", "**churn**-3"), ("version", "**3**")]
    assert found("churn v3", "churn", version="v3") == [("displayName", "**churn**"), ("version", "**v3**")]
    assert found("churn v3", "churn", version="2") == [("displayName", "**churn**")]


def test_a_kind_without_a_display_name_has_its_name_marked() -> None:
    """Tags and domains have no field ``displayName``, so their highlights name the field ``name``."""
    for kind in ("TAG", "DOMAIN"):
        marked = highlights(plain_row(kind, "churn_train"), parse_search_text("churn"))
        assert marked == [{"field": "name", "text": "**churn**_train"}]
