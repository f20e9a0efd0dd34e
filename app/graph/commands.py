"""The command `mlg store schema`."""

import typer

from app.graph.store_schema import store_schema


def print_schema() -> None:
    """Print the schema that an existing JanusGraph loads at start (`schema.init.json.file`), self-check included."""
    typer.echo(store_schema().with_self_check())
