"""Parsing of documents: short ones at once, long ones in the side thread; recently parsed ones are cached."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from typing import Final

from graphql import DocumentNode, GraphQLSyntaxError, Lexer, Source, SourceLocation, Token
from graphql.language import location
from graphql.language.parser import Parser, nested_too_deeply_error

from graphql_schema.execution.side_thread import run_aside
from graphql_schema.operation.document_cache import ANYBODY, Caller, DocumentCache
from policies.errors import Code, CodedError, LimitError

LONG_DOCUMENT: Final = 1_000
"""Number of characters above which a document is parsed and priced in the side thread; that many take up to 9 ms."""

RECENT_BYTES: Final = 4 * 1024 * 1024
"""Maximal size of the documents that were parsed recently, in bytes."""


@dataclass(slots=True)
class ParsedDocuments:
    """Parses documents and caches them by their texts, whether or not they are valid for the schema.

    Callers share them as in the cache of admitted ones. The parser stops after ``tokens`` tokens.
    """

    tokens: int
    _recent: DocumentCache = field(default_factory=lambda: DocumentCache(RECENT_BYTES))

    async def parse(self, text: str, caller: Caller = ANYBODY) -> DocumentNode:
        """Return the document of a text that a caller sent.

        Raises GraphQLSyntaxError, whose original error is a CodedError: BAD_REQUEST, or LIMIT_EXCEEDED for too many
        tokens.
        """
        known = self.recent(text, caller)
        if known is not None:
            return known
        parser = partial(parsed, text, self.tokens)
        try:
            document = await run_aside(parser) if is_long(text) else parser()
        except GraphQLSyntaxError as error:
            is_limit = error.message.endswith("Parsing aborted.")
            cause = _too_many_tokens(self.tokens) if is_limit else CodedError(error.message, Code.BAD_REQUEST)
            error.original_error = cause
            raise error.with_traceback(None) from None  # the frames of the parser have the tokens
        self._recent.add(text, document, caller)
        return document

    def recent(self, text: str, caller: Caller = ANYBODY) -> DocumentNode | None:
        """Return the document of a text that was parsed recently for a caller, None of any other one."""
        known = self._recent.get(text, caller)
        return None if known is None else known.document


class CountedSource(Source):
    """A source that counts its lines once, at its first error; 65,000 take 2 ms.

    An error has a location for each field that is merged into its own, and an operation can have 1,000 errors. To find
    one location after 60,000 empty lines, graphql-core takes 7 ms, on the event loop.
    """

    def get_location(self, position: int) -> SourceLocation:
        r"""Return the line and the column of a character, both from 1.

        ``position`` is not that of the ``\n`` in ``\r\n``, where no token begins.
        """
        line = bisect_right(self._begins, position)
        return SourceLocation(line, position + 1 - self._begins[line - 1])

    @cached_property
    def _begins(self) -> "array[int]":
        """The indices at which the lines begin, in order, four bytes each."""
        text = self.body.replace("\r\n", " \n").replace("\r", "\n")
        return array("I", chain([0], (at for at, character in enumerate(text, 1) if character == "\n")))


_locations: Final = location.get_locations
"""The function of graphql-core, which scans the text of each error of two or more nodes."""


def counted_locations(locations: Sequence[tuple[Source, int]]) -> list[SourceLocation]:
    """Return the lines and columns of characters, each from its source if that is a counted one."""
    if all(isinstance(source, CountedSource) for source, _ in locations):
        return [source.get_location(position) for source, position in locations]
    return _locations(locations)


location.get_locations = counted_locations  # GraphQLError imports it for each error, and has no other hook


def parsed(text: str, tokens: int) -> DocumentNode:
    """Return the document of a text of at most so many tokens as ``parse`` of graphql-core does, or raise its error.

    Its tokens do not refer to those before them, which nothing here reads. With these references a document, or a text
    that is none, is in cycles, and waits for a garbage collection, which holds the event loop. What outlived a
    collection in the cache would not be freed under load.
    """
    source = CountedSource(text)
    lexer = Lexer(source)
    token: Token | None = lexer.token
    parser = Parser(source, max_tokens=tokens, lexer=lexer)
    try:
        return parser.parse_document()
    except RecursionError:
        pass  # raised here, the error would keep the frames of the recursion
    finally:
        while token is not None:
            token.prev, token = None, token.next
    raise nested_too_deeply_error(parser)


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
