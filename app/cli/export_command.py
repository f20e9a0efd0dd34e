"""The command `mlg export`; apart from the other clients of the API, because it imports the registry and the schema."""

import asyncio
import sys
from typing import Annotated, Final

import typer
from rich.console import Console

from app.cli.data_commands import DEFAULT_URL, Token, Url
from app.cli.exit_codes import FAILURE, print_remark
from app.ingest.export.export_items import UnreadItem, export_items
from app.ingest.load.api_client import ApiClient
from app.ingest.load.load import LoadTarget
from app.ingest.load.load_report import ItemProgress
from app.ingest.load.terminal_text import stdout_json
from graphql_schema.catalog.kinds import ASSETS, KINDS
from graphql_schema.registry.entries import REGISTRY

COUNT: Final = "query ($kinds: [AssetKind!]) { assets(filter: {kinds: $kinds}, first: 1) { totalCount } }"

_ASSET_KEYS: Final = frozenset(entry.key for entry in REGISTRY.values() if entry.kind.asset)
"""Keys of items of assets; the others are links, users, teams, domains and tags."""

Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="Only assets of this AssetKind, such as MODEL, and edges that leave them; repeatable."),
]


def export(token: Token, url: Url = DEFAULT_URL, kind: Kinds = None) -> None:
    """Write the visible part of the graph as JSON lines to stdout; `mlg import jsonl` reads them.

    docs/import.md lists the values that are not exported, such as checks and approvals. An item that the API
    fails to return is left out and named on stderr, and the exit code is 1 then. Values that the policy hides are left
    out and counted on stderr, with exit code 0.
    """
    kinds = frozenset(kind or ())
    unknown = kinds - {KINDS[name].code for name in ASSETS}
    if unknown:
        raise typer.BadParameter(f"unknown kind: {', '.join(sorted(unknown))}; use the values of AssetKind.")
    unread = asyncio.run(_export(LoadTarget(url, token), kinds))
    if unread:
        print_remark(f"mlg: the export is incomplete, {unread} items could not be read; see the lines above.")
        raise typer.Exit(FAILURE)


async def _export(target: LoadTarget, kinds: frozenset[str]) -> int:
    """Print the items to stdout, and to stderr what is unread or hidden from the caller; return the number unread."""
    unread = 0
    async with ApiClient(target.url, target.token, target.retry) as client:
        with ItemProgress(_console(), await _count(client, kinds), "exporting assets") as progress:
            async for item in export_items(client, kinds):
                if isinstance(item, UnreadItem):
                    unread += 1
                    print_remark(f"Left out, because it could not be read: {item.id}: {item.reason}")
                else:
                    typer.echo(stdout_json(item))
                    progress.advance(len(_ASSET_KEYS & item.keys()))
        if client.hidden:
            fields = ", ".join(f"{name} ({count})" for name, count in sorted(client.hidden.items()))
            print_remark(f"Left out, because the policy hides them from this token: {fields}.")
    return unread


def _console() -> Console:
    """Return the console of the progress bar, on stderr; it shows no bar if the items are printed to a terminal."""
    return Console(stderr=True, force_terminal=False if sys.stdout.isatty() else None)


async def _count(client: ApiClient, kinds: frozenset[str]) -> int | None:
    """Return the number of assets, None if it is above the limit of `totalCount`."""
    data = await client.execute(COUNT, {"kinds": sorted(kinds) or None})
    count: int | None = data["assets"]["totalCount"]
    return count
