"""The order in which a job works on several things, so that none waits until the work on another one is done."""

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(slots=True)
class TurnOrder(Generic[KeyT]):
    """Gives one of several keys its turn after the other."""

    _had_turn: dict[KeyT, None] = field(default_factory=dict)

    def next(self, keys: Collection[KeyT]) -> KeyT:
        """Return the first of the keys that had no turn yet, else the one whose last turn is the longest ago.

        The turns of a key that is not given are forgotten. There must be a key.
        """
        had_turn = [key for key in self._had_turn if key in keys]
        key = next(iter([*(each for each in keys if each not in self._had_turn), *had_turn]))
        self._had_turn = {each: None for each in had_turn if each != key} | {key: None}
        return key
