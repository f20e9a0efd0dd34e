"""The files of the mixed index, which can be made again from the data: emptied for that, refused while half made."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from app.store.errors import IndexIncompleteError

if TYPE_CHECKING:
    from pathlib import Path

FILES: Final = "lucene"
MARK: Final = "reindexing"
"""The file that stands beside the data while the index does not hold all of them."""


def empty(folder: Path) -> None:
    """Take everything out of the index of the data in `folder`, and note that it is incomplete."""
    (folder / MARK).touch()
    shutil.rmtree(folder / FILES, ignore_errors=True)


def made(folder: Path) -> None:
    """Note that the index is complete."""
    (folder / MARK).unlink()


def refuse_incomplete(folder: Path) -> None:
    """Raise IndexIncompleteError when an attempt to make the index again did not come to its end."""
    if (folder / MARK).exists():
        raise IndexIncompleteError(
            f"The index of the data in {folder} is incomplete: `mlg store reindex` was interrupted. Run it again."
        )
