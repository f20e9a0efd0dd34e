"""The secrets of the sign-in cookie: MLG_SESSION_SECRETS, or in development one that the data folder keeps."""

import os
import secrets
from typing import Final

from app.settings import Settings
from policies.errors import ConfigurationError

SESSION_KEY_FILE: Final = "session.key"
MIN_LENGTH: Final = 32
"""Minimum number of characters of a secret, and the number of random bytes of a generated one."""
MAX_SECRETS: Final = 2


def session_secrets(settings: Settings) -> tuple[bytes, ...]:
    """Return the secrets, the one that encrypts first.

    Raises ConfigurationError for a short secret, for more than two, and in production without any.
    """
    given = [part.strip() for part in settings.session_secrets.split(",") if part.strip()]
    if len(given) > MAX_SECRETS or any(len(secret) < MIN_LENGTH for secret in given):
        raise ConfigurationError(
            f"MLG_SESSION_SECRETS has a secret of less than {MIN_LENGTH} characters, or more than {MAX_SECRETS} "
            "secrets; set it to one long random text, or to the new and the old one with a comma between."
        )
    if given:
        return tuple(secret.encode() for secret in given)
    if settings.env == "production":
        raise ConfigurationError(
            "MLG_SESSION_SECRETS is not set, and MLG_SIGN_IN_CLIENT is; set it to a random text of at least "
            f"{MIN_LENGTH} characters, the same for all workers."
        )
    path = settings.data_dir / SESSION_KEY_FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(MIN_LENGTH))
    return (path.read_bytes(),)
