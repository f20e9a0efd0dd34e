"""Linking: one edge by itself, over a draft."""

from app.graph.writing.consequences import change_edge
from app.graph.writing.draft import Draft
from app.graph.writing.edges import DECLASSIFIED, claimed, linked
from app.graph.writing.permits import claims, permit, permit_known
from app.graph.writing.refusal import invalid
from graphql_schema.catalog import RELATIONS, VERSION_OF, Direction, Relation
from graphql_schema.enums import Outcome
from graphql_schema.registration import Linking, Registered
from graphql_schema.urn import parse_urn, whole_urn


def link(draft: Draft, item: Linking) -> Registered:
    """Draft the edge; raises RefusedItemError where it cannot be.

    What is hidden at the end that the link does not change is treated as what is not there: it makes no difference.
    """
    relation = RELATIONS[item.relation]
    source_kind, target_kind = parse_urn(item.source).kind, parse_urn(item.target).kind
    if not relation.allows(source_kind, target_kind):
        raise invalid(f"{relation.name} does not join {source_kind} to {target_kind}; {_joins(relation)}.", "to")
    if relation is VERSION_OF and whole_urn(item.source) != item.target:
        raise invalid(f"{item.source} is a version of {whole_urn(item.source)} and of nothing else.", "to")
    if item.facts.get(DECLASSIFIED) and not relation.carries:
        raise invalid(f"No data flows over {relation.name}, so there is nothing to declassify.", "declassify")
    changed = item.source if Direction.IN in relation.changed_ends(source_kind) else item.target
    own = draft.ensure(changed)
    permit(draft, "link", draft.known(own))
    source, target = draft.ensure(item.source), draft.ensure(item.target)
    draft.meet(item.source, source)
    draft.meet(item.target, target)
    key = (relation.name, source, target)
    claim = claims(draft, key, own)
    before = draft.state.edges.get(key)
    after, again = linked(draft.edge(key), relation, item.facts, draft.now)
    if bool(after.get(DECLASSIFIED)) != bool((before or {}).get(DECLASSIFIED)) and DECLASSIFIED in item.facts:
        permit(draft, "approve", draft.known(own))
        permit_known(draft, "approve", draft.known(target))
    change_edge(draft, key, claimed(after, claim=claim), own=own)
    draft.stamp()
    outcome = Outcome.UPDATED if draft.edges or draft.vertices else Outcome.UNCHANGED
    outcome = Outcome.CREATED if again or before is None else outcome
    return Registered(outcome, revision=draft.known(own)["revision"])


def _joins(relation: Relation) -> str:
    sources = sorted({source for source, _ in relation.ends})
    joins = [f"{source} to {', '.join(sorted(b for a, b in relation.ends if a == source))}" for source in sources]
    return "it joins " + "; ".join(joins)
