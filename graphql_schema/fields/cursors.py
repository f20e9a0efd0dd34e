"""Sealed keyset cursors: encrypted positions in a list."""

import base64
import binascii
from functools import lru_cache
from hashlib import sha512
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from graphql_schema.fields.context import Context
from graphql_schema.ports.record import Position
from policies.errors import InvalidError

LONG_SCOPE: Final = 1_024
"""Bytes above which cursors are bound to a digest of their scope, because each one is encrypted with its scope.

A filter has up to 500 ids of 1,024 characters, and a page 500 cursors.
"""


class CursorCodec:
    """Seals and opens the cursors of one list, bound to the caller and to ``scope``: field, source object, arguments.

    Cursors are encrypted because a position may contain hidden values, such as the time that orders versions. AES-SIV
    (RFC 5297) gives equal positions of one codec equal cursors.

    A codec can be a part of the scope of others, for lists within the items of its own list.
    """

    __slots__ = ("_bound", "_context", "_parts")

    def __init__(self, context: Context, *scope: object) -> None:
        self._context = context
        self._parts = scope
        self._bound: bytes | None = None

    def __repr__(self) -> str:
        """Return a text that is equal for codecs of the same list and caller, also in other processes."""
        return f"CursorCodec({sha512(self._scope()[0]).hexdigest()})"

    def seal(self, position: Position) -> str:
        """Return the cursor of a position."""
        sealed = _cipher(self._context.cursor_key).encrypt(orjson.dumps(position), self._scope())
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, cursor: str) -> Position:
        """Return the position of a cursor; raises InvalidError if it was not sealed for this list and caller."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            return tuple(orjson.loads(_cipher(self._context.cursor_key).decrypt(raw, self._scope())))
        except (ValueError, binascii.Error, InvalidTag):
            raise InvalidError(
                "`after` is not a cursor of this list for you; use an `endCursor` that you got from the same field "
                "with the same arguments, for a subscription the `cursor` of a change, or omit `after`."
            ) from None

    def _scope(self) -> list[bytes]:
        """Return what the cursors are bound to; made once, with the first cursor, because most lists need none."""
        if self._bound is None:
            who = self._context.principal
            text = orjson.dumps([who.tenant, who.subject, *(repr(part) for part in self._parts)])
            self._bound = text if len(text) <= LONG_SCOPE else b"digest\0" + sha512(text).digest()
        return [self._bound]


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESSIV:
    return AESSIV(sha512(b"cursor\0" + key).digest())
