"""Parsed text of a search: its words, the asset that it names if it is an id, and the version that it names."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.conditions import MAX_FILTER_TEXT_LENGTH
from graphql_schema.rules.words import query_tokens, title
from policies.errors import InvalidError, LimitError

MAX_QUERY_WORDS: Final = 10
"""Number of the first words that are searched in the index and may have typing errors; others may have none."""

_VERSION: Final = re.compile(r"(?i)(?<!\S)(?:version\s+v?|v)(\d\S*)(?:\s+of(?!\S))?")
"""Words that name a version: `version 3`, `v3`, `version v1.2`, `version 3 of`."""


MIN_BEGINNING: Final = 4
"""Number of letters from which on the beginning of a word in ASCII is searched in descriptions.

The store goes through all different words that begin so, and descriptions have the most. Other scripts have shorter
words, or no spaces between them.
"""


def may_begin(word: str) -> bool:
    """Return whether a word is also found as the beginning of a word of a description."""
    return len(word) >= MIN_BEGINNING or not word.isascii()


@dataclass(frozen=True, slots=True)
class SearchText:
    """Parsed text of a search.

    ``words`` has each word once and ``last`` the last one, which may be unfinished. ``title`` is the text as it is
    compared with names. ``urn`` is the text if it is an id, else None. ``version`` is a second meaning of the text:
    the version of an asset, as in `churn v3`; None if the text has no such meaning.
    """

    words: tuple[str, ...]
    last: str
    title: str
    urn: str | None
    version: "VersionText | None" = None

    @property
    def first(self) -> tuple[str, ...]:
        """Words that are searched in the index: at most :data:`MAX_QUERY_WORDS`."""
        return self.words[:MAX_QUERY_WORDS]


@dataclass(frozen=True, slots=True)
class VersionText:
    """The meaning of a text as a version of an asset.

    ``asset`` is the text without the words that name the version; its ``last`` is "" if these are the last words.
    ``phrase`` has these words. ``label`` is the version as it is compared with others, without a `v` before it.
    """

    asset: SearchText
    phrase: tuple[str, ...]
    label: str

    def names(self, version: str | None) -> bool:
        """Return whether this is the version of a record: `3` or `v3` for `version 3`; False for None."""
        return title(version or "") in {self.label, f"v{self.label}"}


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
    return SearchText((*dict.fromkeys(words),), words[-1], " ".join(words), urn, _version(text))


def _version(text: str) -> VersionText | None:
    """Return the meaning of a text as a version; None if it names no version or no other word, or begins like an id."""
    found = None if text.startswith("mlg://") else next(reversed([*_VERSION.finditer(text)]), None)
    if found is None:
        return None
    words, after = query_tokens(f"{text[: found.start()]} {text[found.end() :]}"), query_tokens(text[found.end() :])
    if not words:
        return None
    asset = SearchText((*dict.fromkeys(words),), after[-1] if after else "", " ".join(words), None)
    return VersionText(asset, query_tokens(found[0]), title(found[1]))


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
