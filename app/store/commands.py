"""`mlg store`: fetch what the embedded store needs, and tell how it is."""

from __future__ import annotations

from typing import Final

import orjson
import typer
from rich.console import Console

from app.settings import Settings
from app.store.embedded import FOLDER
from app.store.jars import fetch_jars, locked_jars, missing_jars
from app.store.java import java_version
from app.store.ownership import LOCK_FILE, is_alive, read_holders
from app.store.schema import STAMP

store = typer.Typer(no_args_is_help=True, help="The embedded store.")
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
    folder = settings.data_dir.absolute() / FOLDER
    stamped = folder / STAMP
    known = orjson.loads(stamped.read_bytes()) if stamped.exists() else None
    typer.echo(f"data: {folder}, " + (f"schema version {known['version']}" if known else "empty"))
    holders = read_holders(folder / LOCK_FILE)
    running = holders is not None and holders["jvm"] is not None and is_alive(holders["jvm"])
    typer.echo(f"process: JVM {holders['jvm']} of {holders['owner']}" if running and holders else "process: none")
