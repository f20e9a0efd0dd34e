"""The plan of a batch: items in order over what is stored; pure, so it can be made again when that moved on."""

from collections.abc import Sequence
from dataclasses import replace

from app.graph.writing.draft import Draft
from app.graph.writing.linking import link
from app.graph.writing.refusal import RefusedItemError
from app.graph.writing.registering import register
from app.graph.writing.state import Author, State
from graphql_schema.registration import Linking, Registered, Registration

Item = Registration | Linking


def plan(items: Sequence[Item], state: State, author: Author, *, dry_run: bool) -> list[Registered]:
    """One outcome per item, in order; ``state`` holds afterwards what is to be written.

    An item sees what earlier ones made, except a dry run's.
    """
    return [_one(item, Draft(state, author), dry_run=dry_run) for item in items]


def _one(item: Item, draft: Draft, *, dry_run: bool) -> Registered:
    try:
        done = link(draft, item) if isinstance(item, Linking) else register(draft, item)
    except RefusedItemError as refused:
        return refused.registered
    if not (dry_run or (isinstance(item, Registration) and item.dry_run)):
        draft.adopt()
    return replace(done, hidden=tuple(draft.hidden)) if draft.hidden else done
