"""The author of a batch: the caller, with the rights that the batch is checked against."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from app.graph.commits.sensitivity_floors import FloorView
from app.graph.records.vertex_id import vertex_id
from policies.attributes import PolicyAttributes
from policies.decision import Decision
from policies.gates import NO_GATES, Gates

NO_FLOORS: Final = FloorView("")
"""A view without any sensitivity floor; the default where none can apply."""


def _none_hidden(_kind: str, _attributes: PolicyAttributes) -> Collection[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Author:
    """The caller of a batch, its instant, and the policy bound to this caller.

    ``now`` is the instant of the write in epoch milliseconds. ``audit_instant`` dates its audit entries, and is later
    than that of every earlier transaction. ``may``, ``discovers``, ``reads_field`` and ``hidden_fields`` are methods of
    :class:`policies.access.Access`. ``propagation_stops`` are the kinds at which sensitivity stops. ``teams`` are those
    of the caller, as ids.
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
    teams: frozenset[str] = frozenset()

    def vid(self, urn: str) -> int:
        """Return the vertex id of a URN in the author's tenant."""
        return vertex_id(self.tenant, urn)
