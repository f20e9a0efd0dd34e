"""The oracle of the bench finds differences, and the lower bound gives the expected data."""

import orjson
import pytest

from bench.estate import estate_of
from bench.measure import Answer, WrongAnswerError
from bench.oracle import Walk, difference, normalised
from bench.questions import HEALTH, QUESTIONS, Question
from bench.view import CALLERS, View

ESTATE = estate_of(200)


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("question", QUESTIONS.values(), ids=lambda each: each.name)
def test_the_loop_by_hand_gives_the_expected_data(question: Question, who: str) -> None:
    """The body of the lower bound has the data of the oracle, so that both do the same work."""
    view = View(ESTATE, CALLERS[who])
    found = orjson.loads(question.by_hand(view)())["data"]
    assert difference(normalised(question.expected(view)), normalised(found)) is None


def test_the_probe_by_hand_is_the_expected_body() -> None:
    """The body of the health probe by hand is that of the oracle."""
    view = View(ESTATE, CALLERS["cy"])
    assert orjson.loads(HEALTH.by_hand(view)()) == HEALTH.expected(view)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"a": [1, {"b": 2}]}, None),
        ({"a": [1, {"b": 3}]}, "data.a[1].b is 3, expected is 2"),
        ({"a": [1]}, "data.a has 1 entries, expected are 2"),
        ({"a": [1, {"b": 2}], "c": 1}, "data has the keys ['a', 'c'], expected are ['a']"),
        ({"a": [1, None]}, "data.a[1] is None, expected is {'b': 2}"),
    ],
)
def test_a_difference_is_named_with_its_path(found: dict[str, object], expected: str | None) -> None:
    """The first difference is described with its path; equal values have none."""
    assert difference({"a": [1, {"b": 2}]}, found) == expected


def test_the_order_of_keys_counts() -> None:
    """Two objects with equal values and another order of keys differ: a response has the order of its query."""
    assert difference({"a": 1, "b": 2}, {"b": 2, "a": 1}) == "data has the keys ['b', 'a'], expected are ['a', 'b']"


def test_only_unordered_connections_are_sorted() -> None:
    """The nodes of `trainedOn` are compared by id, those of other connections in their order."""
    nodes = {"nodes": [{"id": "b"}, {"id": "a"}]}
    found = normalised({"trainedOn": nodes, "versions": nodes})
    assert found == {"trainedOn": {"nodes": [{"id": "a"}, {"id": "b"}]}, "versions": nodes}


def test_a_wrong_response_ends_the_bench() -> None:
    """A response with other data, with errors or with another status is not counted."""
    answer = Answer("page", {"x": 1})
    answer.check(200, b'{"data":{"x":1}}')
    for status, body in (
        (200, b'{"data":{"x":2}}'),
        (200, b'{"data":{"x":1},"errors":[]}'),
        (503, b'{"data":{"x":1}}'),
    ):
        with pytest.raises(WrongAnswerError):
            answer.check(status, body)
    assert answer.accepted == {b'{"data":{"x":1}}'}


def test_a_hidden_asset_ends_the_walk() -> None:
    """An engineer is not led through assets of other teams, and the result states that something is missing."""
    ada, cy = (Walk(View(ESTATE, CALLERS[who]), ESTATE.hub) for who in ("ada", "cy"))
    assert ada.depths.keys() < cy.depths.keys()
    assert (ada.hidden, cy.hidden) == (True, False)
