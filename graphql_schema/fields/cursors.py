"""Sealed keyset cursors."""

import base64
import binascii
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha512
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from graphql_schema.fields.context import Context
from policies.errors import InvalidError


class CursorCodec:
    """What a cursor is good for: one caller, one field of one object, one set of arguments.

    Cursors are encrypted, since a position may hold what the caller cannot see, such as the time by which versions are
    ordered; and in such a way (AES-SIV, RFC 5297) that equal positions have equal cursors.
    """

    __slots__ = ("_cipher", "_scope")

    def __init__(self, context: Context, *scope: object) -> None:
        who = context.principal
        self._cipher = _cipher(context.cursor_key)
        self._scope = [orjson.dumps([who.tenant, who.subject, *(repr(part) for part in scope)])]

    def seal(self, position: Sequence[Any]) -> str:
        """The cursor of a position."""
        return base64.urlsafe_b64encode(self._cipher.encrypt(orjson.dumps(position), self._scope)).rstrip(b"=").decode()

    def open(self, cursor: str) -> tuple[Any, ...]:
        """The position of a cursor; raises InvalidError when it was made for anything else."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            return tuple(orjson.loads(self._cipher.decrypt(raw, self._scope)))
        except (ValueError, binascii.Error, InvalidTag):
            raise InvalidError(
                "`after` is not a cursor of this query; take `endCursor` of the same field with the same arguments."
            ) from None


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESSIV:
    return AESSIV(sha512(b"cursor\0" + key).digest())
