"""The commands `mlg store …`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console

from app.cli import backup_commands
from app.graph.admin.index_repair import RepairCounts
from app.graph.admin.index_scan import repair_store
from app.graph.admin.reindex import EachStep, reindex
from app.graph.admin.store_schema import store_schema
from app.settings import Settings
from app.store.embedded.class_archive import archive_classes
from app.store.embedded.data_lock import LOCK_FILE, is_alive, read_holders
from app.store.embedded.embedded_store import STORE_FOLDER
from app.store.embedded.jars import fetch_jars, locked_jars, missing_jars
from app.store.embedded.java import java_version
from app.store.schema_stamp import STAMP_FILE
from policies.errors import CodedError, ConfigurationError

STEP: Final = 500
"""Vertices between two lines of progress."""

store = typer.Typer(no_args_is_help=True, help="The store: its files, schema, index, backups and copies.")
store.command()(backup_commands.backup)
store.command()(backup_commands.check)
store.command("restore")(backup_commands.restore_backup)
store.command()(backup_commands.digest)
store.command()(backup_commands.copy)
store.command()(backup_commands.upgrade)

_console: Final = Console(stderr=True)


@store.command()
def schema(
    file: Annotated[
        Path | None, typer.Option("--file", help="Write the schema to this file; default: print it.")
    ] = None,
) -> None:
    """Print the schema that an existing JanusGraph loads at start (`schema.init.json.file`)."""
    text = store_schema().with_self_check()
    if file is None:
        typer.echo(text)
        return
    try:
        file.write_bytes(text)
    except OSError as error:
        raise ConfigurationError(
            f"{str(file)!r} cannot be written ({error.strerror}); name a file in a folder that exists and is writable."
        ) from None


@store.command("reindex")
def rebuild_index() -> None:
    """Rebuild the index of the embedded store from its data, while no process uses it; progress on stderr."""
    typer.echo("starting the store with an empty index", err=True)
    count = asyncio.run(reindex(Settings.from_env(), EachStep(STEP, _print_count).report))
    typer.echo(f"reindexed {count:,} {'vertex' if count == 1 else 'vertices'}")


@store.command("repair")
def repair_index(
    after: Annotated[
        int | None, typer.Option(help="Id of the vertex after which an interrupted repair continues.")
    ] = None,
) -> None:
    """Compare the index of MLG_STORE_URL with all vertices, and index what it lacks, while the API runs.

    Progress is on stderr. The exit code is 1 if documents still differ.
    """
    found = asyncio.run(repair_store(Settings.from_env(), _print_repair, after))
    typer.echo(
        f"compared {found.compared:,} documents: {found.differing:,} differed and were indexed again, "
        f"{found.failed:,} of them still differ"
    )
    if found.failed:
        raise typer.Exit(1)


def _print_repair(counts: RepairCounts, last: int) -> None:
    typer.echo(f"{counts.compared:,} compared, {counts.differing:,} indexed again; --after {last}", err=True)


def _print_count(count: int) -> None:
    typer.echo(f"{count:,} vertices", err=True)


@store.command()
def fetch() -> None:
    """Download the locked JanusGraph jars and archive their classes for fast starts; works offline with all jars."""
    settings = Settings.from_env()
    jars = fetch_jars(settings, _console)
    _console.print(f"{java_version()}; {len(jars)} jars of JanusGraph, verified", highlight=False)
    try:
        with _console.status("Archiving the Java classes, once, so that JanusGraph starts faster"):
            asyncio.run(archive_classes(settings, store_schema()))
    except CodedError as error:
        _console.print(f"{error} JanusGraph works without it, and starts two seconds slower.", highlight=False)


@store.command()
def status() -> None:
    """Print the number of installed jars; of the embedded store, the schema version and the process that uses it."""
    settings = Settings.from_env()
    missing, total = len(missing_jars(settings)), len(locked_jars())
    typer.echo(f"jars: {total - missing} of {total} in {settings.cache_dir}")
    folder = settings.data_dir.absolute() / STORE_FOLDER
    stamp_file = folder / STAMP_FILE
    stamp = orjson.loads(stamp_file.read_bytes()) if stamp_file.exists() else None
    typer.echo(f"data: {folder}, " + (f"schema version {stamp['version']}" if stamp else "empty"))
    holders = read_holders(folder / LOCK_FILE)
    running = holders is not None and holders["jvm"] is not None and is_alive(holders["jvm"])
    typer.echo(f"process: JVM {holders['jvm']} of {holders['owner']}" if running and holders else "process: none")
