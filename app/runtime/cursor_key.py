"""The key that seals cursors: MLG_SECRET, or in development a key generated once and kept in the data folder."""

import os
import secrets
from typing import Final

from app.settings import Settings
from policies.errors import ConfigurationError

KEY_FILE: Final = "cursor.key"
MIN_SECRET_LENGTH: Final = 32
"""Minimum number of characters of MLG_SECRET, and the number of random bytes of a generated key."""
MAX_KEY_BYTES: Final = 64
"""Maximum number of bytes of a key; the rest of a longer MLG_SECRET is not used."""


def cursor_key(settings: Settings) -> bytes:
    """Return the key: the secret, or in development without one the content of KEY_FILE in the data folder.

    If the file is absent, it is created with a random key. Raises ConfigurationError in production without a secret,
    and for a short secret.
    """
    if settings.secret:
        if len(settings.secret) < MIN_SECRET_LENGTH:
            raise ConfigurationError(
                f"MLG_SECRET has less than {MIN_SECRET_LENGTH} characters; set it to a longer random text."
            )
        return settings.secret.encode()[:MAX_KEY_BYTES]
    if settings.env == "production":
        raise ConfigurationError(
            f"MLG_SECRET is not set; set it to one random text of at least {MIN_SECRET_LENGTH} characters for all "
            "workers, so that each accepts the cursors of all."
        )
    path = settings.data_dir / KEY_FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(MIN_SECRET_LENGTH))
    return path.read_bytes()
