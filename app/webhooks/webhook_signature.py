"""Signatures of deliveries, by the specification Standard Webhooks (https://www.standardwebhooks.com)."""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import blake2b, sha256
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """Return a new secret: a prefix, and random bytes in base64."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def message_id(*parts: str) -> str:
    """Return the id of a message, the same in each attempt: a hash of the webhook and the change."""
    return "msg_" + blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message by a secret; ``timestamp`` is in epoch seconds."""
    key = b64decode(secret.removeprefix(PREFIX))
    signed = hmac.digest(key, b"%s.%d.%s" % (message.encode(), timestamp, body), sha256)
    return "v1," + b64encode(signed).decode()


def signed_headers(keys: Iterable[str], message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a delivery, with a signature by each secret of ``keys``."""
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(key, message, timestamp, body) for key in keys),
    }
