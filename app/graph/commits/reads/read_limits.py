"""How much a transaction may read while all other writers wait, and what ends a reading of more."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from app.fair_queue import PROCESS
from app.graph.driver.errors import WriteTooLargeError
from graphql_schema.ports.operation_budget import OperationBudget
from policies.errors import LimitError

MAX_SIZE: Final = 64 * 1024 * 1024
"""Maximal number of characters that a transaction of several items reads."""

MAX_WEIGHT: Final = 5 * MAX_SIZE
"""Maximal weight of these records, in bytes: that of MAX_SIZE characters of ordinary ones."""

MAX_ELEMENTS: Final = 20_000
"""Maximal number of records and edges that a transaction of several items reads."""

FEW_ELEMENTS: Final = 5_000
"""Maximal number of records and edges of a reading of few; the store needs up to half a second for them."""

FEW_SIZE: Final = 2 * 1024 * 1024
"""Maximal number of characters of a reading of few."""


MAX_AHEAD: Final = 100_000
"""Maximal number of records and edges that are read ahead for one item, or one atomic call.

All writers wait while it is planned, which takes up to half a second then.
"""


class ManyElementsError(Exception):
    """A reading of few records and edges has read too many, or too large ones. Never leaves the writer."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """The limits of a reading, and as whom it reads.

    A ``bounded`` one ends after MAX_SIZE characters, MAX_WEIGHT or MAX_ELEMENTS, and one of ``few`` after FEW_ELEMENTS
    or FEW_SIZE characters. One with a budget, ``charged``, ends after MAX_AHEAD. Records and edges count in the budget,
    with their memory, because many calls may read ahead at once. Requests take slots of ``caller``
    (:mod:`app.fair_queue`).
    """

    bounded: bool = False
    few: bool = False
    charged: OperationBudget | None = None
    caller: Hashable = PROCESS

    def at_once(self, size: int) -> int:
        """Return the number of characters after which a request ends, at most ``size``."""
        return min(size, FEW_SIZE) if self.few else size

    def charge(self, count: int, weight: int) -> None:
        """Count records and edges, with their weight in bytes, in the budget; raises what ends the operation."""
        if self.charged is not None:
            self.charged.check()
            self.charged.count_rows(count)
            self.charged.count_stored(weight)

    def check(self, size: int, weight: int, count: int) -> None:
        """Raise the error of the limits if so many characters, bytes and elements are too many.

        That is WriteTooLargeError of a bounded reading, ManyElementsError of one of few, and LimitError of others.
        """
        if self.bounded and (size > MAX_SIZE or weight > MAX_WEIGHT or count > MAX_ELEMENTS):
            raise WriteTooLargeError("The transaction reads too much.")
        if self.few and (count > FEW_ELEMENTS or size > FEW_SIZE):
            raise ManyElementsError
        if self.charged is not None and count > MAX_AHEAD:
            raise LimitError(
                f"What the change affects or depends on has more than {MAX_AHEAD} assets and edges; nothing was "
                "written. Change assets with fewer, such as versions instead of their dataset or model.",
                limit="elements",
                maximum=MAX_AHEAD,
            )
