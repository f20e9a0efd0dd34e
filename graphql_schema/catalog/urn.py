"""URNs, the permanent ids of nodes: ``mlg://<kind>/<source>/<namespace>/<name>[@<version>]``; <kind> is a slug."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote

from graphql_schema.catalog.kinds import KIND_OF_SLUG, KINDS, VERSIONS
from policies.errors import InvalidError

MAX_PART: Final = 4_096
"""Maximal number of characters of a part of a URN before it is encoded; the time of that grows with the length."""

MAX_URN_BYTES = 512
"""The maximal size of a URN. In a longer one, :func:`make_urn` cuts the name and appends ``~`` and 16 hex digits to it.

The digits are the first ones of the SHA-256 of the longer URN.
"""

_SHAPE = re.compile(r"mlg://([a-z-]+)/([^/@]+)/([^/@]+)/([^/@]+)(?:@([^/@]+))?")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]+")
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+")
_VERSION_OF: Final = {kind.version_of: kind for kind in VERSIONS}


@dataclass(frozen=True, slots=True)
class Urn:
    """The decoded parts of a URN; ``kind`` is the name of the kind in the catalog, ``version`` None without one."""

    kind: str
    source: str
    namespace: str
    name: str
    version: str | None = None


def make_urn(slug: str, source: str, namespace: str, name: str, version: str | None = None) -> str:
    """Return the URN of these parts, which are not percent-encoded; a name that is too long is cut.

    The source is written in lower case, an empty namespace as `default`. ``version`` is for a kind such as
    `model-version`, and ignored for others. Raises InvalidError if the slug is unknown or a needed part is missing or
    too long.
    """
    kind = KIND_OF_SLUG.get(slug)
    if kind is None:
        raise InvalidError(f"`{slug}` is no kind; use one of {', '.join(KIND_OF_SLUG)}.")
    if not source or not name:
        raise InvalidError(f"A {slug} needs a source and a name; give the missing part, or `id`.")
    if kind.versioned and not version:
        raise InvalidError(f"A {slug} needs a version; give `version`, or an `id` that ends in `@<version>`.")
    tail = f"@{_encode(version)}" if kind.versioned and version else ""
    head = f"mlg://{slug}/{_encode(source.lower())}/{_encode(namespace or 'default')}/"
    return _fit(head, _encode(_shortened(name)), tail)


def parse_urn(text: str) -> Urn:
    """Return the decoded parts of a URN; raises InvalidError with the fault if the text is no valid URN."""
    if len(text) > MAX_URN_BYTES:  # a valid URN is ASCII
        raise InvalidError(
            f"The id that begins with {text[:80]!r} has {len(text)} characters; the limit is {MAX_URN_BYTES}. "
            "Shorten its parts."
        )
    match = _SHAPE.fullmatch(text)
    if not match:
        raise InvalidError(
            f"{text[:80]!r} is not an id; write mlg://<kind>/<source>/<namespace>/<name>, and @<version> of a version."
        )
    slug, *segments = match.groups()
    kind = KIND_OF_SLUG.get(slug)
    if kind is None:
        raise InvalidError(f"{text[:80]!r} has an unknown kind; use one of {', '.join(KIND_OF_SLUG)}.")
    if kind.versioned != (segments[3] is not None):
        wants = "ends in @<version>" if kind.versioned else "has no @<version>; write @ as %40"
        raise InvalidError(f"{text[:80]!r} is invalid: the id of a {slug} {wants}.")
    source, namespace, name, version = (_decode(part, text) for part in segments)
    if source != source.lower():
        raise InvalidError(f"{text[:80]!r} has an upper-case source; write the source in lower case.")
    return Urn(kind.name, source, namespace, name, version or None)


def is_urn(text: str, kind: str) -> bool:
    """Return whether a text is a valid URN of a kind."""
    try:
        return parse_urn(text).kind == kind
    except InvalidError:
        return False


def slug_of(text: str) -> str:
    """Return the slug in a URN. Nothing is checked: for another text the result is its part before the first `/`."""
    return text.removeprefix("mlg://").partition("/")[0]


def parent_urn(text: str) -> str | None:
    """Return the URN of the asset that a version belongs to; None if the URN is not that of a version.

    ``text`` must be a valid URN. If its name is cut, the result is not the URN that :func:`make_urn` returns for the
    parent: the digits are those of the longer URN of the version.
    """
    slug, rest = text.removeprefix("mlg://").split("/", 1)
    parent = KIND_OF_SLUG[slug].version_of
    return None if parent is None else f"mlg://{KINDS[parent].slug}/{rest.rsplit('@', 1)[0]}"


def version_urn(parent: str, version: str) -> str:
    """Return the URN of one version of the asset ``parent``, whose kind must have versions.

    ``version`` is given without percent-encoding, and the URN has it encoded. The result may exceed MAX_URN_BYTES,
    because no name is cut. Raises InvalidError if the version has more than MAX_PART characters.
    """
    slug, rest = parent.removeprefix("mlg://").split("/", 1)
    return f"mlg://{_VERSION_OF[KIND_OF_SLUG[slug].name].slug}/{rest}@{_encode(version)}"


def _encode(part: str) -> str:
    """Return a part, percent-encoded; raises InvalidError if it is too long, because the time grows with the length."""
    if len(part) > MAX_PART:
        raise InvalidError(f"A part of an id has {len(part)} characters; the limit is {MAX_PART}. Shorten it.")
    return part if _PLAIN.fullmatch(part) else quote(part, safe="")


def _shortened(name: str) -> str:
    """Return a name with at most MAX_PART characters; of a longer one the end is replaced by a digest of it."""
    if len(name) <= MAX_PART:
        return name
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return name[: MAX_PART - len(digest)] + digest


def _decode(part: str | None, text: str) -> str:
    if part is None:
        return ""
    if _PLAIN.fullmatch(part):
        return part
    if not _SEGMENT.fullmatch(part):
        raise InvalidError(f"{text[:80]!r} is not percent-encoded by RFC 3986; encode {part[:40]!r}.")
    try:
        plain = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise InvalidError(f"{text[:80]!r} has bytes that are not UTF-8 in {part[:40]!r}; encode UTF-8.") from None
    if _encode(plain) != part:
        raise InvalidError(f"{text[:80]!r} encodes unreserved characters; write {_encode(plain)!r} for {part[:40]!r}.")
    return plain


def _fit(head: str, name: str, tail: str) -> str:
    """Return the URN of these encoded parts, with the name cut if the URN would exceed the limit.

    Raises InvalidError if the other parts leave no space for a name.
    """
    urn = head + name + tail
    if len(urn) <= MAX_URN_BYTES:
        return urn
    digest = "~" + sha256(urn.encode()).hexdigest()[:16]
    available = MAX_URN_BYTES - len(head) - len(tail) - len(digest)
    if available < 1:
        raise InvalidError(
            f"Source, namespace and version leave no space for a name within {MAX_URN_BYTES} bytes; shorten them."
        )
    kept = re.sub(r"%[0-9A-F]?$", "", name[:available])
    return head + _complete_characters(kept) + digest + tail


def _complete_characters(encoded: str) -> str:
    """Return the text without a multi-byte character that was cut in the middle, so that the name stays UTF-8."""
    while True:
        try:
            unquote(encoded, errors="strict")
        except UnicodeDecodeError:
            encoded = encoded[:-3]
        else:
            return encoded
