"""How much a transaction may read while all other writers wait, and what ends a reading of more."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from app.fair_queue import PROCESS
from app.graph.driver.edge_pages import VisitBudget
from app.graph.driver.errors import WriteTooLargeError
from graphql_schema.ports.operation_budget import OperationBudget
from policies.blurred_limit import blurred
from policies.errors import LimitError

MAX_SIZE: Final = 16 * 1024 * 1024
"""Maximal number of characters that a transaction of several items reads; the store needs half a second for them.

A transaction with more is divided.
"""

CHARACTERS_A_SECOND: Final = 2 * MAX_SIZE
ELEMENTS_A_SECOND: Final = 10_000
"""Number of characters, and of records and edges, that the store reads in about a second."""

LOOK_UPS_OF_ELEMENT: Final = 8
"""Number of vertices and single edges that the store looks up, and does not return, which count as one element."""

MAX_WEIGHT: Final = 5 * MAX_SIZE
"""Maximal weight of these records, in bytes: that of MAX_SIZE characters of ordinary ones."""

MAX_ELEMENTS: Final = 10_000
"""Maximal number of records and edges that a transaction of several items reads, in up to 0.8 seconds of the store."""

BYTES_AT_ONCE: Final = 5 * 1024 * 1024
"""Maximal number of bytes that one request of such a transaction reads: those of 20,000 ordinary edges."""

FEW_ELEMENTS: Final = 1_500
"""Maximal number of records and edges of a reading of few; the store needs up to 0.15 seconds for them."""

FEW_SIZE: Final = 2 * 1024 * 1024
"""Maximal number of characters of a reading of few."""

FEW_BYTES: Final = 5 * FEW_SIZE // 4
"""Maximal number of bytes that one request of a reading of few reads: those of FEW_SIZE characters of ordinary ones."""

ELEMENTS_OF_NAMED: Final = 4
"""Number of records and edges that a transaction of several callers may read for each asset that its items name."""

SIZE_OF_NAMED: Final = 64 * 1024
"""Number of their characters."""

MAX_AHEAD: Final = 100_000
"""Maximal number of records and edges that are read ahead for one item, or one atomic call, blurred.

All writers wait while it is planned, which takes up to half a second then.
"""


MAX_TOUCHED: Final = 6_000
"""Maximal number of records and edges that are read again under the write lock, for what was read ahead.

One transaction of others has at most 2,500 edges and their far ends, so that a single one is always within it. The
store needs up to 0.7 s for them.
"""


MAX_TOUCHED_AHEAD: Final = 2 * MAX_ELEMENTS
"""The same while others write: with more than that, everything is read again."""


class ManyElementsError(Exception):
    """A reading of few records and edges has read too many, or too large ones. Never leaves the writer."""


class ManyDependenciesError(LimitError):
    """An item, or an atomic call, affects or depends on more than MAX_AHEAD records and edges."""


class ReadLimits:
    """The limits of a reading: none. Requests take slots of ``caller`` (:mod:`app.fair_queue`).

    ``counts_unreturned`` is whether what a request has read counts also if it is not in its response. These are ended
    edges, and all of a response that is too large and is read again in parts. It does if all writers wait meanwhile.
    ``max_touched`` is the number of records and edges that are read again because others have written them.
    """

    caller: Hashable = PROCESS
    max_touched: ClassVar[int] = MAX_TOUCHED
    counts_unreturned: ClassVar[bool] = True

    def at_once(self, size: int) -> int:
        """Return the number of bytes after which a request ends, at most ``size``."""
        return size

    def page(self) -> VisitBudget | None:
        """Return what one page of edges may visit; None for a large page."""
        return None

    def charge(self, count: int, weight: int) -> None:
        """Count records and edges, with their weight in bytes; raises the error of an operation that ends by them."""

    def check(self, size: int, weight: int, count: int) -> None:
        """Raise the error of the limits if so many characters, bytes and elements are too many."""


UNLIMITED: Final = ReadLimits()
"""The limits of a reading that may read anything."""


@dataclass(frozen=True)
class DivisibleLimits(ReadLimits):
    """Those of a transaction that can be divided: MAX_SIZE characters, MAX_WEIGHT and MAX_ELEMENTS, blurred.

    A caller sees by the times of the changes which items were written together.
    """

    max_size: int = field(default_factory=lambda: blurred(MAX_SIZE), compare=False, kw_only=True)
    max_weight: int = field(default_factory=lambda: blurred(MAX_WEIGHT), compare=False, kw_only=True)
    max_count: int = field(default_factory=lambda: blurred(MAX_ELEMENTS), compare=False, kw_only=True)

    def at_once(self, size: int) -> int:
        """Return ``size``, or BYTES_AT_ONCE if that is less."""
        return min(size, BYTES_AT_ONCE)

    def page(self) -> VisitBudget:
        """Return a budget of the records and edges that may be read."""
        return VisitBudget(self.max_count)

    def check(self, size: int, weight: int, count: int) -> None:
        """Raise WriteTooLargeError, so that the transaction is divided."""
        if size > self.max_size or weight > self.max_weight or count > self.max_count:
            raise WriteTooLargeError("The transaction reads too much.")


@dataclass(frozen=True)
class SharedLimits(DivisibleLimits):
    """Those of a transaction of several callers: FEW_ELEMENTS and FEW_SIZE, and more for each of the assets ``named``.

    Each caller is charged for a share of what is read. So a batch that depends on much must be read by itself.
    """

    named: int

    def page(self) -> VisitBudget:
        """Return a budget of the records and edges that may be read."""
        return VisitBudget(self._max_elements)

    def check(self, size: int, weight: int, count: int) -> None:
        """Raise WriteTooLargeError, so that the batches are divided."""
        super().check(size, weight, count)
        if size > FEW_SIZE + SIZE_OF_NAMED * self.named or count > self._max_elements:
            raise WriteTooLargeError("The transaction reads too much for one of several callers.")

    @property
    def _max_elements(self) -> int:
        return min(self.max_count, FEW_ELEMENTS + ELEMENTS_OF_NAMED * self.named)


class FewLimits(ReadLimits):
    """Those of a transaction that cannot be divided: FEW_ELEMENTS, and FEW_SIZE characters."""

    def at_once(self, size: int) -> int:
        """Return ``size``, or FEW_BYTES if that is less."""
        return min(size, FEW_BYTES)

    def page(self) -> VisitBudget:
        """Return a budget of FEW_ELEMENTS."""
        return VisitBudget(FEW_ELEMENTS)

    def check(self, size: int, weight: int, count: int) -> None:  # noqa: ARG002 - the limits of characters suffice
        """Raise ManyElementsError, so that the call reads ahead."""
        if count > FEW_ELEMENTS or size > FEW_SIZE:
            raise ManyElementsError


@dataclass(frozen=True)
class AheadLimits(ReadLimits):
    """Those of a reading ahead: MAX_AHEAD, and the budget of the operation of the ``caller``.

    Records and edges count in this budget, with their memory, because many calls may read ahead at once.
    """

    budget: OperationBudget
    caller: Hashable
    max_count: int = field(default_factory=lambda: blurred(MAX_AHEAD), compare=False)
    max_touched: ClassVar[int] = MAX_TOUCHED_AHEAD
    counts_unreturned: ClassVar[bool] = False

    def charge(self, count: int, weight: int) -> None:
        """Count in the budget; raises what ends the operation."""
        self.budget.check()
        self.budget.count_rows(count)
        self.budget.count_stored(weight)

    def check(self, size: int, weight: int, count: int) -> None:  # noqa: ARG002 - the budget has the memory
        """Raise ManyDependenciesError, so that the item is refused."""
        if count > self.max_count:
            raise ManyDependenciesError(
                f"What the change affects or depends on has more than {MAX_AHEAD} assets and edges, so the change was "
                "not written. Change assets with fewer, such as versions instead of their dataset or model.",
                limit="elements",
                maximum=MAX_AHEAD,
            )
