"""What somebody searches for: the words of a text, and the asset that it names if it is an id."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.conditions import MAX_FILTER_TEXT_LENGTH
from graphql_schema.rules.words import query_tokens
from policies.errors import InvalidError, LimitError

MAX_QUERY_WORDS: Final = 10
"""Words, the first ones, for which an index is asked and in which typing errors are forgiven."""


@dataclass(frozen=True, slots=True)
class SearchText:
    """The words of a text, each once; its last one, which may not be finished; all as a name is compared; its id."""

    words: tuple[str, ...]
    last: str
    title: str
    urn: str | None

    @property
    def first(self) -> tuple[str, ...]:
        """The words that cost: at most :data:`MAX_QUERY_WORDS`."""
        return self.words[:MAX_QUERY_WORDS]


def parse_search_text(text: str) -> SearchText:
    """What a text searches for; of an id the words after its kind, and itself where it has none.

    Raises InvalidError without a word, LimitError when it is longer than any name.
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
        raise InvalidError("`text` has no letter and no digit; type some of a name, or use `assets` to list all.")
    return SearchText((*dict.fromkeys(words),), words[-1], " ".join(words), urn)


def _urn(text: str) -> str | None:
    try:
        parse_urn(text)
    except InvalidError:
        return None
    return text


def _after_kind(text: str) -> str:
    """What an id says after its kind, decoded, also of an id that is not finished; any other text as it is."""
    if not text.startswith("mlg://"):
        return text
    return unquote(text.removeprefix("mlg://").partition("/")[2]) or text
