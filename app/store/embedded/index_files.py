"""The files of the mixed index, with a mark that is deleted when the index is known to be incomplete.

The mark is within the folder of the index, so it is lost with the folder. The JVM deletes it when JanusGraph cannot
commit the index (``conf/init.groovy``). After a crash it can remain although the index lacks the last transactions;
:meth:`IndexKeeper.check` detects that.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final, Protocol

from app.store.errors import DataMissingError
from app.store.schema_stamp import DATA_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from app.store.store_endpoint import StoreEndpoint

INDEX_FOLDER: Final = "lucene"
"""The folder of Lucene's files, within the store's folder."""
COMPLETE_MARK: Final = "complete"
"""The file in the folder of the index that is absent if the index is known to be incomplete."""


class IndexKeeper(Protocol):
    """Compares the index with the data, and rebuilds it; no request is served meanwhile."""

    async def check(self, endpoint: StoreEndpoint) -> None:
        """Raise `IndexIncompleteError` if the index lacks what the data have."""

    async def rebuild(self, endpoint: StoreEndpoint) -> None:
        """Index all data anew. Raises a CodedError if that fails."""


def refuse_without_data(folder: Path) -> None:
    """Raise `DataMissingError` if ``folder`` contains no data.

    Without the check, a command with a wrong `MLG_DATA_DIR` would create an empty store there.
    """
    if not (folder / DATA_FOLDER).exists():
        raise DataMissingError(
            f"There are no data in {folder}. Set MLG_DATA_DIR to the folder that contains the folder `{folder.name}` "
            "with the data."
        )


def is_complete(folder: Path) -> bool:
    """Return whether the index in ``folder`` has its mark."""
    return (folder / INDEX_FOLDER / COMPLETE_MARK).exists()


def begin_without_data(folder: Path) -> None:
    """Mark the index as complete if ``folder`` contains no data."""
    if not (folder / DATA_FOLDER).exists():
        finish_rebuild(folder)


def begin_rebuild(folder: Path) -> None:
    """Delete the files of the index in ``folder``, the mark first."""
    (folder / INDEX_FOLDER / COMPLETE_MARK).unlink(missing_ok=True)
    shutil.rmtree(folder / INDEX_FOLDER, ignore_errors=True)


def finish_rebuild(folder: Path) -> None:
    """Mark the index in ``folder`` as complete."""
    (folder / INDEX_FOLDER).mkdir(exist_ok=True)
    (folder / INDEX_FOLDER / COMPLETE_MARK).touch()
