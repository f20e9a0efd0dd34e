"""Sealed keyset cursors: encrypted positions in a list."""

import base64
import binascii
from functools import lru_cache
from hashlib import sha512

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from graphql_schema.fields.context import Context
from graphql_schema.ports.record import Position
from policies.errors import InvalidError


class CursorCodec:
    """Seals and opens the cursors of one list, bound to the caller and to ``scope``: field, source object, arguments.

    Cursors are encrypted because a position may contain hidden values, such as the time that orders versions. AES-SIV
    (RFC 5297) gives equal positions of one codec equal cursors.
    """

    __slots__ = ("_context", "_parts")

    def __init__(self, context: Context, *scope: object) -> None:
        self._context = context
        self._parts = scope

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
        """Return what the cursors are bound to; made when a cursor is, because most lists need none."""
        who = self._context.principal
        return [orjson.dumps([who.tenant, who.subject, *(repr(part) for part in self._parts)])]


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESSIV:
    return AESSIV(sha512(b"cursor\0" + key).digest())
