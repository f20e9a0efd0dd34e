"""The commands `mlg store …`: those of the store, and what needs its schema, which the catalog makes."""

from __future__ import annotations

import asyncio
from typing import Final

import orjson
import typer
from rich.console import Console

from app.graph.admin.reindex import reindex
from app.graph.admin.store_schema import store_schema
from app.settings import Settings
from app.store.embedded.data_lock import LOCK_FILE, is_alive, read_holders
from app.store.embedded.embedded_store import STORE_FOLDER
from app.store.embedded.jars import fetch_jars, locked_jars, missing_jars
from app.store.embedded.java import java_version
from app.store.schema_stamp import STAMP_FILE

__all__ = ["store"]


STEP = 500
"""Vertices after which progress is told."""


store = typer.Typer(no_args_is_help=True, help="The embedded store.")


@store.command("schema")
def print_schema() -> None:
    """Print the schema that an existing JanusGraph loads at start (`schema.init.json.file`), self-check included."""
    typer.echo(store_schema().with_self_check())


@store.command("reindex")
def make_index_again() -> None:
    """Make the index again from the data, while no process runs on them: for when its files were lost or damaged."""
    told = 0

    def tell(count: int) -> None:
        nonlocal told
        if count >= told + STEP:
            told = count - count % STEP
            typer.echo(f"{told:,} vertices", err=True)

    typer.echo("starting the store with an empty index", err=True)
    count = asyncio.run(reindex(Settings.from_env(), tell))
    typer.echo(f"reindexed {count:,} {'vertex' if count == 1 else 'vertices'}")


_console: Final = Console(stderr=True)


@store.command()
def fetch() -> None:
    """Download the locked JanusGraph jars and try the Java runtime; offline when all is there."""
    jars = fetch_jars(Settings.from_env(), _console)
    _console.print(f"{java_version()}; {len(jars)} jars of JanusGraph, verified", highlight=False)


@store.command()
def status() -> None:
    """Print what is installed, what the data are, and whether a store runs on them."""
    settings = Settings.from_env()
    missing, total = len(missing_jars(settings)), len(locked_jars())
    typer.echo(f"jars: {total - missing} of {total} in {settings.cache_dir}")
    folder = settings.data_dir.absolute() / STORE_FOLDER
    stamped = folder / STAMP_FILE
    known = orjson.loads(stamped.read_bytes()) if stamped.exists() else None
    typer.echo(f"data: {folder}, " + (f"schema version {known['version']}" if known else "empty"))
    holders = read_holders(folder / LOCK_FILE)
    running = holders is not None and holders["jvm"] is not None and is_alive(holders["jvm"])
    typer.echo(f"process: JVM {holders['jvm']} of {holders['owner']}" if running and holders else "process: none")
