"""Actions recorded for the audit entries of an item."""

from dataclasses import dataclass

from app.graph.records.edge_record import EdgeKey


@dataclass(frozen=True, slots=True)
class Move:
    """An edge that changes, as one field of the asset ``about`` which it is said of."""

    about: int
    field: str
    key: EdgeKey
