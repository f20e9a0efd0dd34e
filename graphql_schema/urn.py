"""Names that never change: ``mlg://<kind>/<source>/<namespace>/<name>[@<version>]`` (design README, section 3.5)."""

import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, unquote

from policies.errors import InvalidError

LONGEST = 512
"""Bytes of the longest URN; a longer name is cut and ends in ``~`` and 16 hex digits of the SHA-256 of the whole."""

_SHAPE = re.compile(r"mlg://([a-z-]+)/([^/@]+)/([^/@]+)/([^/@]+)(?:@([^/@]+))?")


@dataclass(frozen=True, slots=True)
class Urn:
    """The decoded parts of a URN; ``kind`` is the kebab-case slug."""

    kind: str
    source: str
    namespace: str
    name: str
    version: str | None = None


def make_urn(slug: str, source: str, namespace: str, name: str, version: str | None = None) -> str:
    """Write the URN of these parts; raises InvalidError when a part that it needs is empty."""
    if not source or not name:
        raise InvalidError(f"A {slug} needs a source and a name; give `id`, or `source` and `name`.")
    tail = "" if version is None else f"@{_encode(version)}"
    return _fit(f"mlg://{slug}/{_encode(source.lower())}/{_encode(namespace or 'default')}/", _encode(name), tail)


def parse_urn(text: str) -> Urn:
    """Read a URN; raises InvalidError saying how it is written."""
    match = _SHAPE.fullmatch(text)
    if not match or len(text.encode()) > LONGEST:
        raise InvalidError(f"{text[:80]!r} is not an id; write mlg://<kind>/<source>/<namespace>/<name>[@<version>].")
    slug, *segments = match.groups()
    source, namespace, name = (_decode(part, text) for part in segments[:3])
    return Urn(slug, source, namespace, name, None if segments[3] is None else _decode(segments[3], text))


def _encode(part: str) -> str:
    return quote(part, safe="")


def _decode(part: str, text: str) -> str:
    plain = unquote(part)
    if _encode(plain) != part:
        raise InvalidError(f"{text[:80]!r} is not percent-encoded as RFC 3986 has it; write {_encode(plain)!r}.")
    return plain


def _fit(head: str, name: str, tail: str) -> str:
    whole = head + name + tail
    if len(whole) <= LONGEST:
        return whole
    digest = "~" + sha256(whole.encode()).hexdigest()[:16]
    room = LONGEST - len(head) - len(tail) - len(digest)
    if room < 1:
        raise InvalidError(f"Source, namespace and version leave no room for a name within {LONGEST} bytes.")
    return head + _whole_characters(re.sub(r"%[0-9A-F]?$", "", name[:room])) + digest + tail


def _whole_characters(encoded: str) -> str:
    """Drop the bytes of a character that was cut in its middle, so that the name stays UTF-8."""
    while True:
        try:
            unquote(encoded, errors="strict")
        except UnicodeDecodeError:
            encoded = encoded[:-3]
        else:
            return encoded
