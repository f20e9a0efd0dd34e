"""No text that users of a registry wrote is a part of a filter or of an address."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.ingest.sources.mlflow.registry_ids import id_lists, literal, logged_id_of, logged_model, tracked_run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("churn", "'churn'"),
        ("o'brien", '"o\'brien"'),
        ('a "b"', "'a \"b\"'"),
        ("a'b\"c", None),
        ("'\"", None),
        ("", "''"),
    ],
)
def test_a_literal_has_quotes_that_the_text_does_not_have(text: str, expected: str | None) -> None:
    """With both kinds of quotes in the text there is none."""
    assert literal(text) == expected


@pytest.mark.parametrize("text", ["a'b\"c", "') OR (run_id != '", "m-1/../m-2", "-m", "", "a b", "a\n", "é", "a" * 257])
def test_only_ids_are_in_a_request(text: str) -> None:
    """Another text is in no list of a filter, and no call is made with it."""
    sent: list[str] = []
    client = SimpleNamespace(get_run=sent.append, get_logged_model=sent.append)
    assert [*id_lists([text, "m-1", text], 2)] == ["'m-1'"]
    assert [read(text)(client) for read in (tracked_run, logged_model)] == [None, None]
    assert sent == []


def test_lists_of_ids_have_each_id_once() -> None:
    """Each list has at most the given number of them."""
    assert [*id_lists(["a", "b", "a", "c", "", "b"], 2)] == ["'a', 'b'", "'c'"]
    assert [*id_lists([], 2)] == []


def test_the_logged_model_of_a_version_is_read_from_its_source() -> None:
    """The field of the id counts first; another source names none."""

    def version(source: str | None, model_id: str | None = None) -> Any:
        return SimpleNamespace(source=source, model_id=model_id)

    versions = [version("models:/m-1"), version("s3://b/m", "m-2"), version("models:/churn/1"), version(None)]
    assert [logged_id_of(each) for each in versions] == ["m-1", "m-2", "", ""]
