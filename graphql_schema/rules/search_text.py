"""Parsed text of a search: its words, and the asset that it names if it is an id."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.conditions import MAX_FILTER_TEXT_LENGTH
from graphql_schema.rules.words import query_tokens
from policies.errors import InvalidError, LimitError

MAX_QUERY_WORDS: Final = 10
"""Number of the first words that are searched in the index and may have typing errors; others may have none."""


@dataclass(frozen=True, slots=True)
class SearchText:
    """Parsed text of a search.

    ``words`` has each word once and ``last`` the last one, which may be unfinished. ``title`` is the text as it is
    compared with names. ``urn`` is the text if it is an id, else None.
    """

    words: tuple[str, ...]
    last: str
    title: str
    urn: str | None

    @property
    def first(self) -> tuple[str, ...]:
        """Words that are searched in the index: at most :data:`MAX_QUERY_WORDS`."""
        return self.words[:MAX_QUERY_WORDS]


def parse_search_text(text: str) -> SearchText:
    """Return the parsed text; of an id, its words are those after the kind, or the id itself if there are none.

    Raises InvalidError if there is no word, and LimitError if the text is too long.
    """
    text = text.strip()
    if len(text) > MAX_FILTER_TEXT_LENGTH:
        raise LimitError(
            f"`text` has {len(text)} characters; the limit is "
            f"{MAX_FILTER_TEXT_LENGTH}. Search for a name or a few words.",
            limit=MAX_FILTER_TEXT_LENGTH,
        )
    urn = _urn(text)
    words = query_tokens(_after_kind(text)) or ((urn,) if urn else ())
    if not words:
        raise InvalidError("`text` has no letter and no digit; give a word of a name, or use `assets` to list all.")
    return SearchText((*dict.fromkeys(words),), words[-1], " ".join(words), urn)


def _urn(text: str) -> str | None:
    """Return the text if it is an id, else None."""
    try:
        parse_urn(text)
    except InvalidError:
        return None
    return text


def _after_kind(text: str) -> str:
    """Return the decoded part of an id after its kind, also of an unfinished id; any other text unchanged."""
    if not text.startswith("mlg://"):
        return text
    return unquote(text.removeprefix("mlg://").partition("/")[2]) or text
