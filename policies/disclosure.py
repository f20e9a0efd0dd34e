"""How much an answer about lineage says of what was hidden from its caller (``disclosure.toml``)."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Final

from policies.errors import ConfigurationError

SHIPPED: Final = Path(__file__).parent / "disclosure.toml"
"""The file that comes with the product."""


class Disclosure(StrEnum):
    """What is said: nothing, that something was hidden, or how many vertices were."""

    NONE = "none"
    FLAG = "flag"
    COUNT = "count"


def load_disclosure(path: Path = SHIPPED) -> Disclosure:
    """Read the setting; raises :class:`ConfigurationError` when the file cannot be read or says anything else."""
    try:
        said = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as TOML: {error}. Repair the file.") from error
    levels = ", ".join(f'"{level}"' for level in Disclosure)
    if said.keys() != {"disclosure"} or said["disclosure"] not in {*Disclosure}:
        raise ConfigurationError(f"{path} holds one line, `disclosure = …`, with one of {levels}. Repair the file.")
    return Disclosure(said["disclosure"])
