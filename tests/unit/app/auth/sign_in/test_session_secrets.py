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


@pytest.mark.parametrize("size", [0, 31])
def test_a_short_file_is_refused(tmp_path: Path, size: int) -> None:
    """A file that was created and not written seals no cookie with a known key; the error says what to do."""
    file = tmp_path / "data" / SESSION_KEY_FILE
    file.parent.mkdir()
    file.touch(0o600)
    file.write_bytes(b"x" * size)
    with pytest.raises(ConfigurationError, match="Remove the file"):
        secrets_of(tmp_path)
    file.unlink()
    assert len(secrets_of(tmp_path)[0]) == 32
    assert [path.name for path in file.parent.iterdir()] == [SESSION_KEY_FILE]


def test_a_file_that_others_read_is_refused(tmp_path: Path) -> None:
    """Another user who reads the secret can make cookies, so the mode is checked, as that of other keys."""
    secrets_of(tmp_path)
    (tmp_path / "data" / SESSION_KEY_FILE).chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        secrets_of(tmp_path)


def test_a_file_of_another_process_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that start at once use the secret of the first one."""
    first = secrets_of(tmp_path)
    with monkeypatch.context() as patched:
        found = iter([False, True])
        patched.setattr(Path, "exists", lambda _path: next(found, True))
        assert secrets_of(tmp_path) == first
