"""Levels of sensitivity, and the kinds at which what arrives with data stops (``sensitivity.toml``)."""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Final

from policies.errors import ConfigurationError

LEVELS: Final = ("PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED")
"""From the most open to the strictest."""

RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}
"""How strict a level is, from 0."""

SHIPPED: Final = Path(__file__).parent / "sensitivity.toml"
"""The file that comes with the product."""


def strictest(*levels: str) -> str:
    """The strictest of some levels."""
    return max(levels, key=LEVELS.index)


def load_stops(path: Path, kinds: Collection[str]) -> frozenset[str]:
    """Read the names of the kinds at which sensitivity stops.

    Raises :class:`ConfigurationError` when the file cannot be read, says anything else, or names what is none of
    ``kinds``.
    """
    try:
        said = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as TOML: {error}. Repair the file.") from error
    stops = said.pop("stops", None)
    if said or not isinstance(stops, list):
        raise ConfigurationError(f'{path} holds one line, `stops = ["Model", …]`, and nothing else. Repair the file.')
    unknown = sorted({*map(str, stops)} - {*kinds})
    if unknown:
        raise ConfigurationError(
            f"{path} lets sensitivity stop at {', '.join(unknown)}, and there is no such kind: "
            f"use some of {', '.join(sorted(kinds))}."
        )
    return frozenset(stops)
