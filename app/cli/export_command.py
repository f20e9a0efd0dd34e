"""The command `mlg export`; apart from the other clients of the API, because it imports the registry and the schema."""

import asyncio
from typing import Annotated

import orjson
import typer

from app.cli.data_commands import DEFAULT_URL, Token, Url
from app.ingest.export.export_items import export_items
from app.ingest.load.api_client import ApiClient
from app.ingest.load.load import LoadTarget
from graphql_schema.catalog.kinds import ASSETS, KINDS

Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="Only assets of this AssetKind, such as MODEL, and edges that leave them; repeatable."),
]


def export(token: Token, url: Url = DEFAULT_URL, kind: Kinds = None) -> None:
    """Write the visible part of the graph as JSON lines to stdout; `mlg import jsonl` reads them.

    docs/import.md lists the values that are not exported, such as checks and approvals.
    """
    kinds = frozenset(kind or ())
    unknown = kinds - {KINDS[name].code for name in ASSETS}
    if unknown:
        raise typer.BadParameter(f"unknown kind: {', '.join(sorted(unknown))}; use the values of AssetKind.")
    asyncio.run(_export(LoadTarget(url, token), kinds))


async def _export(target: LoadTarget, kinds: frozenset[str]) -> None:
    """Print the items to stdout, then the fields that the policy hides from the caller to stderr."""
    async with ApiClient(target.url, target.token, target.retry) as client:
        async for item in export_items(client, kinds):
            typer.echo(orjson.dumps(item))
        if client.hidden:
            fields = ", ".join(f"{name} ({count})" for name, count in sorted(client.hidden.items()))
            typer.echo(f"Left out, because the policy hides them from this token: {fields}.", err=True)
