"""The mutations link and unlink, which declare and end single edges."""

from collections.abc import Generator
from functools import lru_cache
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import EdgeOrigin, References, RelationName, Sensitivity
from graphql_schema.catalog.relations import RELATIONS, VERSION_OF, Direction, Hop
from graphql_schema.catalog.urn import parent_urn, parse_urn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import PropertyInput
from graphql_schema.inputs.input_fields import SHARE, attribute, dry_run_field, references_field
from graphql_schema.inputs.payloads import MutationError, changed_field, payload, placeholders_field
from graphql_schema.inputs.registration import known_ids_of
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import InputError, require_kind, value_steps
from graphql_schema.lineage.lineage_edge import LineageEdge
from graphql_schema.ports.commands import LinkCommand, UnlinkCommand, changes_source
from graphql_schema.ports.outcomes import WriteOutcome
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ALL, RelationQuery, related


@strawberry.input(
    description="An edge to declare; declaring it again merges its properties. If it has ended, a new interval begins "
    "with the given values only. But with `validTo`, an interval that begins before the stored end corrects the stored "
    "interval."
)
class LinkInput:
    """An edge to declare."""

    relation: RelationName = strawberry.field(description="Relation of the edge.")
    from_: strawberry.ID = strawberry.field(
        name="from", description="Id at the start of the edge; in lineage the data flows from there."
    )
    to: strawberry.ID = strawberry.field(description="Id at the end of the edge; in lineage the data flows there.")
    origin: EdgeOrigin | None = strawberry.field(
        description="Origin of the edge; DECLARED by default. A valid edge keeps a stronger origin: OBSERVED before "
        "DECLARED, DECLARED before INFERRED.",
        default=EdgeOrigin.DECLARED,
    )
    confidence: float | None = attribute(
        "Confidence from 0 to 1; a new edge without it is certain. Ignored if the edge keeps a stronger origin.",
        within=SHARE,
    )
    valid_from: Instant | None = attribute(
        "Begin of the validity of the edge. If absent, a new edge is valid from now on, a new VERSION_OF, PRECEDES, "
        "RUN_OF, CHILD_OF, STARTED_BY or CONTAINS always. Not in the future for DEPLOYED_AS, or CONTAINS from a domain "
        "or feature set."
    )
    valid_to: Instant | None = attribute(
        "End of the validity of the edge; for a new edge open if absent. Not in the future for DEPLOYED_AS, or "
        "CONTAINS from a domain or feature set."
    )
    run_id: strawberry.ID | None = attribute("Id of the run that observed the edge.")
    declassify: bool | None = attribute(
        "Whether the data is not sensitive any more at the target, so that neither sensitivity nor tags propagate over "
        "the edge. A change requires the right to approve on the target, for PRODUCES on the source and on a visible "
        "target. If absent, a valid edge keeps its value, and a reopened edge is not declassified.",
        stored="declassified",
    )
    properties: list[PropertyInput] | None = attribute(
        "Free properties of the edge, merged by key with those of a valid edge."
    )
    dry_run: bool | None = dry_run_field()
    references: References | None = references_field()


@strawberry.input(
    description="An edge to end, neither VERSION_OF nor one of an inference rule. Linked again, it is reopened and "
    "keeps its history."
)
class UnlinkInput:
    """An edge to end."""

    relation: RelationName = strawberry.field(description="Relation of the edge.")
    from_: strawberry.ID = strawberry.field(
        name="from", description="Id at the start of the edge: of an asset, or with CONTAINS of a domain."
    )
    to: strawberry.ID = strawberry.field(
        description="Id at the end of the edge: of an asset, or with STARTED_BY of a user."
    )
    valid_to: Instant | None = strawberry.field(
        description="Instant at which the edge ends or ended; if absent, now, or the begin of an edge that begins "
        "later. It also corrects an earlier end. Not in the future for DEPLOYED_AS, or CONTAINS from a domain or "
        "feature set.",
        default=None,
    )
    dry_run: bool | None = dry_run_field()


async def _edge(root: Parent, info: Info) -> Resolved:
    """Return the edge as stored now, if it is valid and the viewer may see it; None otherwise.

    None also if an end was absent or hidden before the call. Otherwise the stub that a link to an absent id leaves
    behind would distinguish that id from a hidden one. The edge is read from its owning end, usually the
    consumer, because the other end can have very many edges.
    """
    if root["errors"] or not (root["farEndKnown"] and root["changedEndKnown"]):  # an id may be malformed
        return None
    link = root["link"]
    relation = RELATIONS[link.relation]
    out = relation.owning_end is Direction.IN
    near, far = (link.source, link.target) if out else (link.target, link.source)
    row, end = await info.context.reader.nodes([near, far])
    if row is None or end is None:
        return None
    hop = Hop(relation, Direction.OUT if out else Direction.IN, (parse_urn(far).kind,))
    found = await info.context.reader.related(row, edges_over(hop), ALL)
    item = next((item for item in found.items if item.row.vid == end.vid), None)
    return None if item is None else item.edge_as("LineageEdge", id=item.edge_id)


async def _asset(root: Parent, info: Info) -> Resolved:
    if root["errors"] or not root["changedEndKnown"]:
        return None
    link = root["link"]
    return await info.context.reader.node(link.source if changes_source(link) else link.target)


def _effect(root: Parent) -> Resolved:
    """Return the effect that a carrying edge can have, as a sentence that depends only on the input.

    None after an error, and for the other relations.
    """
    link = root["link"]
    if root["errors"] or not RELATIONS[link.relation].carries:
        return None
    if root["ends"]:
        return (
            f"After the end of {link.relation}, a job removes from {link.target} the sensitivity and tags that only "
            "this edge propagated."
        )
    return (
        f"{link.relation} can propagate the sensitivity and the propagating tags of {link.source} to {link.target}, "
        "but not after its end, nor while it is declassified or unconfirmed."
    )


@strawberry.type(description="Result of declaring or ending an edge.")
class LinkPayload:
    """Result of link and unlink."""

    changed: bool = changed_field()
    edge: LineageEdge | None = strawberry.field(
        description="The edge as stored now, if it is valid and the viewer may see it; otherwise null, such as after "
        "an error. Null also if one of its ends was absent or hidden before the call.",
        resolver=_edge,
    )
    asset: AssetRef | None = strawberry.field(
        description="The asset that the edge changes, usually the consumer of the data, as it is now. Null after an "
        "error, or if it was absent or hidden from you before the call.",
        resolver=_asset,
    )
    sensitivity_before: Sensitivity | None = stored_field(
        "The effective `sensitivity` of `asset` before the call, to compare with the present one; of the `to` end if "
        "the call confirms an edge there. Null after an error, for a new asset, or if it is hidden from you."
    )
    effect: str | None = strawberry.field(
        description="A sentence on the sensitivity and the tags that an edge of the relation can propagate to its `to` "
        "end. Null after an error, or if the relation is none of INPUT_TO, PRODUCES, DERIVES, FEEDS, BASE_OF and "
        "EVALUATED_BY.",
        resolver=_effect,
    )
    placeholders: list[strawberry.ID] = placeholders_field()
    errors: list[MutationError] = stored_field(
        "Reasons why the edge was not written; empty unless the call was rejected."
    )


LinkArg = Annotated[LinkInput, strawberry.argument(description="The edge to declare.")]
UnlinkArg = Annotated[UnlinkInput, strawberry.argument(description="The edge to end.")]


async def _link(info: Info, input: LinkArg) -> Resolved:
    return _payload(await submit_one(info, linking_steps, input), input)


async def _unlink(info: Info, input: UnlinkArg) -> Resolved:
    return _payload(await submit_one(info, _unlinking_of, input, dry_run=input.dry_run), input)


def _payload(result: WriteOutcome, given: LinkInput | UnlinkInput) -> JsonObject:
    before = {"sensitivityBefore": result.sensitivity_before}
    return {**payload(result), **before, "link": _ends(given), "ends": isinstance(given, UnlinkInput)}


link: LinkPayload = strawberry.field(
    description="Declares one edge; declaring it again merges its properties. Requires the right to link on each "
    "visible end that the edge changes, usually the consumer of the data. A caller with this right on the `to` end "
    "only may confirm an edge that others declared without it.",
    resolver=_link,
)
unlink: LinkPayload = strawberry.field(
    description="Ends an edge, whichever inputs declared it; requires the right to link on each visible end that the "
    "edge changes, usually the consumer of the data.",
    resolver=_unlink,
)


def linking_steps(given: LinkInput) -> Generator[None, None, LinkCommand]:
    """Return the command for a link; raise InputError if the edge or one of its values is invalid.

    Pauses after each element of a list of values.
    """
    relation, source, target = _checked(given)
    if source == target and not RELATIONS[relation].lineage:
        raise InputError(f"{relation} cannot lead from {target} to itself; give another asset.", "to")
    if relation == VERSION_OF.name and parent_urn(source) != target:
        raise InputError(f"{source} is a version of {parent_urn(source)} only; link it there.", "to")
    if given.run_id:
        require_kind(given.run_id, ("Run",), "runId")
    values = {**(yield from value_steps(given)), "origin": (given.origin or EdgeOrigin.DECLARED).name}
    return LinkCommand(relation, source, target, values, dry_run=bool(given.dry_run), known_ids=known_ids_of(given))


def _unlinking_of(given: UnlinkInput) -> UnlinkCommand:
    """Return the command for an unlink; raise InputError if an id is no URN, or the catalog allows no such edge."""
    return UnlinkCommand(*_checked(given), given.valid_to)


def _checked(given: LinkInput | UnlinkInput) -> tuple[str, str, str]:
    """Return the name of the relation, the source and the target of an input.

    Raises InputError if an id is no URN, or if the relation does not join their kinds.
    """
    relation = RELATIONS[given.relation.name]
    source = require_kind(given.from_, tuple({a for a, _ in relation.ends}), "from")
    require_kind(given.to, tuple({b for a, b in relation.ends if a == source}), "to")
    return relation.name, given.from_, given.to


def _ends(given: LinkInput | UnlinkInput) -> LinkCommand:
    return LinkCommand(given.relation.name, given.from_, given.to)


@lru_cache(maxsize=512)
def edges_over(hop: Hop) -> RelationQuery:
    """Return the query for all edges over a hop; cached, because loaders are keyed by the identity of the query."""
    return related(hop)
