"""The files of the policy: one that cannot be read stops the start with its name and what to check."""

from collections.abc import Callable
from pathlib import Path

import pytest

from policies.errors import ConfigurationError
from policies.policy_file import read_text, read_toml


def test_a_readable_file_is_returned(tmp_path: Path) -> None:
    """Its text, or the content of its TOML."""
    file = tmp_path / "a.toml"
    file.write_text('a = "ä"', "utf-8")
    assert (read_text(file), read_toml(file)) == ('a = "ä"', {"a": "ä"})


@pytest.mark.parametrize(("read", "advice"), [(read_text, "is UTF-8"), (read_toml, "is valid TOML")])
def test_an_unreadable_file_is_refused(tmp_path: Path, read: Callable[[Path], object], advice: str) -> None:
    """A file that is absent or has another encoding; an unhandled error would be a traceback."""
    file = tmp_path / "a.toml"
    with pytest.raises(ConfigurationError, match=f"a.toml cannot be read: .* {advice}"):
        read(file)
    file.write_bytes(b'a = "\xe4"')
    with pytest.raises(ConfigurationError, match=f"a.toml cannot be read: .* {advice}"):
        read(file)
