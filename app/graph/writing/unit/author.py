"""The author of a batch: the caller, with the rights that the batch is checked against."""

from collections.abc import Callable, Collection, Container
from dataclasses import dataclass, field
from typing import Final

from app.graph.commits.entries.planned_ends import PlannedEnds
from app.graph.commits.outbox_entry import Caller
from app.graph.commits.sensitivity_floors import FloorView
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.urn import parent_urn, parse_urn
from graphql_schema.rules.change_stamp import dated
from policies.attributes import PolicyAttributes
from policies.decision import Decision
from policies.installation.gates import NO_GATES, Gates
from policies.installation.reserved_names import NOTHING_RESERVED, ReservedNames
from policies.principal import Principal

NO_FLOORS: Final = FloorView("")
"""A view without any sensitivity floor; the default where none can apply."""


def _none_hidden(_kind: str, _attributes: PolicyAttributes) -> Collection[str]:
    return ()


def _none_logged(_kind: str) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Author:
    """The caller of a batch, its instants, and the policy bound to this caller.

    ``now`` is the instant of the write in epoch milliseconds. ``audit_instant`` orders its audit entries and approvals,
    and is later than that of every earlier batch that the process knows. ``may``, ``discovers``, ``reads_field``,
    ``hidden_fields`` and ``logged_fields`` are the methods ``may``, ``is_discoverable``, ``reads_field``,
    ``fields_hidden_by_rules`` and ``logged_fields`` of :class:`policies.access.Access`. ``user`` is the URN of the
    caller's own user, and ``owners`` those of all owners whose assets count as the caller's own. ``identities`` are the
    users and teams that a reference may create without the right to register them. ``floors`` are the sensitivity
    floors of the tenant. ``propagation_stops`` are the kinds to which no sensitivity propagates. Audit entries
    store ``request_id``, unless it is empty. ``principal`` is the caller, for work that a job does later.
    ``discloses_hidden``, a flag: results may state that something is hidden. ``planned_ends`` are the ends in the
    future that callers have declared. ``reserved_names`` are those of the installation.
    """

    tenant: str
    subject: str
    now: int
    may: Callable[[str, PolicyAttributes], Decision]
    discovers: Callable[[PolicyAttributes], bool]
    reads_field: Callable[[str, str, PolicyAttributes], bool]
    floors: FloorView = NO_FLOORS
    propagation_stops: frozenset[str] = frozenset()
    audit_instant: int = 0
    request_id: str = ""
    gates: Gates = NO_GATES
    hidden_fields: Callable[[str, PolicyAttributes], Collection[str]] = _none_hidden
    identities: Container[str] = frozenset()
    logged_fields: Callable[[str], frozenset[str]] = _none_logged
    user: str | None = None
    owners: frozenset[str] = frozenset()
    principal: Principal | None = None
    discloses_hidden: bool = False
    planned_ends: PlannedEnds = field(default_factory=PlannedEnds)
    reserved_names: ReservedNames = NOTHING_RESERVED

    @property
    def audit_date(self) -> int:
        """The date of audit entries and approvals.

        It is ``audit_instant``, or ``now`` if ``audit_instant`` is more than five minutes later than ``now``.
        """
        return dated(self.audit_instant, self.now)

    @property
    def caller(self) -> Caller:
        """The tenant and the subject of the caller."""
        return self.tenant, self.subject

    def vid(self, urn: str) -> int:
        """Return the vertex id of a URN in the author's tenant."""
        return vertex_id(self.tenant, urn)

    def owner_of_name(self, urn: str) -> str:
        """Return the URN of the team for which an id is reserved, or that of its parent if it is a version; else ""."""
        if not self.reserved_names.entries:
            return ""
        parts = parse_urn(parent_urn(urn) or urn)
        return self.reserved_names.owner(parts.kind, parts.source, parts.namespace)
