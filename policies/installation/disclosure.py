"""How much a lineage result discloses about hidden vertices: the setting in ``disclosure.toml``."""

from enum import StrEnum
from pathlib import Path
from typing import Final

from policies.errors import ConfigurationError
from policies.policy_file import read_toml

SHIPPED: Final = Path(__file__).parent.parent / "disclosure.toml"
"""The file of the setting that the program ships with."""


class Disclosure(StrEnum):
    """What a lineage result discloses about hidden vertices that the query met."""

    NONE = "none"
    """Nothing: the result looks as if there were no hidden vertices."""
    FLAG = "flag"
    """Whether there were hidden vertices."""
    COUNT = "count"
    """The number of hidden vertices."""


def load_disclosure(path: Path = SHIPPED) -> Disclosure:
    """Return the setting in a file; raises `ConfigurationError` if the file is unreadable or its content is invalid."""
    document = read_toml(path)
    values = ", ".join(f'"{value}"' for value in Disclosure)
    if document.keys() != {"disclosure"} or document["disclosure"] not in [*Disclosure]:
        raise ConfigurationError(
            f"{path} must set `disclosure` to one of {values} and set nothing else. Write for example "
            f'`disclosure = "{Disclosure.FLAG}"`.'
        )
    return Disclosure(document["disclosure"])
