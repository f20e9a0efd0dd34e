"""The configuration files of `deploy`, which compose.yaml mounts, with the values that a cluster of tests replaces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[4]
DEPLOY: Final = ROOT / "deploy"
LOGBACK: Final = ROOT / "app" / "store" / "embedded" / "conf" / "logback.xml"


def write_properties(path: Path, values: Mapping[str, str]) -> None:
    """Write a properties file."""
    path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))


def write_yaml(path: Path, source: str, **replaced: Any) -> None:
    """Write a YAML file of `deploy` with other values of some keys."""
    path.write_text(yaml.safe_dump(yaml.safe_load((DEPLOY / source).read_text()) | replaced))
