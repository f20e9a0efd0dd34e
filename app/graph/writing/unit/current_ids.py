"""Ids of merged datasets in a command: each becomes that of the dataset to which it leads, if the caller may see it.

An id that leads to a hidden dataset stays as it is. Look-ups follow it, and results name the dataset by it, so that
they are those of an absent id.
"""

from functools import partial
from typing import TypeVar

from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.inputs.command_ids import with_ids
from graphql_schema.ports.commands import Command

AnyCommand = TypeVar("AnyCommand", bound=Command)


def with_current_ids(unit: ItemUnit, command: AnyCommand) -> AnyCommand:
    """Return the command with present ids of merged datasets; the same object if it names none."""
    return with_ids(command, partial(_current, unit)) if unit.lookup.batch.merged else command


def _current(unit: ItemUnit, urn: str) -> str:
    """Return the id to which a URN leads, the URN itself if it is not merged or leads to a hidden dataset."""
    batch = unit.lookup.batch
    merged = batch.merged.get(urn)
    record = None if merged is None else batch.vertex(batch.led_to(merged))
    return str(record["id"]) if record is not None and unit.visibility.is_visible(record) else urn
