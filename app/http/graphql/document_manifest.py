"""Files of persisted documents, as the tools of clients write them.

Two forms: a JSON object from id to text (Relay, GraphQL Code Generator), and the manifest of Apollo's
``generate-persisted-query-manifest`` with a list of ``operations``, each with ``id`` and ``body``.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson

from policies.errors import ConfigurationError

_APOLLO_FORMAT: Final = "apollo-persisted-query-manifest"


def digest_of(text: str) -> str:
    """Return the SHA-256 of a document in UTF-8 as lower-case hex."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_manifests(files: Sequence[Path]) -> dict[str, str]:
    """Return the documents of all files: each under the id in its file, and under its SHA-256.

    Raises ConfigurationError if a file cannot be read, has another form, or repeats an id with another text.
    """
    documents: dict[str, str] = {}
    for path in files:
        for name, text in _entries(path):
            for key in (name, digest_of(text)):
                if documents.setdefault(key, text) != text:
                    raise ConfigurationError(
                        f"{path} has another text for the document id {key!r} than an entry before; give it another id."
                    )
    return documents


def _entries(path: Path) -> Iterator[tuple[str, str]]:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ConfigurationError(
            f"The file of documents {path} is not readable JSON; correct MLG_DOCUMENTS or the file: {error}"
        ) from None
    if isinstance(content, dict) and content.get("format") == _APOLLO_FORMAT:
        operations = content.get("operations")
        known = operations if isinstance(operations, list) else [None]
        pairs = [(each.get("id"), each.get("body")) if isinstance(each, dict) else (None, None) for each in known]
    else:
        pairs = list(content.items()) if isinstance(content, dict) else [(None, None)]
    for name, text in pairs:
        if not isinstance(name, str) or not name or not isinstance(text, str):
            raise ConfigurationError(
                f"The file of documents {path} is no JSON object, or has an entry without an id or a text. Use a JSON "
                "object from id to document, or Apollo's manifest."
            )
        yield name, text
