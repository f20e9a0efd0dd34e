"""Values of the index that differ from those of the record, equal for the record and for the argument of a filter."""

import json
import re
import struct
from hashlib import blake2b
from typing import Final

MAX_PATH_TERMS: Final = 24
"""Maximal number of terms of one reference: the paths that are nearest to its end."""

_BOUNDARY: Final = re.compile(r"[/#:@]+")
"""The characters after which a path may begin in a reference such as `git+https://host/team@main#train/ranker.py`."""

_LINES: Final = re.compile(r"#L\d+(C\d+)?(-L?\d+(C\d+)?)?$")
"""The marked lines at the end of an address, such as `#L10-L20`."""


def property_term(key: str, text: str) -> str:
    """Return the term of a free property: 32 hexadecimal digits, because a term of the index has a maximal length.

    Terms of different pairs differ, unless their hashes collide. The escapes of JSON separate key and value, also if
    both contain quotes.
    """
    return blake2b(json.dumps([key, text]).encode(), digest_size=16).hexdigest()


def cost_rank(usd: float) -> int:
    """Return an integer that orders amounts of US dollars of at least 0 exactly; that of a negative one is below 0.

    These are the bits of the number by IEEE 754. JanusGraph finds no 0 below a bound of the class Double, because its
    range begins at ``Double.MIN_VALUE``, which is positive.
    """
    (rank,) = struct.unpack(">q", struct.pack(">d", usd + 0.0))  # 0 is added because -0.0 has other bits than 0.0
    return int(rank)


def path_term(path: str) -> str:
    """Return the term of a path: 32 hexadecimal digits, equal for all spellings of the path.

    A backslash is a slash; slashes at either end and a leading ``./`` do not count.
    """
    return blake2b(json.dumps(_plain(path)).encode(), digest_size=16).hexdigest()


def path_terms(reference: str) -> list[str]:
    """Return the terms of the paths in which a reference ends, each once, the longest first; none if it is empty.

    A reference is the address of code or data. A path begins at the begin of the reference, or after one of
    ``/ # : @``. Unless that is a slash, another path begins with it: `#ranker.py` is the path in a repository, and
    `ranker.py` is found in any folder. Marked lines at the end are no part of a path.
    """
    text = _plain(_LINES.sub("", reference.strip()))
    begins = [0]
    for found in _BOUNDARY.finditer(text):
        begins += [found.end()] if found[0] == "/" else [found.start(), found.end()]
    paths = (text[begin:] for begin in begins[-MAX_PATH_TERMS:])
    return [*dict.fromkeys(path_term(path) for path in paths if path)]


def _plain(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./").strip("/")
