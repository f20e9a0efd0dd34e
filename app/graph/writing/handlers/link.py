"""Linking and unlinking: one edge by itself, over a draft."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.graph.records.edge_record import (
    DECLASSIFIED,
    LINK,
    UNCONFIRMED,
    EmptyIntervalError,
    ended,
    is_current,
    linked,
    with_confirmation,
)
from app.graph.writing.rules.edge_effects import change_edge
from app.graph.writing.rules.permissions import (
    needs_confirmation,
    permit_known,
    refuse_deleted,
    require_right,
    require_visible,
)
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import invalid, not_found
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import RELATIONS, VERSION_OF, Direction, Relation
from graphql_schema.catalog.urn import parent_urn, parse_urn
from graphql_schema.ports.commands import LinkCommand, Unlinking
from graphql_schema.ports.outcomes import Outcome, WriteOutcome


def link(unit: ItemUnit, item: LinkCommand) -> WriteOutcome:
    """Draft the edge; raises RejectedItemError where it cannot be.

    What is hidden at the end that the link does not change is treated as what is not there: it makes no difference.
    Links do not count in the revision of their ends, which would tell of such.
    """
    relation = RELATIONS[item.relation]
    source_kind, target_kind = parse_urn(item.source).kind, parse_urn(item.target).kind
    if not relation.allows(source_kind, target_kind):
        raise invalid(f"{relation.name} does not join {source_kind} to {target_kind}; {_joins(relation)}.", "to")
    if relation is VERSION_OF and parent_urn(item.source) != item.target:
        raise invalid(f"{item.source} is a version of {parent_urn(item.source)} and of nothing else.", "to")
    if item.facts.get(DECLASSIFIED) and not relation.carries:
        raise invalid(f"No data flows over {relation.name}, so there is nothing to declassify.", "declassify")
    changed = item.source if Direction.IN in relation.changed_ends(source_kind) else item.target
    own = unit.ensure_stub(changed)
    require_right(unit, "link", unit.known(own))
    refuse_deleted(unit.known(own))
    source, target = unit.ensure_stub(item.source), unit.ensure_stub(item.target)
    unit.report_hidden_id(item.source, source)
    unit.report_hidden_id(item.target, target)
    key = (relation.name, source, target)
    claim = needs_confirmation(unit, key, own, LINK)
    before = unit.state.edges.get(key)
    with _empty_interval_rejected():
        after, again = linked(unit.edge(key), relation, item.facts, unit.now)
    if bool(after.get(DECLASSIFIED)) != bool((before or {}).get(DECLASSIFIED)) and DECLASSIFIED in item.facts:
        require_right(unit, "approve", unit.known(own))
        permit_known(unit, "approve", unit.known(target))
    change_edge(
        unit, key, with_confirmation(after, claim=claim), own, field_of(relation, source_kind, outward=own == source)
    )
    unit.record_action(own, ChangeAction.LINKED)
    unit.bump_revisions()
    outcome = Outcome.UPDATED if unit.changes else Outcome.UNCHANGED
    outcome = Outcome.CREATED if again or before is None else outcome
    return WriteOutcome(outcome, revision=unit.known(own)["revision"])


def unlink(unit: ItemUnit, item: Unlinking) -> WriteOutcome:
    """Draft the end of an edge; raises RejectedItemError where there is none that the caller may end."""
    relation, source_kind = RELATIONS[item.relation], parse_urn(item.source).kind
    if relation is VERSION_OF:
        raise invalid(f"{item.source} is a version of {item.target} by its id; delete it instead.", "relation")
    outward = Direction.IN in relation.changed_ends(source_kind)
    changed, other = (item.source, item.target) if outward else (item.target, item.source)
    record = require_visible(unit, changed, "from" if outward else "to")
    require_right(unit, "link", record)
    refuse_deleted(record)
    own, far = unit.vid(changed), unit.vid(other)
    key = (relation.name, own, far) if outward else (relation.name, far, own)
    edge = unit.edge(key)
    unit.report_hidden_id(other, far)
    secret = edge is not None and not (edge.get(UNCONFIRMED) or unit.is_visible(unit.known(far)))
    if edge is None or secret or not (is_current(edge, unit.now) or item.valid_to is not None):
        raise not_found(f"No {relation.name} leads from {item.source} to {item.target}; there is nothing to end.", "to")
    with _empty_interval_rejected():
        after = ended(edge, unit.now, item.valid_to)
    moved = change_edge(unit, key, after, own, field_of(relation, source_kind, outward=outward))
    unit.record_action(own, ChangeAction.UNLINKED)
    unit.bump_revisions()
    return WriteOutcome(Outcome.UPDATED if moved else Outcome.UNCHANGED, revision=unit.known(own)["revision"])


_FIELDS: Final = {
    ("CONTAINS", "Domain", False): "domain",
    ("CONTAINS", "FeatureSet", True): "features",
    ("CONTAINS", "FeatureSet", False): "featureSet",
    ("CONTAINS", "Workflow", True): "steps",
    ("RUN_OF", "Run", True): "workflow",
    ("CHILD_OF", "Run", True): "parentRun",
    ("STARTED_BY", "Run", True): "startedBy",
    ("REPLACED_BY", "", True): "replacedBy",
}
"""The field that an edge of no lineage is of, by relation, kind of its *from* end, and whether it leaves its owner."""


def field_of(relation: Relation, source_kind: str, *, outward: bool) -> str:
    """The field of the end that an edge is said of which shows it: what its audit is policed by."""
    if relation.lineage:
        return "downstream" if outward else "upstream"
    named = _FIELDS.get((relation.name, source_kind, outward)) or _FIELDS.get((relation.name, "", outward))
    return named or relation.name


@contextmanager
def _empty_interval_rejected() -> Iterator[None]:
    try:
        yield
    except EmptyIntervalError as error:
        raise invalid(*error.args) from error


def _joins(relation: Relation) -> str:
    sources = sorted({source for source, _ in relation.ends})
    joins = [f"{source} to {', '.join(sorted(b for a, b in relation.ends if a == source))}" for source in sources]
    return "it joins " + "; ".join(joins)
