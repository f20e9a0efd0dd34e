"""Reads the files of the policy."""

import tomllib
from pathlib import Path
from typing import Any

from policies.errors import ConfigurationError


def read_text(path: Path) -> str:
    """Return the text of a file; raises `ConfigurationError` if it cannot be read or is not UTF-8."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}. Check that the file exists and is UTF-8.") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file; raises `ConfigurationError` if it cannot be read or is not valid."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}. Check that the file exists and is valid TOML."
        ) from error
