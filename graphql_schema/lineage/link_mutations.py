"""Edges by themselves: declaring one, and ending it."""

from functools import lru_cache
from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.enums import EdgeOrigin, RelationName
from graphql_schema.catalog.relations import RELATIONS, VERSION_OF, Direction, Hop
from graphql_schema.catalog.urn import parent_urn, parse_urn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import PropertyInput
from graphql_schema.inputs.input_fields import SHARE, attribute
from graphql_schema.inputs.payloads import MutationError, payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.values import InputError, require_kind, values_of
from graphql_schema.lineage.lineage_edge import LineageEdge
from graphql_schema.ports.commands import LinkCommand, UnlinkCommand
from graphql_schema.ports.relation_query import ALL, RelationQuery, related


@strawberry.input(description="Declares an edge; declaring it again merges its properties.")
class LinkInput:
    """Declares an edge."""

    relation: RelationName = strawberry.field(description="The relation.")
    from_: strawberry.ID = strawberry.field(name="from", description="The id of where the data flows from.")
    to: strawberry.ID = strawberry.field(description="The id of where the data flows to.")
    origin: EdgeOrigin | None = strawberry.field(
        description="How the edge came to be known.", default=EdgeOrigin.DECLARED
    )
    confidence: float | None = attribute("How sure, from 0 to 1; certain when absent.", within=SHARE)
    valid_from: Instant | None = attribute("Since when it holds; now when absent.")
    valid_to: Instant | None = attribute("Until when it holds; open when absent.")
    run_id: strawberry.ID | None = attribute("The run that saw it.")
    declassify: bool | None = attribute(
        "Whether its data is no longer sensitive when it arrives, so that sensitivity does not flow over it. To change "
        "this takes the right to approve where the data arrives; a link that does not say it leaves it alone.",
        stored="declassified",
    )
    properties: list[PropertyInput] | None = attribute("Free facts about the edge, merged by key with those stored.")


@strawberry.input(description="Ends an edge, whoever declared it; linked again it opens anew and keeps its past.")
class UnlinkInput:
    """Ends an edge."""

    relation: RelationName = strawberry.field(description="The relation.")
    from_: strawberry.ID = strawberry.field(name="from", description="The id of where the data flows from.")
    to: strawberry.ID = strawberry.field(description="The id of where the data flows to.")
    valid_to: Instant | None = strawberry.field(description="When it ended; now when absent.", default=None)


async def _edge(root: Parent, info: Info) -> Any:
    """The edge that was written, as the viewer may see it, from its consumer's end, which has few of them."""
    link = root["link"]
    relation = RELATIONS[link.relation]
    out = relation.owning_end is Direction.IN
    near, far = (link.source, link.target) if out else (link.target, link.source)
    row = await info.context.reader.node(near)
    if row is None or root["errors"]:
        return None
    hop = Hop(relation, Direction.OUT if out else Direction.IN, (parse_urn(far).kind,))
    found = await info.context.reader.related(row, edges_over(hop), ALL)
    item = next((item for item in found.items if item.row.urn == far), None)
    return None if item is None else item.edge_as("LineageEdge", id=(item.edge or {})["edgeId"])


@strawberry.type(description="What came of linking or unlinking.")
class LinkPayload:
    """What came of linking or unlinking."""

    changed: bool = stored_field("Whether anything was written.")
    edge: LineageEdge | None = strawberry.field(
        description="The edge as it holds now, as the viewer may see it; null once it has ended.", resolver=_edge
    )
    errors: list[MutationError] = stored_field("Why it was not written; empty when it was.")


LinkArg = Annotated[LinkInput, strawberry.argument(description="The edge.")]
UnlinkArg = Annotated[UnlinkInput, strawberry.argument(description="The edge.")]


async def _link(info: Info, input: LinkArg) -> Any:
    return {**payload(await submit_one(info, lambda: linking_of(input))), "link": _ends(input)}


async def _unlink(info: Info, input: UnlinkArg) -> Any:
    return {**payload(await submit_one(info, lambda: _unlinking_of(input))), "link": _ends(input)}


link: LinkPayload = strawberry.field(
    description="Declares an edge; declaring it again merges its properties.", resolver=_link
)
unlink: LinkPayload = strawberry.field(
    description="Ends an edge, whoever declared it. Needs the right to link what it is said of.", resolver=_unlink
)


def linking_of(given: LinkInput) -> LinkCommand:
    """The edge that a link asks for; raises InputError when the catalog has no such edge."""
    relation, source, target = _checked(given)
    if source == target and not RELATIONS[relation].lineage:
        raise InputError(f"{relation} cannot lead from {target} to itself; name another.", "to")
    if relation == VERSION_OF.name and parent_urn(source) != target:
        raise InputError(f"{source} is a version of {parent_urn(source)} and of nothing else.", "to")
    facts = {**values_of(given), "origin": (given.origin or EdgeOrigin.DECLARED).name}
    return LinkCommand(relation, source, target, facts)


def _unlinking_of(given: UnlinkInput) -> UnlinkCommand:
    return UnlinkCommand(*_checked(given), given.valid_to)


def _checked(given: LinkInput | UnlinkInput) -> tuple[str, str, str]:
    relation = RELATIONS[given.relation.name]
    source = require_kind(given.from_, tuple({a for a, _ in relation.ends}), "from")
    require_kind(given.to, tuple({b for a, b in relation.ends if a == source}), "to")
    return relation.name, given.from_, given.to


def _ends(given: LinkInput | UnlinkInput) -> LinkCommand:
    return LinkCommand(given.relation.name, given.from_, given.to)


@lru_cache(maxsize=512)
def edges_over(hop: Hop) -> RelationQuery:
    """All edges over a hop; the same value for equal hops, since loaders go by it."""
    return related(hop)
