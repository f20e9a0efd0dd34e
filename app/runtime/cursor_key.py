"""The key that seals cursors: given in production, made once and kept beside the data in development."""

import os
import secrets

from app.settings import Settings
from policies.errors import ConfigurationError

FILE = "cursor.key"
SHORTEST = 32
"""Characters of a given secret, at least."""


def cursor_key(settings: Settings) -> bytes:
    """The key, at most 64 bytes; raises ConfigurationError in production without one."""
    if settings.secret:
        if len(settings.secret) < SHORTEST:
            raise ConfigurationError(f"MLG_SECRET is shorter than {SHORTEST} characters; make it longer and random.")
        return settings.secret.encode()[:64]
    if settings.env == "production":
        raise ConfigurationError("MLG_SECRET is not set; give all workers the same random text, so cursors hold.")
    path = settings.data_dir / FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()
