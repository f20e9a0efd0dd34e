"""The key of cursors: from the secret where there is one, else generated and kept, and never missing in production."""

from pathlib import Path

import pytest

from app.runtime.cursor_key import cursor_key
from app.settings import Settings
from policies.errors import ConfigurationError


def settings(folder: Path, **more: str) -> Settings:
    """Return settings with a data folder."""
    return Settings.from_env({"MLG_DATA_DIR": str(folder / "data"), **more})


def test_a_secret_is_the_key(tmp_path: Path) -> None:
    """Workers with one secret have one key, of at most 64 bytes, and no file is made."""
    assert cursor_key(settings(tmp_path, MLG_SECRET="s" * 100)) == b"s" * 64
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("secret", "reason"), [("", "is not set"), ("s" * 31, "less than 32 characters")])
def test_production_needs_a_long_secret(tmp_path: Path, secret: str, reason: str) -> None:
    """Without a secret, or with a short one, the process does not start, and the message names the setting."""
    with pytest.raises(ConfigurationError, match=f"MLG_SECRET {reason}|MLG_SECRET has {reason}"):
        cursor_key(settings(tmp_path, MLG_ENV="production", MLG_SECRET=secret))


def test_a_generated_key_stays(tmp_path: Path) -> None:
    """Development generates one random key, readable by its owner only, and finds it at the next start."""
    key = cursor_key(settings(tmp_path))
    assert len(key) == 32
    assert cursor_key(settings(tmp_path)) == key
    assert (tmp_path / "data" / "cursor.key").stat().st_mode & 0o777 == 0o600
    assert cursor_key(settings(tmp_path / "other")) != key
