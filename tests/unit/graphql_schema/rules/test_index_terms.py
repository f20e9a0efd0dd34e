"""Index terms: what the index holds of a record."""

from collections.abc import Iterator

import pytest

from graphql_schema.rules import index_terms
from graphql_schema.rules.index_terms import MAX_WORDS, name_terms, prose_terms
from graphql_schema.rules.words import index_words

VERSION = {
    "kind": "MODEL_VERSION",
    "name": "churn_model",
    "displayName": "ChurnModel",
    "namespace": "ads",
    "version": "v2",
    "source": "mlflow",
    "description": "The churn model, for ads. The model!",
}


def test_a_record_is_indexed_by_its_names_its_id_and_its_description() -> None:
    """Titles are names as they are compared; words are those of names, namespace, version and source, each once."""
    assert name_terms(VERSION) == {
        "titles": ["churnmodel", "churn model"],
        "words": ["churnmodel", "churn", "model", "ads", "v2", "mlflow"],
    }
    assert prose_terms(VERSION) == {"prose": "the churn model for ads"}


def test_equal_names_are_one_title() -> None:
    """A display name that differs from the name only in case and separators is not indexed twice."""
    assert name_terms({**VERSION, "displayName": "Churn-Model"})["titles"] == ["churn model"]


def test_only_a_kind_with_versions_is_indexed_by_its_version() -> None:
    """The field ``version`` of an asset of another kind is no part of its id, so its words are not searched."""
    assert "v2" not in name_terms({**VERSION, "kind": "DATASET"})["words"]


def test_a_record_without_a_description_has_no_prose() -> None:
    """An absent description, and one that was cleared, index nothing."""
    absent = {name: value for name, value in VERSION.items() if name != "description"}
    assert prose_terms(absent) == prose_terms({**VERSION, "description": None}) == {"prose": ""}


def test_of_a_description_the_first_different_words_are_indexed() -> None:
    """Words that come again do not count."""
    numbers = [str(number) for number in range(MAX_WORDS + 1)]
    indexed = prose_terms({**VERSION, "description": " ".join(["0"] * 100 + numbers)})["prose"].split()
    assert indexed == numbers[:-1]


@pytest.mark.parametrize(
    ("changed", "name", "prose"),
    [
        ({"stage": "RETIRED"}, False, False),
        ({"description": "Other."}, False, True),
        ({"description": None}, False, True),
        ({"displayName": "Churn"}, True, False),
        ({"namespace": "other"}, True, False),
        ({"version": "v3"}, True, False),
    ],
)
def test_terms_are_made_only_of_texts_that_differ(
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, str | None],
    name: bool,  # noqa: FBT001 - a parameter of the test
    prose: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """The words of the stored record are never found again, and those of the new one only if its texts are others."""
    read: list[str] = []

    def noting(text: str) -> Iterator[str]:
        read.append(text)
        return index_words(text)

    monkeypatch.setattr(index_terms, "index_words", noting)
    after = {**VERSION, **changed}
    terms = {**name_terms(after, VERSION), **prose_terms(after, VERSION)}
    assert terms.keys() == ({"titles", "words"} if name else set()) | ({"prose"} if prose else set())
    stored = {text for field, text in VERSION.items() if field in changed}
    assert not stored & {*read}
    assert bool(read) == bool(terms)
