"""The secret of a running embedded store, in a file beside its data that only its owner may read.

Commands of the same user, such as `mlg policy explain`, read the file to reach a store that another process runs.
"""

import os
from pathlib import Path
from typing import Final

SECRET_FILE: Final = "secret"  # noqa: S105 - a file name
"""The file within the store's folder; it exists while a process runs the store, and after the process was killed."""
_OWNER_ONLY: Final = 0o600


def write_secret(folder: Path, secret: str) -> None:
    """Write the secret of this start into the store's folder, in a new file with mode 0600."""
    remove_secret(folder)  # the file of a killed process may have another mode
    with os.fdopen(os.open(folder / SECRET_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w") as file:
        file.write(secret)


def read_secret(folder: Path) -> str | None:
    """Return the secret of the store that runs on the data in ``folder``, None if there is no file."""
    try:
        return (folder / SECRET_FILE).read_text()
    except FileNotFoundError:
        return None


def remove_secret(folder: Path) -> None:
    """Delete the file; no effect if there is none."""
    (folder / SECRET_FILE).unlink(missing_ok=True)
