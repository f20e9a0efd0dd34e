"""Paths of this server that a sign-in may lead a browser to; any other address would be an open redirect."""

import re
from typing import Final

from policies.errors import InvalidError

MAX_LENGTH: Final = 1_000
"""Maximum number of characters; the path is in a cookie."""

# One slash first, because a browser reads `//host` and `/\\host` as another server. No space, control character or
# backslash, because browsers drop or change them before they read the address.
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)


def local_path(text: str | None, default: str) -> str:
    """Return a path with its query and fragment; ``default`` for None and for an empty text.

    Raises InvalidError for anything else than a path of this server, and for those of the sign-in itself.
    """
    if not text:
        return default
    if len(text) > MAX_LENGTH or not _LOCAL.fullmatch(text) or text.startswith(("/sign-in", "/sign-out")):
        raise InvalidError(
            "`return` is not a path of this server outside of the sign-in. Use one such as `/graphiql`, of at most "
            f"{MAX_LENGTH} characters."
        )
    return text
