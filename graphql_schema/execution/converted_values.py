"""Coerced values beside their Python objects, which all fields of an operation use."""

from collections.abc import Iterable, Mapping


class ConvertedInput(dict[str, object]):
    """The JSON object of an input, and ``given``, the object of its class."""

    __slots__ = ("given",)

    def __init__(self, value: Mapping[str, object], given: object) -> None:
        super().__init__(value)
        self.given = given


class ConvertedList(list[object]):
    """The JSON objects of a list of inputs, and ``given``, their objects."""

    __slots__ = ("given",)

    def __init__(self, values: Iterable[ConvertedInput]) -> None:
        super().__init__(values)
        self.given = [each.given for each in self if isinstance(each, ConvertedInput)]


def converted_list(value: object) -> object:
    """Return a coerced value as :class:`ConvertedList` if it is a list of inputs with objects, else as it is."""
    if isinstance(value, list) and value and all(isinstance(each, ConvertedInput) for each in value):
        return ConvertedList(value)
    return value
