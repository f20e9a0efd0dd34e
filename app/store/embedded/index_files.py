"""The files of the mixed index, which can be made again from the data: emptied for that, refused while half made."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from app.store.errors import DataMissingError, IndexIncompleteError
from app.store.schema_stamp import DATA

if TYPE_CHECKING:
    from pathlib import Path

FILES: Final = "lucene"
MARK: Final = "reindexing"
"""The file that stands beside the data while the index does not hold all of them."""


def refuse_without_data(folder: Path) -> None:
    """Raise DataMissingError where no store ever ran: to index nothing would make a whole new store there."""
    if not (folder / DATA).exists():
        raise DataMissingError(
            f"There are no data in {folder}, so there is nothing to index: look at MLG_DATA_DIR, which names the "
            "folder that the store runs on."
        )


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
