"""Whether several callers write at the same time, so that long calls write in small transactions.

Whether calls contend is known of this process only. Who writes is known of all processes of the store.
"""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

CONTENDED_SECONDS: Final = 5.0
"""Seconds for which writers count as contending after a call began during a call of another caller.

For as long, a caller counts as one who writes after a transaction.
"""

CONTENDED_SHARE: Final = 5
"""While several callers write, the maxima of items and edges of a batch are divided by this.

So no caller waits long for the transactions of others. The batch of an atomic call is not divided.
"""

CONTENDED_TIME_SHARE: Final = 10
"""The same for what takes time: the characters of a batch, and for how long it is planned and the store writes it."""


@dataclass(slots=True)
class WriterContention:
    """Counts the callers whose calls are under way in this process. ``clock`` returns monotonic seconds."""

    clock: Callable[[], float] = time.monotonic
    _calls: Counter[Hashable] = field(default_factory=Counter)
    _until: float = float("-inf")
    _written: dict[Hashable, float] = field(default_factory=dict)
    """When a transaction of each caller was last stored, for those who still count as writing."""

    @contextmanager
    def call(self, caller: Hashable) -> Iterator[None]:
        """Count a call of a caller while the body runs."""
        self._calls[caller] += 1
        if len(self._calls) > 1:
            self._until = self.clock() + CONTENDED_SECONDS
        try:
            yield
        finally:
            self._calls[caller] -= 1
            self._calls += Counter()  # drops callers without a call

    def wrote(self, callers: Iterable[Hashable]) -> None:
        """Record that a transaction of callers is stored now, by this process or another one.

        A call that was refused or dry does not count after its end: anybody could send some to let others wait.
        """
        self._written = {each: at for each, at in self._written.items() if self._is_recent(each)}
        self._written |= dict.fromkeys(callers, self.clock())

    @property
    def is_contended(self) -> bool:
        """Whether calls of two callers are under way, or one began during the other in the last CONTENDED_SECONDS."""
        return len(self._calls) > 1 or self.clock() < self._until

    @property
    def share(self) -> int:
        """By what the maxima of items and edges of a batch are divided now."""
        return CONTENDED_SHARE if self.is_contended else 1

    @property
    def time_share(self) -> int:
        """By what the maxima of its characters and of its time are divided now."""
        return CONTENDED_TIME_SHARE if self.is_contended else 1

    @property
    def writers(self) -> set[Hashable]:
        """The callers whose transactions were stored in the last CONTENDED_SECONDS."""
        return {*filter(self._is_recent, self._written)}

    def others(self, caller: Hashable) -> set[Hashable]:
        """Return the other callers who write: a call is under way, or they wrote in the last CONTENDED_SECONDS.

        Callers of other processes count from when this process learns of their transaction.
        """
        return {*self._calls, *self.writers} - {caller}

    def _is_recent(self, caller: Hashable) -> bool:
        return self.clock() < self._written[caller] + CONTENDED_SECONDS
