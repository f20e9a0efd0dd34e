"""The order in which a job works on several things, so that none waits until the work on another one is done."""

from collections.abc import Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.graph.driver.errors import LostTurnError

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(slots=True)
class TurnOrder(Generic[KeyT]):
    """Gives one of several keys its turn after the other: each that is added waits behind those that wait already.

    So keys that come and go starve none that stays. The key of the last turn, ``_last``, is behind all others.
    """

    _waiting: dict[KeyT, None] = field(default_factory=dict)
    _last: list[KeyT] = field(default_factory=list)
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
        """Return the key that waits longest; one that is not given no longer waits."""
        again, self._again = [key for key in self._again if key in keys], []
        others = [key for key in (*self._waiting, *keys) if key in keys and key not in self._last]
        key = next(iter([*again, *others, *self._last]))
        self._waiting = {each: None for each in (*others, *self._last) if each != key and each in keys}
        self._last = [key]
        return key
