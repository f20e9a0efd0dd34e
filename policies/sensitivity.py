"""The sensitivities in order, which are fixed here, and the kinds to which none propagates, by ``sensitivity.toml``."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from policies.errors import ConfigurationError
from policies.policy_file import read_toml

SENSITIVITIES: Final = ("PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED")
"""All sensitivities, from the most open to the strictest."""

RANK: Final = {sensitivity: rank for rank, sensitivity in enumerate(SENSITIVITIES)}
"""The strictness of each sensitivity, from 0 for the most open."""

SHIPPED: Final = Path(__file__).parent / "sensitivity.toml"
"""The file of the setting that the program ships with."""


def strictest(*sensitivities: str) -> str:
    """Return the strictest of ``sensitivities``; raises `ValueError` without arguments, or for an unknown one."""
    return max(sensitivities, key=SENSITIVITIES.index)


def load_stops(path: Path, kinds: Collection[str]) -> frozenset[str]:
    """Return the names of the kinds to which no sensitivity propagates, as set in a file.

    Raises `ConfigurationError` if the file is unreadable, its content is invalid, or a name is not in ``kinds``.
    """
    document = read_toml(path)
    stops = document.pop("stops", None)
    if document or not isinstance(stops, list):
        raise ConfigurationError(
            f'{path} must set `stops` to a list and set nothing else. Write for example `stops = ["Model"]`.'
        )
    unknown = sorted({*map(str, stops)} - {*kinds})
    if unknown:
        raise ConfigurationError(
            f"{path} has the unknown kinds {', '.join(unknown)} in `stops`. Use some of {', '.join(sorted(kinds))}."
        )
    return frozenset(stops)
