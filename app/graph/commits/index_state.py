"""How far the index of an external store was compared with the storage, as one process knows it."""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

from app.graph.driver.errors import StoreUnavailableError
from app.store.errors import StoreReason

LAG_SECONDS: Final = 15.0
"""Seconds within which a transaction is compared with the index, unless the index lags."""


class IndexState:
    """The transactions of the write log that the index is known to have.

    ``compared`` is the number of the last one, None before it is known. ``differing`` counts the documents that this
    process has written again, and ``failed`` those that still differed. ``clock`` returns seconds of a clock that is
    never set.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.compared: int | None = None
        self.differing = self.failed = 0
        self._clock = clock
        self._last = 0
        self._open: deque[tuple[float, int]] = deque()

    def learned(self, number: int) -> None:
        """Record that transactions up to ``number`` are stored; fewer than before if the store was restored."""
        if number < self._last:
            self._open.clear()
        if number != self._last:
            self._last = number
            self._open.append((self._clock(), number))

    def older_than(self, seconds: float) -> int:
        """Return the number of the last transaction that was learned at least ``seconds`` ago.

        Transactions that the index is known to have do not count; the result is 0 if there is no other.
        """
        limit = self._clock() - seconds
        return max((number for at, number in self._open if at <= limit), default=0)

    def has(self, number: int) -> None:
        """Record that the index has all transactions up to ``number``."""
        self.compared = number
        while self._open and self._open[0][1] <= number:
            self._open.popleft()

    def end(self) -> None:
        """Record that the index is not compared, so that nothing is known of a lag."""
        self.compared = None
        self._open.clear()

    @property
    def lag(self) -> int:
        """The number of stored transactions that were not compared yet; 0 while it is not known."""
        return 0 if self.compared is None else max(self._last - self.compared, 0)

    @property
    def lags(self) -> bool:
        """Whether a transaction was learned LAG_SECONDS ago or earlier, and is not known to be in the index."""
        return bool(self._open) and self._open[0][0] <= self._clock() - LAG_SECONDS

    def refuse_lag(self) -> None:
        """Raise StoreUnavailableError with the reason INDEX if the index lags."""
        if self.lags:
            raise StoreUnavailableError.because(StoreReason.INDEX)
