"""Parsing of documents: short ones at once, long ones in the side thread, and none twice in a short time."""

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from graphql import DocumentNode, GraphQLSyntaxError, parse

from graphql_schema.execution.side_thread import run_aside
from graphql_schema.operation.document_cache import DocumentCache
from policies.errors import Code, CodedError, LimitError

LONG_DOCUMENT: Final = 2_000
"""Number of characters above which a document is parsed and validated in the side thread; that many take about 5 ms."""

RECENT_BYTES: Final = 4 * 1024 * 1024
"""Maximal size of the documents that were parsed recently, in bytes."""


@dataclass(slots=True)
class ParsedDocuments:
    """Documents by their texts, valid or not; the parser stops after ``tokens`` tokens."""

    tokens: int
    _recent: DocumentCache = field(default_factory=lambda: DocumentCache(RECENT_BYTES))

    async def parse(self, text: str) -> DocumentNode:
        """Return the document of a text.

        Raises GraphQLSyntaxError, caused by a CodedError: BAD_REQUEST, or LIMIT_EXCEEDED for too many tokens.
        """
        known = self._recent.get(text)
        if known is not None:
            return known.document
        parser = partial(_parsed, text, self.tokens)
        try:
            document = await run_aside(parser) if is_long(text) else parser()
        except GraphQLSyntaxError as error:
            is_limit = error.message.endswith("Parsing aborted.")
            cause = _too_many_tokens(self.tokens) if is_limit else CodedError(error.message, Code.BAD_REQUEST)
            error.original_error = cause
            raise
        self._recent.add(text, document)
        return document


def _parsed(text: str, tokens: int) -> DocumentNode:
    """Return the document of a text, without the references of each token to the one before it.

    Nothing here reads them. With them a document is in cycles of references, and waits for a garbage collection, which
    holds the event loop. One that outlived a collection in the cache would not be freed under load.
    """
    document = parse(text, max_tokens=tokens)
    token = document.loc.start_token if document.loc else None
    while token is not None:
        token.prev, token = None, token.next
    return document


def is_long(text: str) -> bool:
    """Return whether work on a document takes so long that it belongs in the side thread."""
    return len(text) > LONG_DOCUMENT


def _too_many_tokens(maximum: int) -> LimitError:
    """Return the error for a document that exceeds the token limit."""
    return LimitError(
        f"The document has more than {maximum} tokens; move values into variables, or send several smaller documents.",
        limit="tokens",
        maximum=maximum,
    )
