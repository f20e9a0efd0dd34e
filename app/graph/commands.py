"""The commands `mlg store …`: those of the store, and what needs its schema, which the catalog makes."""

import asyncio

import typer

from app.graph.reindexing import reindex
from app.graph.store_schema import store_schema
from app.settings import Settings
from app.store.commands import store

__all__ = ["store"]

STEP = 500
"""Vertices after which progress is told."""


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
