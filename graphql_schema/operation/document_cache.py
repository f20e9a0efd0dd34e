"""Documents by their texts: one cache for those parsed recently, and one for those that were admitted.

As long as an admitted document is in the cache, it is not parsed or validated again, and its plans are reused. A plan
depends on the text, the name of the operation, and the conditions of `@skip` and `@include`. Scope, variables and cost
are examined for each request; the cost is known if the same sizes and conditions were priced before.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from sys import getsizeof
from time import monotonic
from typing import Final

from graphql import DocumentNode, Token

from graphql_schema.execution.plan import STEP_BYTES, Plans
from graphql_schema.operation.cost import KnownCosts

MAX_BYTES: Final = 16 * 1024 * 1024
"""Default of the maximal size of all documents of a cache together, in bytes."""

TOKEN_BYTES: Final = 400
"""Approximate size of a token with its syntax nodes, in bytes."""

LINE_BYTES: Final = 4
"""Size of the begin of a line, in bytes, which a document keeps from its first error on."""

COST_BYTES: Final = 120
"""Approximate size of a value that is kept for the cost of an operation, in bytes."""


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A document with its plans and costs; ``unplanned`` is its size in bytes without them."""

    document: DocumentNode
    unplanned: int = 0
    plans: Plans = field(default_factory=Plans)
    costs: KnownCosts = field(default_factory=KnownCosts)

    @property
    def size(self) -> int:
        """Return the size in bytes with the plans and costs, which grow while they are used."""
        return self.unplanned + STEP_BYTES * self.plans.steps + COST_BYTES * self.costs.parts


Caller = tuple[str, str]
"""Tenant and subject."""


ANYBODY: Final[Caller] = ("", "")
"""The caller of documents that have none."""

UNUSED_SECONDS: Final = 600.0
"""Seconds after which a document that was not used is dropped before those that were."""


@dataclass(slots=True)
class _Entry:
    """A document; ``shares`` are its bytes by the callers who sent or executed it, and ``last`` is the last of them.

    ``main`` is the caller with the largest share.
    """

    document: KnownDocument
    last: Caller
    shares: Counter[Caller]
    size: int
    used: float
    main: Caller


@dataclass(slots=True)
class DocumentCache:
    """Keeps documents with their plans, by their texts, up to ``max_bytes`` bytes in all.

    Beyond that, the document used longest ago is dropped if it was not used for UNUSED_SECONDS. Otherwise the caller
    with the most bytes loses the one used longest ago, so that no caller displaces the documents of all others. The
    bytes of a document are of who sent it first, and what its plans grow by is of who executed it.
    """

    max_bytes: int = MAX_BYTES
    clock: Callable[[], float] = monotonic
    _entries: OrderedDict[str, _Entry] = field(default_factory=OrderedDict)
    _texts: dict[Caller, OrderedDict[str, None]] = field(default_factory=dict)
    """The texts of the documents by their main caller, in the order of their use."""
    _sizes: Counter[Caller] = field(default_factory=Counter)
    _bytes: int = 0

    def get(self, text: str, caller: Caller = ANYBODY) -> KnownDocument | None:
        """Return the document of a text for a caller who uses it, None if it is not in the cache."""
        known = self._entries.get(text)
        if known is None:
            return None
        self._entries.move_to_end(text)
        self._count_growth(text, known, known.last)
        self._texts[known.main].move_to_end(text)
        known.last, known.used = caller, self.clock()
        self._drop_oldest()
        return known.document

    def add(self, text: str, document: DocumentNode, caller: Caller = ANYBODY) -> None:
        """Keep a document that a caller sent, unless it is larger than ``max_bytes`` alone."""
        lines = text.count("\n") + text.count("\r")
        size = TOKEN_BYTES * _token_count(document) + LINE_BYTES * lines + getsizeof(text)
        if text in self._entries or size > self.max_bytes:
            return
        known = KnownDocument(document, size)
        self._entries[text] = _Entry(known, caller, Counter({caller: size}), size, self.clock(), caller)
        self._add_text(text, caller)
        self._count(caller, size)
        self._drop_oldest()

    def count_growth(self, text: str, caller: Caller = ANYBODY) -> None:
        """Count what the plans of a document have grown by, after a caller has executed an operation with them."""
        known = self._entries.get(text)
        if known is not None:
            self._count_growth(text, known, caller)
            self._drop_oldest()

    def _count_growth(self, text: str, known: _Entry, caller: Caller) -> None:
        """Count for a caller what a document has grown by; if it has become smaller, for those with the most of it."""
        grown = known.document.size - known.size
        if not grown:
            return
        left = grown
        while left < 0:
            main, share = known.shares.most_common(1)[0]
            part = max(left, -share)
            self._add_share(known, main, part)
            left -= part
        if left:
            self._add_share(known, caller, left)
        known.size += grown
        self._remove_text(text, known.main)
        known.main = max(known.shares, key=known.shares.__getitem__)
        self._add_text(text, known.main)

    def _add_share(self, known: _Entry, caller: Caller, size: int) -> None:
        known.shares[caller] += size
        self._count(caller, size)

    def _drop_oldest(self) -> None:
        while self._bytes > self.max_bytes:
            text = self._next()
            dropped = self._entries.pop(text)
            self._remove_text(text, dropped.main)
            for caller, size in dropped.shares.items():
                self._count(caller, -size)

    def _next(self) -> str:
        """Return the text of the document to drop next."""
        oldest, entry = next(iter(self._entries.items()))
        if self.clock() - entry.used > UNUSED_SECONDS:
            return oldest
        caller = max(self._sizes, key=self._sizes.__getitem__)
        return next(iter(self._texts.get(caller, ())), oldest)

    def _add_text(self, text: str, caller: Caller) -> None:
        """Let a document be one of its main caller, the one that was used last."""
        self._texts.setdefault(caller, OrderedDict())[text] = None

    def _remove_text(self, text: str, caller: Caller) -> None:
        texts = self._texts[caller]
        del texts[text]
        if not texts:
            del self._texts[caller]

    def _count(self, caller: Caller, size: int) -> None:
        self._bytes += size
        self._sizes[caller] += size
        if not self._sizes[caller]:
            del self._sizes[caller]


def _token_count(document: DocumentNode) -> int:
    """Return the number of tokens of a document; they are a linked list."""
    count, token = 0, document.loc.start_token if document.loc else None
    while isinstance(token, Token):
        count, token = count + 1, token.next
    return count
