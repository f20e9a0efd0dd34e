"""Tokens whose signature and claims were verified, so that a repeated token need not be verified again."""

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Generic, TypeVar

from joserfc.jwk import KeySet

ClaimsT = TypeVar("ClaimsT")

MAX_TOKENS: Final = 1_000
"""Maximal number of tokens that are remembered."""


@dataclass(frozen=True, slots=True)
class _Verified(Generic[ClaimsT]):
    """Claims that were verified with ``keys``, valid from ``since`` until ``until``, in epoch seconds."""

    claims: ClaimsT
    keys: KeySet
    since: int
    until: int


@dataclass(slots=True)
class VerifiedTokens(Generic[ClaimsT]):
    """Remembers the claims of tokens, the most recently used up to MAX_TOKENS, by the SHA-256 of the token.

    When the keys of the issuer are fetched again, tokens that were verified with the former keys become unknown.
    """

    _verified: OrderedDict[bytes, _Verified[ClaimsT]] = field(default_factory=OrderedDict)

    def get(self, token: str, keys: KeySet, now: int) -> ClaimsT | None:
        """Return the claims of a token verified with ``keys`` and valid at ``now`` (epoch seconds), else None."""
        digest = _digest(token)
        known = self._verified.get(digest)
        if known is None or known.keys is not keys or not known.since <= now <= known.until:
            return None
        self._verified.move_to_end(digest)
        return known.claims

    def add(self, token: str, keys: KeySet, claims: ClaimsT, *, since: int, until: int) -> None:
        """Remember the claims of a token that was verified at ``since`` and expires after ``until`` (epoch seconds)."""
        self._verified[_digest(token)] = _Verified(claims, keys, since, until)
        self._verified.move_to_end(_digest(token))
        if len(self._verified) > MAX_TOKENS:
            self._verified.popitem(last=False)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
