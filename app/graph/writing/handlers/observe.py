"""Folds what an event says about an asset into the asset, and registers the result.

The evidence of an asset is an attached record of its own. An event that changes no visible value therefore changes no
revision and makes no audit entry. Rights, stubs, audit and effects are those of a registration, because the
fold ends in one. Edges are checked one by one: an edge that the caller may not declare is left out, and the others are
declared.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from app.graph.records.edge_record import REMOVED, EdgeKey, is_current
from app.graph.records.tag_edge import has_mode
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import giver_of, without_giver
from app.graph.writing.handlers.register import register
from app.graph.writing.rules.attach import amended, new_attached_record, observation_urn
from app.graph.writing.rules.permissions import needs_confirmation
from app.graph.writing.unit.item_size import commands_in
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.placeholders import ensure_referenced, ensure_stub
from app.graph.writing.unit.rejections import RejectedItemError, invalid
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.relations import OBSERVATION_OF
from graphql_schema.ports.commands import Command, DeclaredEdges, ObserveCommand, RegisterCommand
from graphql_schema.ports.outcomes import ObservedChanges, WriteOutcome
from graphql_schema.ports.record import Record
from graphql_schema.rules.observation.observed_columns import COLUMNS, OBSERVED_FROM, without_sources
from graphql_schema.rules.observation.observed_values import LISTED, Entries, Fold, fold

Refused = list[tuple[str, str, str]]


def observe(unit: ItemUnit, command: ObserveCommand) -> WriteOutcome:
    """Fold the values of an event into an asset, and declare its edges.

    Raises RejectedItemError as a registration does, except for an edge: one that is not accepted is reported in the
    outcome.
    """
    evidence = observation_urn(unit.author.tenant, command.urn)
    unit.lookup.require_records(command.urn, evidence)
    before = unit.lookup.record(command.urn)
    known = unit.lookup.record(evidence)
    entries: Entries = {} if known is None else known["entries"]
    unseen = frozenset() if before is None else unit.visibility.unknown_fields(before)
    is_mixed = giver_of(before or {}, COLUMNS) is None
    folded = fold(before or {}, entries, command.values, unseen, unit.author.subject, is_mixed=is_mixed)
    ensure_stub(unit, command.urn)
    refused: Refused = []
    accepted = [_accepted(unit, command.urn, each, refused, folded.kept) for each in command.edges]
    edges = tuple(each for each in accepted if _remains(each, folded))
    listed = {each.field for each in command.edges if not each.adds}
    values = {name: value for name, value in folded.values.items() if name not in listed}
    counted = frozenset({COLUMNS} & values.keys())
    registration = RegisterCommand(command.urn, {"name": command.name, **values}, edges, counted=counted)
    outcome = register(unit, registration)
    _forget_givers(unit, command.urn, before, unseen & values.keys())
    _keep_evidence(unit, command.urn, evidence, folded.entries)
    return replace(outcome, observed=_changes(unit, command, folded, unseen | {COLUMNS}, refused))


def tables_in(item: Command, state: WorkingSet, tenant: str) -> int:
    """Return the number of assets of an event for which it gives columns, or which have some of earlier events."""
    count = 0
    for command in commands_in(item):
        if isinstance(command, ObserveCommand):
            evidence = state.vertex(vertex_id(tenant, observation_urn(tenant, command.urn))) or {}
            count += COLUMNS in evidence.get("entries", ()) or any(each.field == COLUMNS for each in command.values)
    return count


def _forget_givers(unit: ItemUnit, urn: str, before: Record | None, unseen: Collection[str]) -> None:
    """Forget who gave the ``unseen`` lists of parts, which have parts of other senders now, and the changed columns.

    Columns have a giver still if only their observed sources changed, which a registration leaves.
    """
    vid = unit.lookup.vid(urn)
    after = known = unit.lookup.known(vid)
    was, now = (without_sources(each.get(COLUMNS) or (), (OBSERVED_FROM,)) for each in (before or {}, known))
    for name in {*unseen} & LISTED.keys() | ({COLUMNS} if was != now else set()):
        after = without_giver(after, name)
    if after is not known:
        unit.staging.put(vid, after)


def _remains(edges: DeclaredEdges, folded: Fold) -> bool:
    """Return whether the edges are declared; those that replace earlier ones only if no later event replaced them."""
    return edges.adds or edges.field in folded.accepted


def _accepted(unit: ItemUnit, urn: str, edges: DeclaredEdges, refused: Refused, kept: set[str]) -> DeclaredEdges:
    """Return the edges that the caller may declare; add the others to ``refused``, each with the reason.

    An edge that a client removed, and a tag that a client blocked, is left out, and its field is added to ``kept``.
    A stub is staged for each absent far end, also of a list that a later event has replaced. Otherwise the stubs would
    depend on the order of the events.
    """
    targets = {}
    for far, values in edges.targets.items():
        try:
            _require_declarable(unit, urn, edges, far)
        except RejectedItemError as rejected:
            refused.append((edges.field, far, rejected.outcome.errors[0].message))
        else:
            if _is_kept(unit, urn, edges.hop.edge_key(unit.lookup.vid(urn), unit.lookup.vid(far))):
                kept.add(edges.field)
            else:
                targets[far] = values
    return replace(edges, targets=targets)


def _is_kept(unit: ItemUnit, urn: str, key: EdgeKey) -> bool:
    """Return whether a client decided against the edge; an edge that is concealed from the caller counts as absent.

    What a client removed from a placeholder, or blocked there, is no decision, because anybody could do so.
    """
    edge = unit.visibility.known_edge(unit.lookup.edge(key), key)
    if edge is None or unit.lookup.known(unit.lookup.vid(urn))["hydration"] == "STUB":
        return False
    return bool(edge.get(REMOVED)) or has_mode(edge, TagMode.BLOCKED, unit.now)


def _require_declarable(unit: ItemUnit, urn: str, edges: DeclaredEdges, far: str) -> None:
    """Raise RejectedItemError if :func:`app.graph.writing.rules.edge_declarations.declare_edges` would."""
    own = unit.lookup.vid(urn)
    unit.lookup.require_records(far)
    key = edges.hop.edge_key(own, ensure_referenced(unit, far, edges.field))
    source, target = unit.lookup.kind(key[1]), unit.lookup.kind(key[2])
    if not edges.hop.relation.allows(source, target):
        raise invalid(f"{edges.hop.relation.name} does not join {source} to {target}.", edges.field)
    needs_confirmation(unit, key, own, unit.visibility.known(key), edges.declarer, edges.field)


def _keep_evidence(unit: ItemUnit, urn: str, evidence: str, entries: Entries) -> None:
    """Stage the evidence of an asset; nothing is staged if the stored evidence has the same entries."""
    vid, known = unit.lookup.vid(evidence), unit.lookup.record(evidence)
    if known is None:
        unit.staging.put(vid, new_attached_record(unit, evidence, unit.now, subjects=[urn], entries=entries))
        unit.staging.attach(OBSERVATION_OF, vid, unit.lookup.vid(urn), unit.now)
    elif known["entries"] != entries:
        unit.staging.put(vid, amended(unit, known, entries=entries))


def _changes(
    unit: ItemUnit, command: ObserveCommand, folded: Fold, unseen: frozenset[str], refused: Refused
) -> ObservedChanges:
    """Return what the command changed; a given field that is ``unseen`` by the caller counts, whatever its value."""
    vid = unit.lookup.vid(command.urn)
    stored, after = unit.lookup.batch.vertex(vid) or {}, unit.lookup.known(vid)
    ends = [*_edge_ends(unit, vid)]
    return ObservedChanges(
        changed=tuple(sorted(name for name in folded.values if name in unseen or stored.get(name) != after.get(name))),
        kept=tuple(sorted(folded.kept)),
        outdated=tuple(sorted(folded.outdated)),
        linked=tuple((field, far) for field, far, begins in ends if begins),
        ended=tuple((field, far) for field, far, begins in ends if not begins),
        refused=tuple(refused),
    )


def _edge_ends(unit: ItemUnit, vid: int) -> Iterator[tuple[str, str, bool]]:
    """Yield each edge of the asset that the item changes: its field, its far end, and whether it is current."""
    for change in unit.audit.edges:
        _, source, target = change.key
        far = unit.lookup.known(target if source == vid else source)
        edge = unit.visibility.known_edge(unit.lookup.edge(change.key), change.key)
        yield change.field, unit.visibility.name(far), is_current(edge, unit.now)
