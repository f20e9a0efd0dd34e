"""Loaded estates, kept in the cache by the hash of the generator and of the stored format; runs work on copies."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final

from rich.progress import Progress

from app.ingest.load.api_client import ApiClient
from app.ingest.load.batches import ImportItem, register
from bench.estate import Estate
from bench.items import items_of
from bench.servers import Server, Side, serving
from bench.trees import ROOT, statements

GENERATOR: Final = sha256(b"".join(statements(ROOT / "bench" / name) for name in ("estate.py", "items.py"))).hexdigest()
"""A hash of the statements that make an estate and its registrations, as they were imported."""


@dataclass(frozen=True, slots=True)
class Load:
    """The cost of a load: items, seconds, seconds of CPU of API and JVM, and the commit that was loaded with."""

    items: int
    seconds: float
    api: float
    jvm: float
    commit: str


@dataclass(frozen=True, slots=True)
class LoadedStore:
    """The data folder of a loaded estate in the cache, and the cost of its load."""

    folder: Path
    load: Load

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """Yield a copy of the data, which is removed at exit."""
        with TemporaryDirectory(prefix="copy-", dir=self.folder.parent) as scratch:
            yield Path(shutil.copytree(self.folder, Path(scratch) / "data"))


def kept_store(side: Side, estate: Estate, cache: Path) -> LoadedStore | None:
    """Return the estate that was loaded before, None if it was not."""
    folder = _folder(side, estate, cache)
    file = folder / "load.json"
    return LoadedStore(folder / "data", Load(**json.loads(file.read_bytes()))) if file.exists() else None


async def loaded_store(side: Side, estate: Estate, cache: Path, progress: Progress) -> LoadedStore:
    """Load an estate through the API into a new store, measure it, and keep the data in the cache."""
    folder = _folder(side, estate, cache)
    scratch = _scratch(folder.parent)
    try:
        async with serving(side, scratch / "data") as server:
            load = await load_estate(server, estate, progress)
        _keep(scratch, folder, load)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return LoadedStore(folder / "data", load)


def _scratch(parent: Path) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    return Path(mkdtemp(prefix="load-", dir=parent))


def _keep(scratch: Path, folder: Path, load: Load) -> None:
    """Move a loaded store to its place in the cache, instead of the one that is there."""
    (scratch / "load.json").write_text(json.dumps(asdict(load)))
    if folder.exists():
        replaced = folder.rename(scratch.with_name(f"old-{scratch.name}"))
        shutil.rmtree(replaced)
    scratch.rename(folder)


async def load_estate(server: Server, estate: Estate, progress: Progress) -> Load:
    """Register the items of an estate as root, and return the cost; stop the bench if an item fails."""
    items = [ImportItem(f"item {at}", item) for at, item in enumerate(items_of(estate))]
    task = progress.add_task(f"loading {len(items):,} items ({server.side.name})", total=len(items))
    begin, (api, jvm) = time.perf_counter(), server.cpu()
    async with ApiClient(server.url, server.tokens["root"]) as client:
        async for results in register(client, items):
            failed = [each for each in results if each.outcome not in {"CREATED", "UPDATED", "UNCHANGED"}]
            if failed:
                raise SystemExit(f"{server.side.name} did not load {failed[0]}")
            progress.advance(task, len(results))
    seconds, (api_end, jvm_end) = time.perf_counter() - begin, server.cpu()
    progress.remove_task(task)
    return Load(len(items), seconds, api_end - api, jvm_end - jvm, server.side.tree.commit)


def _folder(side: Side, estate: Estate, cache: Path) -> Path:
    return cache / "estates" / f"{GENERATOR[:12]}-{side.tree.stored_format}-{estate.size}"
