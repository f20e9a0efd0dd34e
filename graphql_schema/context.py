"""What resolvers share during one operation: who asks, how to read and write, and what to note beside the data."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import strawberry

from graphql_schema.ports import GraphReader, GraphWriter
from policies.principal import Principal

MOST_NOTES = 50
"""Hidden coordinates that one answer lists."""


@dataclass(slots=True)
class HiddenNotes:
    """Counts the fields that the policy hid and that were asked for; ``extensions.authorization`` of the answer."""

    policy_version: str
    counts: Counter[str] = field(default_factory=Counter)
    why: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)

    def note(self, coordinate: str, policies: tuple[str, ...], needs: str) -> None:
        """Count one hidden value of a coordinate such as ``ModelVersion.params``."""
        self.counts[coordinate] += 1
        self.why.setdefault(coordinate, (policies, needs))

    def extensions(self) -> dict[str, Any]:
        """The aggregated notes, by coordinate; empty when nothing was hidden."""
        if not self.counts:
            return {}
        hidden = [
            {
                "coordinate": name,
                "count": self.counts[name],
                "policies": list(self.why[name][0]),
                "needs": self.why[name][1],
            }
            for name in sorted(self.counts)[:MOST_NOTES]
        ]
        return {"authorization": {"policyVersion": self.policy_version, "hidden": hidden}}


@dataclass(slots=True)
class Context:
    """The state of one operation; ``open_reader`` makes a reader of the graph as it is at that moment."""

    principal: Principal
    open_reader: Callable[[], GraphReader]
    writer: GraphWriter
    notes: HiddenNotes
    cursor_key: bytes
    request_id: str = ""
    totals: dict[int, bool] = field(default_factory=dict)
    reader: GraphReader = field(init=False)

    def __post_init__(self) -> None:
        self.read_afresh()

    def read_afresh(self) -> None:
        """Forget what was read: what comes after a write sees what it wrote."""
        self.reader = self.open_reader()

    def extensions(self) -> dict[str, Any]:
        """What the response says beside its data."""
        return self.notes.extensions()


Info = strawberry.Info[Context, None]
