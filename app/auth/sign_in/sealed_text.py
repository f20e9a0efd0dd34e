"""Encrypted texts that a browser or an issuer's client keeps for the server, as JSON Web Encryption (RFC 7516).

The content is encrypted with AES-256-GCM, so it can be neither read nor changed outside of the server.
"""

import hmac
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

_ALGORITHMS: Final = ("dir", "A256GCM", "DEF")


class Sealer:
    """Seals and opens the texts of one purpose; a text that was sealed for another purpose does not open.

    ``secrets`` has at least one secret. The first one seals, and all of them open, so that a secret can be replaced.
    """

    def __init__(self, secrets: Sequence[bytes], purpose: str) -> None:
        derived = [hmac.digest(secret, b"mlg seal: " + purpose.encode(), "sha256") for secret in secrets]
        self._keys = [
            OctKey.import_key(key, {"kid": hmac.digest(key, b"kid", "sha256").hex()[:8], "use": "enc"})
            for key in derived
        ]
        self._all = KeySet(list(self._keys))
        self._registry = jwe.JWERegistry(algorithms=list(_ALGORITHMS))

    def seal(self, content: Mapping[str, object]) -> str:
        """Return ``content``, JSON values, as a text of URL-safe characters and dots."""
        key = self._keys[0]
        header = {"alg": "dir", "enc": "A256GCM", "zip": "DEF", "kid": key.kid}
        return jwe.encrypt_compact(header, orjson.dumps(content), key, registry=self._registry)

    def open(self, text: str) -> dict[str, Any] | None:
        """Return the content of a text; None if it was changed, or not sealed with these secrets for the purpose."""
        try:
            sealed = jwe.decrypt_compact(text, self._all, registry=self._registry)
            content = orjson.loads(sealed.plaintext or b"")
        except (JoseError, ValueError, TypeError, AttributeError, AssertionError, zlib.error):
            # joserfc raises the other types for texts that are no JWE at all.
            return None
        return content if isinstance(content, dict) else None
