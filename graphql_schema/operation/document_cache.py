"""Documents that are known to be admissible, so that a repeated document is not parsed and validated again.

Parsing, the sizes of a document and validation depend on its text only. What depends on the caller, the variables or
the name of the operation is examined for each request: scope, variables and cost.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from graphql import DocumentNode, Token

MAX_TOKENS: Final = 40_000
"""Maximal number of tokens of all documents together; a token with its syntax nodes takes about 400 bytes."""


@dataclass(slots=True)
class DocumentCache:
    """Keeps the most recently used documents, by their texts, up to ``max_tokens`` tokens in all."""

    max_tokens: int = MAX_TOKENS
    _documents: OrderedDict[str, tuple[DocumentNode, int]] = field(default_factory=OrderedDict)
    _tokens: int = 0

    def get(self, text: str) -> DocumentNode | None:
        """Return the document of a text, None if it is not known."""
        known = self._documents.get(text)
        if known is None:
            return None
        self._documents.move_to_end(text)
        return known[0]

    def add(self, text: str, document: DocumentNode) -> None:
        """Keep a valid document within the limits, and drop those used longest ago.

        One of more than ``max_tokens`` is not kept.
        """
        size = _token_count(document)
        if text in self._documents or size > self.max_tokens:
            return
        self._documents[text] = document, size
        self._tokens += size
        while self._tokens > self.max_tokens:
            _, (_, dropped) = self._documents.popitem(last=False)
            self._tokens -= dropped


def _token_count(document: DocumentNode) -> int:
    """Return the number of tokens of a document; they are a linked list."""
    count, token = 0, document.loc.start_token if document.loc else None
    while isinstance(token, Token):
        count, token = count + 1, token.next
    return count
