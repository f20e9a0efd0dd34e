"""The free properties of an asset: how many it may have, and the one that an import sets itself."""

from collections.abc import Iterable
from typing import Final

MAX_FREE_PROPERTIES: Final = 500
"""Maximal number of free properties of an asset: each is a value of the index, and an update compares all of them."""

ENDED: Final = "importer.ended"
"""The key of the property of an asset that an import has ended, so that a later import may bring it back."""


def counted(keys: Iterable[str]) -> int:
    """Return how many of an asset's properties count: not ENDED, so that an import can end every asset."""
    return sum(key != ENDED for key in keys)
