"""The governed part of a schema: types of rows and of edges together, and the code of a kind."""

import pytest

from policies.governed import Governed, kind_code


@pytest.mark.parametrize(
    ("type_name", "code"),
    [
        ("Model", "MODEL"),
        ("ModelVersion", "MODEL_VERSION"),
        ("ExperimentCell", "EXPERIMENT_CELL"),
        ("AToB", "A_TO_B"),
        ("", ""),
    ],
)
def test_words_of_a_type_name_are_joined_by_underscores(type_name: str, code: str) -> None:
    """Each capital begins a word, and the first word has no underscore before it."""
    assert kind_code(type_name) == code


def test_fields_are_those_of_rows_and_of_edges() -> None:
    """Both kinds of types are governed; without edges only the rows are."""
    rows, edges = {"Model": ["id"]}, {"Neighbour": ["relation"]}
    assert Governed(rows, edges).fields == {"Model": ["id"], "Neighbour": ["relation"]}
    assert Governed(rows).fields == rows
