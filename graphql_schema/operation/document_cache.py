"""Documents by their texts: one cache for those parsed recently, and one for those that were admitted.

As long as an admitted document is in the cache, it is not parsed or validated again, and its plans are reused. A plan
depends on the text, the name of the operation, and the conditions of `@skip` and `@include`. Scope, variables and cost
are examined for each request; the cost is known if the same sizes and conditions were priced before.

A document that is found takes less time than one that is not. Who guesses the text of another caller, such as one with
an id in it, would learn by that time that it was sent. So callers share only documents without values of their own.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from sys import getsizeof
from time import monotonic
from typing import Final

from graphql import DocumentNode, Token, TokenKind

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

Key = tuple[Caller, str]
"""A text, and the caller who sends it, with an empty subject if all callers of the tenant share the document."""

PAGE_DIGITS: Final = 3
"""Number of digits of the integers in documents that callers share: these are sizes of pages, and depths."""

_OWN_TOKENS: Final = frozenset({TokenKind.STRING, TokenKind.BLOCK_STRING, TokenKind.FLOAT, TokenKind.COMMENT})
"""Kinds of the tokens with a value that a caller has chosen freely."""

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

    The callers of a tenant share a document with variables in place of values: it is the same for all who use a client.
    One with a text, a comment, or a number above sizes of pages is found only by the caller who sent it.

    Beyond that, the document used longest ago is dropped if it was not used for UNUSED_SECONDS. Otherwise the caller
    with the most bytes loses the one used longest ago, so that no caller displaces the documents of all others. The
    bytes of a document are of who sent it first, and what its plans grow by is of who executed it.
    """

    max_bytes: int = MAX_BYTES
    clock: Callable[[], float] = monotonic
    _entries: OrderedDict[Key, _Entry] = field(default_factory=OrderedDict)
    _keys: dict[Caller, OrderedDict[Key, None]] = field(default_factory=dict)
    """The keys of the documents by their main caller, in the order of their use."""
    _sizes: Counter[Caller] = field(default_factory=Counter)
    _bytes: int = 0

    def get(self, text: str, caller: Caller = ANYBODY) -> KnownDocument | None:
        """Return the document of a text for a caller who uses it, None if it is not in the cache."""
        key = self._key(text, caller)
        known = self._entries.get(key)
        if known is None:
            return None
        self._entries.move_to_end(key)
        self._count_growth(key, known, known.last)
        self._keys[known.main].move_to_end(key)
        known.last, known.used = caller, self.clock()
        self._drop_oldest()
        return known.document

    def add(self, text: str, document: DocumentNode, caller: Caller = ANYBODY) -> None:
        """Keep a document that a caller sent, unless it is larger than ``max_bytes`` alone."""
        lines = text.count("\n") + text.count("\r")
        tokens, is_own = _examined(document)
        size = TOKEN_BYTES * tokens + LINE_BYTES * lines + getsizeof(text)
        key = (caller, text) if is_own else _shared(text, caller)
        if key in self._entries or size > self.max_bytes:
            return
        known = KnownDocument(document, size)
        self._entries[key] = _Entry(known, caller, Counter({caller: size}), size, self.clock(), caller)
        self._add_key(key, caller)
        self._count(caller, size)
        self._drop_oldest()

    def count_growth(self, text: str, caller: Caller = ANYBODY) -> None:
        """Count what the plans of a document have grown by, after a caller has executed an operation with them."""
        key = self._key(text, caller)
        known = self._entries.get(key)
        if known is not None:
            self._count_growth(key, known, caller)
            self._drop_oldest()

    def _key(self, text: str, caller: Caller) -> Key:
        """Return the key of a text for a caller: that which the tenant shares if it is in the cache, else the own."""
        shared = _shared(text, caller)
        return shared if shared in self._entries else (caller, text)

    def _count_growth(self, key: Key, known: _Entry, caller: Caller) -> None:
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
        self._remove_key(key, known.main)
        known.main = max(known.shares, key=known.shares.__getitem__)
        self._add_key(key, known.main)

    def _add_share(self, known: _Entry, caller: Caller, size: int) -> None:
        known.shares[caller] += size
        self._count(caller, size)

    def _drop_oldest(self) -> None:
        while self._bytes > self.max_bytes:
            key = self._next()
            dropped = self._entries.pop(key)
            self._remove_key(key, dropped.main)
            for caller, size in dropped.shares.items():
                self._count(caller, -size)

    def _next(self) -> Key:
        """Return the key of the document to drop next."""
        oldest, entry = next(iter(self._entries.items()))
        if self.clock() - entry.used > UNUSED_SECONDS:
            return oldest
        caller = max(self._sizes, key=self._sizes.__getitem__)
        return next(iter(self._keys.get(caller, ())), oldest)

    def _add_key(self, key: Key, caller: Caller) -> None:
        """Let a document be one of its main caller, the one that was used last."""
        self._keys.setdefault(caller, OrderedDict())[key] = None

    def _remove_key(self, key: Key, caller: Caller) -> None:
        keys = self._keys[caller]
        del keys[key]
        if not keys:
            del self._keys[caller]

    def _count(self, caller: Caller, size: int) -> None:
        self._bytes += size
        self._sizes[caller] += size
        if not self._sizes[caller]:
            del self._sizes[caller]


def _shared(text: str, caller: Caller) -> Key:
    """Return the key of a text that all callers of a tenant share."""
    return (caller[0], ""), text


def _examined(document: DocumentNode) -> tuple[int, bool]:
    """Return the number of tokens of a document, and whether one has a value of its caller; they are a linked list."""
    count, is_own, token = 0, False, document.loc.start_token if document.loc else None
    while isinstance(token, Token):
        count += 1
        is_own = is_own or token.kind in _OWN_TOKENS or _is_long_integer(token)
        token = token.next
    return count, is_own


def _is_long_integer(token: Token) -> bool:
    return token.kind is TokenKind.INT and len(token.value or "") > PAGE_DIGITS
