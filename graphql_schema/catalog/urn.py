"""Names that never change: ``mlg://<kind>/<source>/<namespace>/<name>[@<version>]``.

The rules are in docs/design/lineage-rules.md, section 3.5.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, unquote

from graphql_schema.catalog.kinds import KIND_OF_SLUG
from policies.errors import InvalidError

MAX_URN_BYTES = 512
"""Bytes of the longest URN; a longer name is cut and ends in ``~`` and 16 hex digits of the SHA-256 of the whole."""

_SHAPE = re.compile(r"mlg://([a-z-]+)/([^/@]+)/([^/@]+)/([^/@]+)(?:@([^/@]+))?")
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+")


@dataclass(frozen=True, slots=True)
class Urn:
    """The decoded parts of a URN; ``kind`` is the catalog's name of the kind."""

    kind: str
    source: str
    namespace: str
    name: str
    version: str | None = None


def make_urn(slug: str, source: str, namespace: str, name: str, version: str | None = None) -> str:
    """Write the URN of these parts; raises InvalidError naming the part that cannot stand."""
    kind = KIND_OF_SLUG.get(slug)
    if kind is None:
        raise InvalidError(f"`{slug}` is no kind; use one of {', '.join(KIND_OF_SLUG)}.")
    if not source or not name:
        raise InvalidError(f"A {slug} needs a source and a name; give `id`, or `source` and `name`.")
    if kind.versioned and not version:
        raise InvalidError(f"A {slug} needs a version; give `version`, or an `id` that ends in `@<version>`.")
    tail = f"@{_encode(version)}" if kind.versioned and version else ""
    head = f"mlg://{slug}/{_encode(source.lower())}/{_encode(namespace or 'default')}/"
    return _fit(head, _encode(name), tail)


def parse_urn(text: str) -> Urn:
    """Read a URN; raises InvalidError saying what is wrong and how it is written."""
    match = _SHAPE.fullmatch(text)
    if not match or len(text.encode()) > MAX_URN_BYTES:
        raise InvalidError(f"{text[:80]!r} is not an id; write mlg://<kind>/<source>/<namespace>/<name>[@<version>].")
    slug, *segments = match.groups()
    kind = KIND_OF_SLUG.get(slug)
    if kind is None:
        raise InvalidError(f"{text[:80]!r} names no kind; use one of {', '.join(KIND_OF_SLUG)}.")
    if kind.versioned != (segments[3] is not None):
        wants = "ends in @<version>" if kind.versioned else "has no @<version>; write @ as %40"
        raise InvalidError(f"{text[:80]!r} cannot be: the id of a {slug} {wants}.")
    source, namespace, name, version = (_decode(part, text) for part in segments)
    if source != source.lower():
        raise InvalidError(f"{text[:80]!r} has an upper-case source; write it in lower case.")
    return Urn(kind.name, source, namespace, name, version or None)


def slug_of(text: str) -> str:
    """The kind that a URN begins with, as it is spelled there."""
    return text.removeprefix("mlg://").partition("/")[0]


def parent_urn(text: str) -> str | None:
    """The asset that a version's URN names: the same without ``@<version>``, under the whole's kind."""
    slug, rest = text.removeprefix("mlg://").split("/", 1)
    kind = KIND_OF_SLUG[slug]
    if not kind.versioned:
        return None
    return f"mlg://{slug.removesuffix('-version')}/{rest.rsplit('@', 1)[0]}"


def version_urn(whole: str, version: str) -> str:
    """The URN of one version of the asset ``whole``."""
    slug, rest = whole.removeprefix("mlg://").split("/", 1)
    return f"mlg://{slug}-version/{rest}@{_encode(version)}"


def _encode(part: str) -> str:
    return quote(part, safe="")


def _decode(part: str | None, text: str) -> str:
    if part is None:
        return ""
    if not _SEGMENT.fullmatch(part):
        raise InvalidError(f"{text[:80]!r} is not percent-encoded as RFC 3986 has it; encode {part[:40]!r}.")
    try:
        plain = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise InvalidError(f"{text[:80]!r} has bytes that are not UTF-8 in {part[:40]!r}.") from None
    if _encode(plain) != part:
        raise InvalidError(f"{text[:80]!r} encodes what stands plain; write {_encode(plain)!r} for {part[:40]!r}.")
    return plain


def _fit(head: str, name: str, tail: str) -> str:
    whole = head + name + tail
    if len(whole) <= MAX_URN_BYTES:
        return whole
    digest = "~" + sha256(whole.encode()).hexdigest()[:16]
    room = MAX_URN_BYTES - len(head) - len(tail) - len(digest)
    if room < 1:
        raise InvalidError(f"Source, namespace and version leave no room for a name within {MAX_URN_BYTES} bytes.")
    kept = re.sub(r"%[0-9A-F]?$", "", name[:room])
    return head + _whole_characters(kept) + digest + tail


def _whole_characters(encoded: str) -> str:
    """Drop a multi-byte character that was cut in its middle, so that the name stays UTF-8."""
    while True:
        try:
            unquote(encoded, errors="strict")
        except UnicodeDecodeError:
            encoded = encoded[:-3]
        else:
            return encoded
