"""A hop as a transaction reads it: edges of some labels at some vertices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.graph.commits.reads.touched_reads import HopKind
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.record import Json, JsonObject


@dataclass(frozen=True, slots=True)
class HopRead:
    """Edges with one of the ``labels`` that leave (OUT) or reach (IN) the ``vertices``.

    With ``after``, an instant, they are those that end later, and no unconfirmed ones; ended ones included without it.
    """

    direction: Direction
    labels: Sequence[str]
    vertices: Sequence[int]
    after: int | None = None

    @property
    def kind(self) -> HopKind:
        """Return the hop without its vertices."""
        return HopKind(self.direction, tuple(self.labels), self.after)

    @property
    def binding(self) -> JsonObject:
        """Return the hop as a row of the binding ``hops`` of :mod:`app.graph.commits.write_statements`."""
        return {"d": self.direction.value, "ls": list(self.labels), "xs": list(self.vertices), "vt": self.after}


def far_ends(rows: Iterable[Sequence[Json]]) -> list[int]:
    """Return the far vertices in flat rows ``[vertex id, far vertex id, edge text, …]``, each once."""
    return [*dict.fromkeys(vid for each in rows for vid in each[1::3])]
