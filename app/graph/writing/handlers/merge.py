"""Merges two datasets that are one: the edges of the first continue at the second, and its id leads there.

The first was only referenced, or described by events alone. A merge declares, confirms and declassifies nothing: each
edge keeps its declarers, its author and its marks. Of two equal edges one is kept, such that what carried sensitivity
still does.
"""

from collections.abc import Iterator
from typing import Final

from app.graph.records.edge_record import UNCONFIRMED, EdgeKey, ended, is_current
from app.graph.records.merged_edge import joined, moved
from app.graph.records.merged_record import MERGE_DEPTH, merge_depth, merged
from app.graph.records.read_time import recorded
from app.graph.records.tag_edge import has_mode
from app.graph.records.vertex_record import (
    ATTACHED_COUNTS,
    FORMER_DELETION,
    GIVEN_BY,
    default_display_name,
    giver_of,
    is_unowned_stub,
    stub,
)
from app.graph.writing.handlers.link import field_of
from app.graph.writing.rules.attach import observation_urn
from app.graph.writing.rules.denials import who_may_take, who_registered
from app.graph.writing.rules.first_owner import is_of_author, may_take
from app.graph.writing.rules.permissions import (
    changed_ends,
    refuse_deleted,
    refuse_withheld,
    require_right,
    require_right_if_visible,
    require_visible,
)
from app.graph.writing.unit.apart_declarations import declarers, declarers_of_others, with_declarers
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import RejectedItemError, conflict, denied
from graphql_schema.catalog.enums import ChangeAction, TagMode
from graphql_schema.catalog.relations import (
    CHANGED,
    INGESTED_INTO,
    LINEAGE,
    OBSERVATION_OF,
    RELATIONS,
    REPLACED_BY,
    TAGGED,
    Direction,
    Hop,
)
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.commands import MergeCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record
from graphql_schema.ports.turns.sorted_parts import sorted_in_runs
from graphql_schema.rules.change_stamp import MADE_BY, REGISTERED_AT, REGISTERED_BY, RESERVED_FOR
from graphql_schema.rules.observation.observed_columns import COLUMNS
from graphql_schema.rules.observation.observed_values import is_observed
from policies.blurred_limit import blurred

MAX_MOVED: Final = 500
"""Maximal number of edges that a merge moves: all other writers wait for its one transaction."""

MAX_DEPTH: Final = 16
"""Maximal number of merges that an id leads over: each read of the id follows all of them."""

_MOVED: Final = (*LINEAGE, REPLACED_BY)
"""The relations whose edges move."""

_STAY: Final = frozenset({CHANGED.name, INGESTED_INTO.name, OBSERVATION_OF.name})
"""The relations of records about the past of the merged dataset, which stay there."""

_BOOKKEEPING: Final = frozenset(
    {"hydration", "revision", "createdAt", "createdBy", "updatedAt", "updatedBy", "index", "name"}
    | {"sensitivity", "confirmedSensitivity", "ownerTeam", GIVEN_BY, RESERVED_FOR, MADE_BY, MERGE_DEPTH}
    | {REGISTERED_BY, REGISTERED_AT, ATTACHED_COUNTS, FORMER_DELETION}
)
"""Record keys that are no values which a client has given. What they say about owners and tags is compared apart."""


def merge(unit: ItemUnit, command: MergeCommand) -> WriteOutcome:
    """Merge one dataset into another.

    Raises RejectedItemError if one of them is hidden or deleted, the caller has not made the first, or may not update
    and link the second. An edge of the first may also lead to a visible asset that the caller may not link. Others may
    have linked it to a hidden asset, or to one that they registered and that has no owner. The last causes are more
    than references and observed values, more than MAX_MOVED edges, and ids that lead to the first over more than
    MAX_DEPTH merges.
    """
    source, target = require_visible(unit, command.source, "from"), require_visible(unit, command.target, "into")
    gone, remaining = unit.lookup.vid(command.source), unit.lookup.vid(command.target)
    if gone == remaining:
        return WriteOutcome(Outcome.UNCHANGED, target["id"], target["revision"])
    _authorise(unit, source, target)
    refuse_deleted(source, "from")
    refuse_deleted(target, "into")
    unit.lookup.require_hops(*((hop, gone) for hop in _hops(source)))
    own = _edges(unit, source, gone)
    _refuse_described(unit, source, own, gone, remaining)
    depth = _checked_depth(source, target)
    edges = _moving(source, own, gone, remaining)
    _authorise_edges(unit, source, edges, gone)
    unit.lookup.require_edges(*(key for _, key in edges))
    for key, new in edges:
        _move(unit, key, new, (gone, remaining))
    unit.staging.put(gone, merged(source, remaining, target["id"], unit.now))
    unit.staging.put(remaining, {**unit.lookup.known(remaining), MERGE_DEPTH: depth})
    unit.audit.record_action(gone, ChangeAction.MERGED, command.reason)
    unit.audit.record_action(remaining, ChangeAction.MERGED)
    unit.audit.record_field(gone, "into", None, {"id": target["id"]})
    unit.audit.record_field(remaining, "from", None, {"id": source["id"]})
    unit.staging.bump_revisions(remaining)
    return WriteOutcome(Outcome.UPDATED, target["id"], unit.lookup.known(remaining)["revision"])


def _authorise(unit: ItemUnit, source: Record, target: Record) -> None:
    """Require the rights to register ``source``, and to change ``target`` and its edges.

    The caller must also have made ``source``, or may retire it: hidden assets may refer to a stub of others, and a
    condition on these would disclose them. A reserved id without an owner leads away by who may take it.
    """
    require_right(unit, "register" if source["hydration"] == "STUB" else "update", source, "from")
    if not is_of_author(unit, source):
        raise denied(
            f"Only {who_registered(unit, source)} {source['id']} or referred to it first, or an administrator may "
            "merge it into another; let one of them make the change.",
            "from",
        )
    if not source["ownerTeam"] and not may_take(unit, source):
        raise denied(
            f"{source['id']} has no owner. Only {who_may_take(unit, source)} or an administrator may merge it into "
            "another; let one of them make the change.",
            "from",
        )
    for right in ("update", "link"):
        require_right(unit, right, target, "into")


def _authorise_edges(unit: ItemUnit, source: Record, edges: list[tuple[EdgeKey, EdgeKey]], gone: int) -> None:
    """Require the right to link each asset whose edge would continue at another dataset.

    This holds for the own edges of the caller as well, because an asset may have got another owner since. An own edge
    that is not confirmed changes no other asset. A merge is not undone, so of what others declared, more is needed
    than for a registration: of a registered asset without an owner, the caller must be the registrant.

    An asset that the caller may not see prevents the merge. If it is the source of an edge that others declared, its
    sensitivity and tags would reach the other dataset by an edge that the caller could not end. The message does not
    name the asset, because the caller has not. Administrators may move all edges.
    """
    may_administer = unit.visibility.allows("administer", source).allowed
    has_hidden = False
    for key, _ in edges:
        edge = unit.lookup.edge(key) or {}
        of_others = _is_of_others(unit, edge)
        if edge.get(UNCONFIRMED) and not of_others:
            continue
        for record in changed_ends(unit, key, without=gone):
            refuse_withheld(unit, record, "from")
            is_visible = unit.visibility.is_visible(record)
            has_hidden |= not (is_visible or is_unowned_stub(record))
            is_shown = is_visible and require_right_if_visible(unit, "link", record, "from")
            if is_shown and of_others and not may_administer:
                _refuse_unowned_of_others(unit, record)
        far = key[2] if key[1] == gone else key[1]
        has_hidden |= of_others and not unit.visibility.is_visible(unit.lookup.known(far))
    if has_hidden and not may_administer:
        raise _described(source)


def _is_of_others(unit: ItemUnit, edge: Record) -> bool:
    """Return whether others recorded or declared an edge."""
    subject = unit.author.subject
    return edge.get("recordedBy") != subject or bool(declarers_of_others(edge, subject, unit.now))


def _refuse_unowned_of_others(unit: ItemUnit, record: Record) -> None:
    """Reject the item as DENIED if a registered asset has no owner and the caller did not register it."""
    if not record["ownerTeam"] and not may_take(unit, record):
        raise denied(
            f"{record['id']} has no owner, and others declared its edge, which the merge would move. Only "
            f"{who_may_take(unit, record)} or an administrator may permit that; let one of them make the change.",
            "from",
        )


def _checked_depth(source: Record, target: Record) -> int:
    """Return the merge depth of ``target`` after the merge; reject the item if it is more than MAX_DEPTH."""
    depth = merge_depth(source, target)
    if depth > MAX_DEPTH:
        raise conflict(
            f"A chain of {MAX_DEPTH} merges ends at {source['id']}, and a longer one is not permitted. "
            "Keep it, and let `setStage` name the other one as `replacedBy`.",
            source["revision"],
            "from",
        )
    return depth


def _hops(record: Record) -> Iterator[Hop]:
    """Yield the hops over all edges of a dataset that a merge moves, or that prevent it."""
    kind = parse_urn(record["id"]).kind
    for relation in RELATIONS.values():
        if relation.name not in _STAY:
            if any(source == kind for source, _ in relation.ends):
                yield relation.out()
            if any(target == kind for _, target in relation.ends):
                yield relation.into()


def _refuse_described(unit: ItemUnit, source: Record, own: list[EdgeKey], gone: int, remaining: int) -> None:
    """Reject the item if a dataset has values that a client gave, owners, a domain, tags, versions or records about it.

    ``own`` are the keys of its edges. Propagated tags do not count. Hidden parts count, and the message does not say
    which part there is.
    """
    evidence = unit.lookup.record(observation_urn(unit.author.tenant, source["id"]))
    plain = stub(source["tenant"], source["id"], source["createdBy"], source["createdAt"])
    plain = {**plain, "displayName": default_display_name(source["name"], None)}
    entries = {} if evidence is None else evidence["entries"]
    differing = {name for name in source.keys() | plain.keys() if source.get(name) != plain.get(name)} - _BOOKKEEPING
    is_mixed = giver_of(source, COLUMNS) is None
    is_given = any(
        not is_observed(name, source.get(name), entries.get(name, {}), is_mixed=is_mixed) for name in differing
    )
    has_own = any(_is_own_edge(unit, key, gone, remaining) for key in own)
    if is_given or has_own or source["index"]["owners"]:
        raise _described(source)


def _described(source: Record) -> RejectedItemError:
    """Return the rejection of a merge because of what the dataset has, which the message does not name."""
    return conflict(
        f"{source['id']} has more than references and values of events: values, owners, tags, a domain, versions, "
        "checks, incidents, decisions, plans, usage, a replacement, or references by assets that you may not see. "
        "Keep it, and let `setStage` name the other one as `replacedBy`; or remove these first. An administrator may "
        "merge it if it has only references.",
        source["revision"],
        "from",
    )


def _edges(unit: ItemUnit, record: Record, vid: int) -> list[EdgeKey]:
    """Return the keys of the current edges of a dataset over all :func:`_hops`, each once, also unconfirmed ones."""
    found = {key for hop in _hops(record) for key in unit.lookup.edges_at(hop.relation.name, hop.direction, vid)}
    return sorted_in_runs(key for key in found if is_current(unit.lookup.edge(key), unit.now))


def _is_own_edge(unit: ItemUnit, key: EdgeKey, gone: int, remaining: int) -> bool:
    """Return whether an edge is more than a reference to the dataset, so that it prevents the merge."""
    if key[0] == REPLACED_BY.name:
        return key[1] == gone and key[2] != remaining
    if key[0] == TAGGED.name:
        return not has_mode(unit.lookup.edge(key) or {}, TagMode.PROPAGATED, unit.now)
    return RELATIONS[key[0]] not in _MOVED


def _moving(source: Record, own: list[EdgeKey], gone: int, remaining: int) -> list[tuple[EdgeKey, EdgeKey]]:
    """Return the keys of those of its ``own`` edges that move, each with its key at the remaining dataset.

    Raises RejectedItemError if there are more than MAX_MOVED, blurred, because hidden ones count.
    """
    keys = [key for key in own if RELATIONS[key[0]] in _MOVED]
    if len(keys) > blurred(MAX_MOVED):
        raise conflict(
            f"{source['id']} has more than {MAX_MOVED} edges, and a merge is one transaction. Keep it, and let "
            "`setStage` name the other one as `replacedBy`.",
            source["revision"],
            "from",
        )
    ends = {gone: remaining}
    return [(key, (key[0], ends.get(key[1], key[1]), ends.get(key[2], key[2]))) for key in keys]


def _move(unit: ItemUnit, key: EdgeKey, new: EdgeKey, merging: tuple[int, int]) -> None:
    """Stage the end of an edge, and its continuation; none that would let a dataset replace itself.

    Declarers and authors of the edge stay, so that no caller gets a right on it.
    """
    edge, before = unit.lookup.edge(key) or {}, unit.lookup.edge(new)
    unit.staging.keep_edge(key, recorded(edge, ended(edge, unit.now), unit.now))
    _audit(unit, key, merging)
    if key[0] == REPLACED_BY.name and new[1] == new[2]:
        return
    joins = before is not None and is_current(before, unit.now)
    after = joined(before or {}, edge, unit.now) if joins else moved(before, edge, unit.now)
    given = {**declarers(edge, unit.now), **declarers(before, unit.now)}
    after = with_declarers(after, given, after["recordedBy"])
    if after != before:
        unit.staging.keep_edge(new, {**recorded(before, after, unit.now), "recordedAt": unit.now})
        _audit(unit, new, merging)


def _audit(unit: ItemUnit, key: EdgeKey, merging: tuple[int, int]) -> None:
    """Record the change of an edge as that of the end that the edge changes, or of a hidden other end.

    The author of a change sees its edges to ends that were hidden, so that of a merged dataset has no such edge.
    """
    relation, source_kind = RELATIONS[key[0]], unit.lookup.kind(key[1])
    outward = Direction.IN in relation.changed_ends(source_kind)
    own, far = (key[1], key[2]) if outward else (key[2], key[1])
    if own in merging and not unit.visibility.is_visible(unit.lookup.known(far)):
        own, outward = far, not outward
    unit.audit.record_edge(own, field_of(relation, source_kind, outward=outward), key)
    if own not in merging:
        unit.audit.record_action(own, ChangeAction.MERGED)
