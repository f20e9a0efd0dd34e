"""The files of the mixed index: deleted for a rebuild from the data, and refused while the rebuild is incomplete."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from app.store.errors import DataMissingError, IndexIncompleteError
from app.store.schema_stamp import DATA_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

INDEX_FOLDER: Final = "lucene"
"""The folder of Lucene's files, within the store's folder."""
INCOMPLETE_MARK: Final = "reindexing"
"""The file that exists beside the data while the index is incomplete."""


def refuse_without_data(folder: Path) -> None:
    """Raise `DataMissingError` if ``folder`` contains no data.

    Without the check, a rebuild with a wrong `MLG_DATA_DIR` would create an empty store there.
    """
    if not (folder / DATA_FOLDER).exists():
        raise DataMissingError(
            f"There are no data in {folder}, so there is nothing to reindex. Set MLG_DATA_DIR to the folder that "
            f"contains the folder `{folder.name}` with the data."
        )


def begin_rebuild(folder: Path) -> None:
    """Mark the index in ``folder`` as incomplete and delete its files."""
    (folder / INCOMPLETE_MARK).touch()
    shutil.rmtree(folder / INDEX_FOLDER, ignore_errors=True)


def finish_rebuild(folder: Path) -> None:
    """Mark the index in ``folder`` as complete."""
    (folder / INCOMPLETE_MARK).unlink()


def refuse_incomplete(folder: Path) -> None:
    """Raise `IndexIncompleteError` if a rebuild of the index in ``folder`` was interrupted or failed."""
    if (folder / INCOMPLETE_MARK).exists():
        raise IndexIncompleteError(
            f"The index of the data in {folder} is incomplete, because `mlg store reindex` was interrupted or failed. "
            "Run `mlg store reindex` again."
        )
