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
"""The view of nobody, in which nothing stands."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, when (epoch milliseconds), and what the policy lets that caller do, know of, and see a field of.

    ``fences`` say what is judged as stricter than it is stored, ``stops`` the kinds at which sensitivity stops.
    ``at`` is when the changes are noted in the audit: later than all before. ``gates`` are the installation's, and
    ``withheld`` the fields that the policy hides on assets of a kind: what is decided for the caller may not tell them.
    """

    tenant: str
    subject: str
    now: int
    may: Callable[[str, PolicyAttributes], Decision]
    knows: Callable[[PolicyAttributes], bool]
    sees: Callable[[str, str, PolicyAttributes], bool]
    fences: FloorView = NO_FLOORS
    stops: frozenset[str] = frozenset()
    at: int = 0
    request_id: str = ""
    gates: Gates = NO_GATES
    withheld: Callable[[str, PolicyAttributes], Collection[str]] = lambda _kind, _attributes: ()

    def vid(self, urn: str) -> int:
        """The vertex id of a URN."""
        return vertex_id(self.tenant, urn)
