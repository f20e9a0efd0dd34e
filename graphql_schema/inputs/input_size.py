"""The size of an input, which decides where it is converted and where its command is made."""

from enum import Enum
from typing import Final

from graphql_schema.inputs.input_fields import InputValue

LONG_INPUT: Final = 500
"""Number of elements of all lists above which an input is read in the side thread; that many take about 10 ms."""


def is_long(given: InputValue) -> bool:
    """Return whether the lists of an input, nested ones too, have so many elements that reading it takes long.

    ``given`` may also be the JSON object before it is an input. No more elements than the limit are visited.
    """
    count, waiting = 0, [given]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            count += len(value)
            if count > LONG_INPUT:
                return True
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
        elif hasattr(value, "__strawberry_definition__") and not isinstance(value, Enum):
            waiting += vars(value).values()
    return False
