"""The propagation rules over the records of a batch: over edges of data, and within an asset group."""

from collections.abc import Iterable

import pytest

from app.graph.propagation.known_flows import carried, children, parents, targets
from app.graph.records.edge_record import DECLASSIFIED, UNCONFIRMED, EdgeKey
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.record import Record

NOW = 100
MODEL, VERSION, DATA, OUT, REPORT = range(1, 6)
KINDS = {MODEL: "MODEL", VERSION: "MODEL_VERSION", DATA: "DATASET", OUT: "DATASET", REPORT: "REPORT"}


class Batch:
    """Records and edges of a batch."""

    def __init__(self, *keys: EdgeKey, **values: object) -> None:
        self.edges: dict[EdgeKey, Record] = {key: {"validFrom": 0, **values} for key in keys}

    def vertex(self, vid: int) -> Record | None:
        """See Known."""
        return {"kind": KINDS[vid]} if vid in KINDS else None

    def edge(self, key: EdgeKey) -> Record | None:
        """See Known."""
        return self.edges.get(key)

    def edges_at(self, relation: str, direction: Direction, vid: int) -> Iterable[EdgeKey]:
        """See Known."""
        end = 1 if direction is Direction.OUT else 2
        return [key for key in self.edges if key[0] == relation and key[end] == vid]


def test_data_flows_from_source_to_target_only() -> None:
    """Each direction has its own far ends, and a relation that carries no data has none."""
    batch = Batch(("FEEDS", DATA, VERSION), ("REPLACED_BY", DATA, OUT))
    assert [*carried(batch, DATA, Direction.OUT, NOW)] == [VERSION]
    assert [*carried(batch, VERSION, Direction.IN, NOW)] == [DATA]
    assert [*carried(batch, DATA, Direction.IN, NOW)] == []


@pytest.mark.parametrize(
    ("values", "flows"),
    [
        ({}, True),
        ({"validTo": NOW + 1}, True),
        ({"validTo": NOW}, False),
        ({DECLASSIFIED: True}, False),
        ({UNCONFIRMED: True}, False),
    ],
)
def test_only_active_edges_carry(values: dict[str, object], *, flows: bool) -> None:
    """An ended, declassified or unconfirmed edge carries nothing."""
    batch = Batch(("FEEDS", DATA, VERSION), **values)
    assert [*carried(batch, DATA, Direction.OUT, NOW)] == ([VERSION] if flows else [])


def test_parents_and_children_are_those_of_the_asset_group() -> None:
    """A version belongs to its model; a dataset without versions has neither."""
    batch = Batch(("VERSION_OF", VERSION, MODEL))
    assert [*parents(batch, VERSION, NOW)] == [MODEL]
    assert [*children(batch, 99, NOW)] == []
    assert [*children(batch, MODEL, NOW)] == [VERSION]
    assert [*parents(batch, MODEL, NOW)] == [*children(batch, VERSION, NOW)] == [*children(batch, DATA, NOW)] == []


def test_targets_are_children_and_what_own_and_parental_edges_reach() -> None:
    """An edge of the model counts for its version, and an edge of the version does not count for its model."""
    batch = Batch(("VERSION_OF", VERSION, MODEL), ("FEEDS", MODEL, OUT), ("FEEDS", VERSION, REPORT))
    assert targets(batch, VERSION, frozenset(), NOW) == {OUT, REPORT}
    assert targets(batch, MODEL, frozenset(), NOW) == {VERSION, OUT}


def test_unknown_vertices_and_stops_are_left_out() -> None:
    """Nothing propagates to a kind at which propagation stops, nor to what was not read."""
    batch = Batch(("FEEDS", DATA, REPORT), ("FEEDS", DATA, 77), ("DERIVES", DATA, OUT))
    assert targets(batch, DATA, frozenset(), NOW) == {REPORT, OUT}
    assert targets(batch, DATA, frozenset({"Report"}), NOW) == {OUT}
    assert targets(batch, 77, frozenset(), NOW) == set()
