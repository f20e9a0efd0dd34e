"""Documents by their texts: one cache for those parsed recently, and one for those that were admitted.

As long as an admitted document is in the cache, it is not parsed or validated again, and its plans are reused. A plan
depends on the text, the name of the operation, and the conditions of `@skip` and `@include`. Scope, variables and cost
are examined for each request; the cost is known if the same sizes and conditions were priced before.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from sys import getsizeof
from typing import Final

from graphql import DocumentNode, Token

from graphql_schema.execution.plan import Plans
from graphql_schema.operation.cost import KnownCosts

MAX_BYTES: Final = 16 * 1024 * 1024
"""Default of the maximal size of all documents of a cache together, in bytes."""

TOKEN_BYTES: Final = 400
"""Approximate size of a token with its syntax nodes, in bytes."""

LINE_BYTES: Final = 4
"""Size of the begin of a line, in bytes, which a document keeps from its first error on."""

STEP_BYTES: Final = 700
"""Approximate size of a step of a plan, in bytes. A field of an interface has a step for each type of its objects."""

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


@dataclass(slots=True)
class DocumentCache:
    """Keeps the most recently used documents with their plans, by their texts, up to ``max_bytes`` bytes in all."""

    max_bytes: int = MAX_BYTES
    _documents: OrderedDict[str, tuple[KnownDocument, int]] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def get(self, text: str) -> KnownDocument | None:
        """Return the document of a text, None if it is not in the cache."""
        known = self._documents.get(text)
        if known is None:
            return None
        self._documents.move_to_end(text)
        document, size = known
        grown = document.size - size
        self._documents[text] = document, size + grown
        self._bytes += grown
        self._drop_oldest()
        return document

    def add(self, text: str, document: DocumentNode) -> None:
        """Keep a document; if all are larger than ``max_bytes`` together, drop those used longest ago.

        A document that alone is larger than ``max_bytes`` is not kept.
        """
        lines = text.count("\n") + text.count("\r")
        size = TOKEN_BYTES * _token_count(document) + LINE_BYTES * lines + getsizeof(text)
        if text in self._documents or size > self.max_bytes:
            return
        self._documents[text] = KnownDocument(document, size), size
        self._bytes += size
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while self._bytes > self.max_bytes:
            _, (_, dropped) = self._documents.popitem(last=False)
            self._bytes -= dropped


def _token_count(document: DocumentNode) -> int:
    """Return the number of tokens of a document; they are a linked list."""
    count, token = 0, document.loc.start_token if document.loc else None
    while isinstance(token, Token):
        count, token = count + 1, token.next
    return count
