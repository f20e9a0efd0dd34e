"""The JSON that stores keep and commands carry, and positions in ordered lists."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A JSON value: text, number, boolean, null, a list or an object."""

JsonObject: TypeAlias = dict[str, Json]
"""A JSON object that its owner may change."""

Record: TypeAlias = Mapping[str, Json]
"""A JSON object that is only read: a stored record, the record of an edge, or values of an input.

Most keys are GraphQL names. Instants are epoch milliseconds, enums their names.
"""

Position: TypeAlias = tuple[Json, ...]
"""The place of an item in an ordered list: the values by which the list is ordered, together unique in the list."""
