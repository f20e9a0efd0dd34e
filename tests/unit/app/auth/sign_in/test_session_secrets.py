"""The secrets of sessions: two at most, long ones, required in production, and generated once in development."""

import stat
from pathlib import Path

import pytest

from app.auth.sign_in.session_secrets import SESSION_KEY_FILE, session_secrets
from app.settings import Settings
from policies.errors import ConfigurationError

ONE, TWO = "a" * 32, "b" * 40


def secrets_of(tmp_path: Path, **env: str) -> tuple[bytes, ...]:
    """Return the secrets for an environment."""
    return session_secrets(Settings.from_env({"MLG_DATA_DIR": str(tmp_path / "data"), **env}))


@pytest.mark.parametrize("env", ["dev", "production"])
def test_the_first_secret_is_the_new_one(tmp_path: Path, env: str) -> None:
    """One or two secrets are returned in their order, without spaces around them."""
    assert secrets_of(tmp_path, MLG_ENV=env, MLG_SESSION_SECRETS=ONE) == (ONE.encode(),)
    assert secrets_of(tmp_path, MLG_ENV=env, MLG_SESSION_SECRETS=f"{TWO}, {ONE}") == (TWO.encode(), ONE.encode())


@pytest.mark.parametrize("given", ["short", f"{ONE},short", f"{ONE},{TWO},{'c' * 32}"])
def test_a_short_or_third_secret_is_refused(tmp_path: Path, given: str) -> None:
    """The error names the setting and not the secret."""
    with pytest.raises(ConfigurationError, match="MLG_SESSION_SECRETS") as refused:
        secrets_of(tmp_path, MLG_SESSION_SECRETS=given)
    assert "aaaa" not in refused.value.message


def test_production_needs_a_secret(tmp_path: Path) -> None:
    """Workers with generated secrets would not open the cookies of each other."""
    with pytest.raises(ConfigurationError, match="MLG_SESSION_SECRETS is not set"):
        secrets_of(tmp_path, MLG_ENV="production")


def test_development_keeps_a_secret(tmp_path: Path) -> None:
    """The file is for its owner only, and sign-ins outlive a restart."""
    first = secrets_of(tmp_path)
    assert first == secrets_of(tmp_path)
    file = tmp_path / "data" / SESSION_KEY_FILE
    assert (stat.S_IMODE(file.stat().st_mode), len(first[0])) == (0o600, 32)
