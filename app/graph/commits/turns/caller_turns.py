"""The order in which a job works on several things of several callers, so that none waits for all those of another."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic

from app.graph.commits.outbox_entry import Caller
from app.graph.commits.turns.turn_order import KeyT, TurnOrder


@dataclass(slots=True)
class CallerTurns(Generic[KeyT]):
    """Gives the callers their turns, and in each turn of a caller the next of the keys of this caller its turn.

    So a caller with forty keys has no more turns than one with a single key.
    """

    _callers: TurnOrder[Caller] = field(default_factory=TurnOrder)
    _keys: dict[Caller, TurnOrder[KeyT]] = field(default_factory=dict)

    @contextmanager
    def turn(self, keys: Mapping[Caller, Collection[KeyT]]) -> Iterator[tuple[Caller, KeyT]]:
        """Wrap the work on the next key of the next caller, as :meth:`TurnOrder.turn`. Each caller must have a key."""
        self._keys = {caller: order for caller, order in self._keys.items() if caller in keys}
        with self._callers.turn(keys) as caller:
            order = self._keys.setdefault(caller, TurnOrder())
            with order.turn(keys[caller]) as key:
                yield caller, key
