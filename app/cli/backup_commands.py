"""The commands `mlg store backup`, `check`, `restore`, `digest`, `copy` and `upgrade` (docs/backup.md)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.graph.admin.store_backup import CheckedStore, back_up, check_backup, restore
from app.graph.admin.store_client import digest_at, upgrade_store
from app.graph.admin.store_copy import copy_store
from app.settings import Settings
from app.telemetry.log_lines import configure_logs
from policies.errors import ConfigurationError

T = TypeVar("T")

_console: Final = Console(stderr=True)

Folder = Annotated[Path, typer.Argument(help="Folder of the backups.", metavar="DIR")]
Name = Annotated[str, typer.Option("--backup", help="Name of the backup; the newest one if it is not given.")]
Keep = Annotated[
    int, typer.Option("--keep", min=0, help="Number of newest backups to keep; others are deleted afterwards. 0: all.")
]
Against = Annotated[bool, typer.Option("--against-store", help="Compare with the store of the settings, too.")]
Source = Annotated[
    str, typer.Option("--from", help="Gremlin URL, or data folder of an embedded store; default: that of the settings.")
]


Target = Annotated[
    str, typer.Option("--to", help="Gremlin URL of an empty store, or a data folder; MLG_STORE_URL if not given.")
]


class ShownProgress:
    """Shows each part of a command as a bar, or as a count if its total is unknown."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def begin(self, title: str, total: int | None = None) -> Callable[[int], None]:
        """Add a bar for a part of the work, and return the function that advances the bar by a count."""
        task = self._bars.add_task(title, total=total)
        return lambda count: self._bars.advance(task, count)


def run_shown(work: Callable[[ShownProgress], Coroutine[object, None, T]]) -> T:
    """Run the work of a command with its progress on stderr; an OSError becomes a ConfigurationError."""
    configure_logs(as_json=not sys.stderr.isatty())  # on stderr; stdout has the result alone
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=_console) as bars:
            return asyncio.run(work(ShownProgress(bars)))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise ConfigurationError(
            f"{error.strerror or error}{where}. Check the folder, its permissions, and the free space."
        ) from error


def backup(folder: Folder, keep: Keep = 0) -> None:
    """Write a backup of the embedded store, running or not, into DIR; a later one copies only what is new."""
    settings = Settings.from_env()
    result = run_shown(lambda progress: back_up(settings, folder, keep, progress))
    made = result.backup
    typer.echo(
        f"backup {made.name}: {len(made.files)} files of {made.size:,} bytes, {result.copied} of them copied "
        f"({result.copied_bytes:,} bytes); " + ("with its index" if made.index else "its index is rebuilt by a restore")
    )


def check(folder: Folder, name: Name = "", against: Against = False) -> None:  # noqa: FBT002 - an option
    """Restore a backup into a temporary folder, and start a store on it.

    The first check of a backup records its digest in the backup. Each later one compares the digest with it.
    """
    settings = Settings.from_env()
    checked = run_shown(lambda progress: check_backup(settings, folder, name, progress))
    _print_checked(checked)
    if against:
        store = run_shown(lambda progress: digest_at(settings, "", progress))
        _refuse_differences("The backup differs from the store", checked.digest.differences(store))
        typer.echo("the store has the same digest")


def restore_backup(folder: Folder, name: Name = "") -> None:
    """Restore a backup into MLG_DATA_DIR, which must have no data, and check it by starting the store once."""
    settings = Settings.from_env()
    checked = run_shown(lambda progress: restore(settings, folder, name, progress))
    _print_checked(checked)


def digest(source: Source = "") -> None:
    """Print the digest of a store without writers: MLG_STORE_URL, else MLG_DATA_DIR, running or not."""
    settings = Settings.from_env()
    found = run_shown(lambda progress: digest_at(settings, source, progress))
    typer.echo(f"{found.text}  {found.vertices:,} vertices, {found.edges:,} edges")


def copy(source: Source = "", target: Target = "") -> None:
    """Copy a store without writers, by default MLG_DATA_DIR, into an empty one, and compare both.

    The same command again continues an interrupted copy.
    """
    settings = Settings.from_env()
    if not target and not settings.store_url:
        raise ConfigurationError("There is no target: name it in --to, or in MLG_STORE_URL with its credentials.")
    done = run_shown(lambda progress: copy_store(settings, source, target, progress))
    found = done.digest
    typer.echo(
        f"{'completed the copy' if done.resumed else 'copied'}: {found.vertices:,} vertices, {found.edges:,} edges"
    )
    typer.echo(f"digest {found.text} of both stores")


def upgrade() -> None:
    """Bring the store of the settings to the schema of this release. First back it up, and stop an embedded one."""
    settings = Settings.from_env()
    state = run_shown(lambda progress: upgrade_store(settings, progress))
    typer.echo(f"the store has schema version {state.version}, for programs of version {state.admits} and later")


def _print_checked(checked: CheckedStore) -> None:
    found = checked.digest
    _refuse_differences(f"The backup {checked.backup.name} was changed since it was checked", checked.differences or [])
    compared = "" if checked.differences is None else ", as when it was checked first"
    typer.echo(f"backup {checked.backup.name}: {found.vertices:,} vertices, {found.edges:,} edges{compared}")
    typer.echo(f"digest {found.text}")


def _refuse_differences(what: str, differences: list[str]) -> None:
    """Raise ConfigurationError if there are differences."""
    if differences:
        raise ConfigurationError(f"{what}: {'; '.join(differences)}. Do not use it before you know why.")
