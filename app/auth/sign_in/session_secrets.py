"""The secrets of the sign-in cookie: MLG_SESSION_SECRETS, or in development one that the data folder keeps."""

import secrets
import stat
from pathlib import Path
from typing import Final

from app.auth.dev_issuer import create_private_file
from app.settings import Settings
from policies.errors import ConfigurationError

SESSION_KEY_FILE: Final = "session.key"
MIN_LENGTH: Final = 32
"""Minimum number of characters of a secret, and the number of random bytes of a generated one."""
MAX_SECRETS: Final = 2


def session_secrets(settings: Settings) -> tuple[bytes, ...]:
    """Return the secrets, the one that encrypts first.

    Raises ConfigurationError for a short secret, for more than two, in production without any, and for a faulty file.
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
    return (_kept_secret(settings.data_dir / SESSION_KEY_FILE),)


def _kept_secret(path: Path) -> bytes:
    """Return the secret in a file, which is made if there is none.

    Raises ConfigurationError if other users can access the file, or the secret is short.
    """
    if not path.exists():
        create_private_file(path, secrets.token_bytes(MIN_LENGTH))
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"Other users can access the secret of sign-ins {path}. Run `chmod 600 {path}`.")
    secret = path.read_bytes()
    if len(secret) < MIN_LENGTH:
        raise ConfigurationError(
            f"{path} has less than {MIN_LENGTH} bytes. Remove the file; a new secret is then made, and people sign in "
            "again."
        )
    return secret
