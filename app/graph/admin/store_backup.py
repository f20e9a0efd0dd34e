"""Backup, check and restore of the embedded store (docs/backup.md)."""

import asyncio
import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import orjson
import structlog

from app.graph.admin.elements.store_digest import StoreDigest, digest_of
from app.graph.admin.elements.work_progress import WorkProgress
from app.graph.admin.snapshot import Snapshot, take_snapshot
from app.graph.admin.store_client import DEADLINE, embedded_client, product_store, store_folder
from app.graph.admin.store_schema import store_schema
from app.graph.driver.gremlin_client import GremlinClient
from app.settings import Settings
from app.store.embedded.backup_folder import BackupFolder, BackupResult, instant_of
from app.store.embedded.backup_manifest import Backup
from app.store.embedded.data_lock import DataLock
from app.store.embedded.embedded_store import OWNER_ONLY
from app.store.embedded.index_files import INDEX_FOLDER, finish_rebuild
from app.store.embedded.jars import locked_jars
from app.store.errors import BackupError
from app.store.schema_stamp import DATA_FOLDER, STAMP_FILE, refuse_other_schema

SNAPSHOTS: Final = "snapshots"
"""The folder of the links of a snapshot, within the store's folder."""
_AHEAD_SECONDS: Final = 60
_RESTORING: Final = "restoring"
_STORAGE_ARTIFACT: Final = "janusgraph-berkeleyje"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckedStore:
    """The digest of a restored store; ``differences`` is None if the backup has no digest to compare with."""

    backup: Backup
    digest: StoreDigest
    differences: list[str] | None


async def back_up(settings: Settings, target: Path, keep: int, progress: WorkProgress) -> BackupResult:
    """Write a backup of the embedded store into the folder ``target``, and return it with the amount that was copied.

    If ``keep`` is greater than 0, all but the newest ``keep`` backups in the folder are deleted then.

    The store may run and be written to; a stopped one is started for it. The backup has all transactions that were
    confirmed before the call, and of each later one everything or nothing.

    Raises `BackupError`, also for an external store, DataMissingError without data, and the errors of the store and of
    the driver.
    """
    refuse_external(settings, "backup")
    store = store_folder(settings)
    async with embedded_client(settings) as client:
        folder = BackupFolder.create(target)
        with folder.locked(), _snapshots(store) as links:
            taken = await take_snapshot(client, links)
            result = await _copied(folder, store, taken, progress)
            if keep:
                folder.keep(keep)
    return result


async def _copied(folder: BackupFolder, store: Path, taken: Snapshot, progress: WorkProgress) -> BackupResult:
    """Copy what is new of a snapshot into the folder of backups, and write the manifest."""
    schema = orjson.loads((store / STAMP_FILE).read_bytes())
    name = _new_name(folder)
    about = Backup(name, version("model-lifecycle-graph"), storage_release(), schema, taken.index, {})
    total = sum(path.stat().st_size for path in folder.missing(taken.files).values())
    return await asyncio.to_thread(folder.add, about, taken.files, progress.begin("copying", total))


def _new_name(folder: BackupFolder) -> str:
    """Return the name of a new backup; logs a warning if it is more than _AHEAD_SECONDS ahead of the clock."""
    now = datetime.now(UTC)
    name = folder.next_name(now)
    ahead = int((instant_of(name) - now).total_seconds())
    if ahead > _AHEAD_SECONDS:
        _log.warning("clock_behind_backups", backup=name, seconds=ahead)
    return name


async def check_backup(settings: Settings, source: Path, name: str, progress: WorkProgress) -> CheckedStore:
    """Restore a backup into a temporary folder, start a store on it, and compare it with the digest of the backup.

    Without such a digest, that of the store is recorded in the manifest. Raises as :func:`restore`, but not because of
    the store of the settings, which is not used.
    """
    folder = BackupFolder.open(source)
    backup = folder.named(name)
    with TemporaryDirectory(prefix="mlg-check-") as scratch:
        own = replace(settings, data_dir=Path(scratch), store_port=0, store_url="")
        await _place(own, folder, backup, progress)
        checked = await _started(own, backup, progress)
    if backup.digest is None:
        with folder.locked():
            if any(each.name == backup.name for each in folder.backups()):  # else `--keep` deleted it meanwhile
                folder.write(replace(backup, digest=checked.digest.stored()))
    return checked


async def restore(settings: Settings, source: Path, name: str, progress: WorkProgress) -> CheckedStore:
    """Restore a backup into MLG_DATA_DIR, start the store once, and compare it with the digest of the backup.

    ``name`` is that of the backup, empty for the newest one. The index is rebuilt if the backup has none of the same
    transaction as the data.

    Raises `BackupError` if the settings name an external store, MLG_DATA_DIR has data, or the folder has no such
    backup. The error is also raised if the backup is damaged or of another release of the storage. Raises
    SchemaMismatchError for another schema, and the errors of the start of a store.
    """
    refuse_external(settings, "restore")
    folder = BackupFolder.open(source)
    backup = folder.named(name)
    await _place(settings, folder, backup, progress)
    return await _started(settings, backup, progress)


async def _place(settings: Settings, folder: BackupFolder, backup: Backup, progress: WorkProgress) -> None:
    """Copy the files of a backup into the store's folder; the data come last, so an interrupted copy is no store."""
    store = store_folder(settings)
    if (store / DATA_FOLDER).exists():
        raise BackupError(
            f"There are data in {store}, which a restore would replace. Set MLG_DATA_DIR to an empty folder, or move "
            "the data away."
        )
    if backup.storage != storage_release():
        raise BackupError(
            f"The backup {backup.name} is of JanusGraph {backup.storage}, and this program has {storage_release()}. "
            f"Restore it with the release {backup.release} of `mlg`."
        )
    refuse_other_schema(f"the backup {backup.name}", backup.schema, store_schema())
    store.mkdir(parents=True, exist_ok=True)
    store.chmod(OWNER_ONLY)
    lock = DataLock(store)
    await lock.acquire()
    scratch = store / _RESTORING
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        report = progress.begin("restoring", backup.size)
        await asyncio.to_thread(folder.extract, backup, scratch, report)
        shutil.rmtree(store / INDEX_FOLDER, ignore_errors=True)
        if backup.index:
            if (scratch / INDEX_FOLDER).exists():  # a store without vertices has none
                (scratch / INDEX_FOLDER).replace(store / INDEX_FOLDER)
            finish_rebuild(store)
        (store / STAMP_FILE).write_bytes(orjson.dumps(backup.schema, option=orjson.OPT_INDENT_2))
        (scratch / DATA_FOLDER).replace(store / DATA_FOLDER)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        lock.release()


async def _started(settings: Settings, backup: Backup, progress: WorkProgress) -> CheckedStore:
    """Start the restored store, which checks its index, and return its digest."""
    async with (
        product_store(settings) as store,
        GremlinClient(store.endpoint, deadline=DEADLINE) as client,
    ):
        digest = await digest_of(client, progress.begin("reading vertices"))
    differences = None if backup.digest is None else StoreDigest.of(backup.digest).differences(digest)
    return CheckedStore(backup, digest, differences)


def refuse_external(settings: Settings, verb: str) -> None:
    """Raise `BackupError` if the settings name an external store."""
    if settings.store_url:
        raise BackupError(
            f"MLG_STORE_URL names an external store, which has no `mlg store {verb}`: use the snapshots of its "
            "Cassandra (docs/backup.md), or unset MLG_STORE_URL for the embedded store."
        )


def storage_release() -> str:
    """Return the release of JanusGraph that reads and writes the files of the store."""
    return next(jar.version for jar in locked_jars() if jar.artifact == _STORAGE_ARTIFACT)


@contextmanager
def _snapshots(store: Path) -> Iterator[Path]:
    """Yield an empty folder for the links of a snapshot, and delete it at exit.

    Raises `BackupError` if another process uses it.
    """
    folder = store / SNAPSHOTS
    with (store / f"{SNAPSHOTS}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"Another backup of {store} is under way; wait until it has ended.") from None
        shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
