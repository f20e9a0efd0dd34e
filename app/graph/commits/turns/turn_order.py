"""The order in which a job works on several things, so that none waits until the work on another one is done."""

from collections.abc import Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.graph.driver.errors import LostTurnError

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(slots=True)
class TurnOrder(Generic[KeyT]):
    """Gives one of several keys its turn after the other."""

    _had_turn: dict[KeyT, None] = field(default_factory=dict)
    _again: list[KeyT] = field(default_factory=list)

    @contextmanager
    def turn(self, keys: Collection[KeyT]) -> Iterator[KeyT]:
        """Wrap the work on the next of the keys. If it raises LostTurnError, this key has the next turn as well.

        So the work is repeated while the other processes wait for it. There must be a key.
        """
        key = self._next(keys)
        try:
            yield key
        except LostTurnError:
            self._again = [key]
            raise

    def _next(self, keys: Collection[KeyT]) -> KeyT:
        """Return the first of the keys that had no turn yet, else the one whose last turn is the longest ago.

        The turns of a key that is not given are forgotten.
        """
        again, self._again = [key for key in self._again if key in keys], []
        had_turn = [key for key in self._had_turn if key in keys]
        key = next(iter([*again, *(each for each in keys if each not in self._had_turn), *had_turn]))
        self._had_turn = {each: None for each in had_turn if each != key} | {key: None}
        return key
