"""Values beside their objects: lists of inputs get one list of objects, and all other values stay as they are."""

import pytest

from graphql_schema.execution.converted_values import ConvertedInput, ConvertedList, converted_list


def test_a_list_of_inputs_has_their_objects() -> None:
    """The objects are in the order of the values, which are unchanged."""
    first, second = object(), object()
    values = [ConvertedInput({"a": 1}, first), ConvertedInput({"a": 2}, second)]
    found = converted_list(values)
    assert isinstance(found, ConvertedList)
    assert (found, found.given) == ([{"a": 1}, {"a": 2}], [first, second])


@pytest.mark.parametrize("value", [None, 7, "a", [], [1, 2], [ConvertedInput({}, object()), None], {"a": []}])
def test_other_values_stay_as_they_are(value: object) -> None:
    """So do lists of scalars, and a list of inputs in which one is null."""
    assert converted_list(value) is value
