"""The commands `mlg store …`: those of the store, and its schema, which the catalog makes."""

import typer

from app.graph.store_schema import store_schema
from app.store.commands import store

__all__ = ["store"]


@store.command("schema")
def print_schema() -> None:
    """Print the schema that an existing JanusGraph loads at start (`schema.init.json.file`), self-check included."""
    typer.echo(store_schema().with_self_check())
