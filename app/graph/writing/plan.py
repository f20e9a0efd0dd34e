"""The plan of a batch: items in order over what is stored; pure, so it can be made again when that moved on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from app.graph.writing.aliases import set_alias
from app.graph.writing.approving import approve
from app.graph.writing.audit import audit
from app.graph.writing.checking import report
from app.graph.writing.deleting import delete, restore
from app.graph.writing.draft import Draft
from app.graph.writing.incidents import open_incident, resolve_incident
from app.graph.writing.linking import link, unlink
from app.graph.writing.receipts import answered, keep
from app.graph.writing.refusal import RefusedItemError
from app.graph.writing.registering import register
from app.graph.writing.reverting import revert
from app.graph.writing.state import Author, State, UnreadError
from app.graph.writing.using import use
from graphql_schema.enums import Outcome
from graphql_schema.intents import (
    AliasSetting,
    Approving,
    CheckReporting,
    Deleting,
    IncidentOpening,
    IncidentResolving,
    Intent,
    Restoring,
    Reverting,
    Unlinking,
    UsageRecording,
)
from graphql_schema.registration import Key, Linking, Registered, Registration

HANDLERS: Final[Mapping[type, Callable[[Draft, Any], Registered]]] = {
    Registration: register,
    Linking: link,
    Unlinking: unlink,
    Deleting: delete,
    Restoring: restore,
    Reverting: revert,
    CheckReporting: report,
    IncidentOpening: open_incident,
    IncidentResolving: resolve_incident,
    UsageRecording: use,
    AliasSetting: set_alias,
    Approving: approve,
}
"""What drafts each kind of item."""

_UNREAD: Final = Registered(Outcome.INVALID)
"""Of an item that cannot be planned yet: the plan is made again when more was read."""


def plan(items: Sequence[Intent], state: State, author: Author, *, dry_run: bool) -> list[Registered]:
    """One outcome per item, in order; ``state`` holds afterwards what is to be written.

    An item sees what earlier ones made, except a dry run's. While ``state.wants`` more, the outcomes mean nothing.
    """
    return [_one(item, Draft(state, author), dry_run=dry_run) for item in items]


def keys_of(item: Intent) -> list[Key]:
    """The idempotency keys of an item: that of the call that it is a part of, and its own."""
    key: Key | None = getattr(item, "key", None)
    return [] if key is None else [*((key.within,) if key.within else ()), key]


def _one(item: Intent, draft: Draft, *, dry_run: bool) -> Registered:
    dry = dry_run or (isinstance(item, Registration) and item.dry_run)
    try:
        done = _drafted(item, draft, dry=dry)
    except RefusedItemError as refused:
        done = refused.registered
    except UnreadError:
        return _UNREAD
    return replace(done, hidden=tuple(draft.hidden)) if draft.hidden else done


def _drafted(item: Intent, draft: Draft, *, dry: bool) -> Registered:
    """Draft an item with its audit, and adopt it; what was done under its key before is not done again."""
    keys = keys_of(item)
    before = [answered(draft, key) for key in keys]
    if before and before[-1] is not None:
        return before[-1]
    done = HANDLERS[type(item)](draft, item)
    if not dry:
        audit(draft)
        for key, answer in zip(keys, before, strict=True):
            if answer is None:  # the call's own has one since its first item
                keep(draft, key, done)
        draft.adopt()
    return done
