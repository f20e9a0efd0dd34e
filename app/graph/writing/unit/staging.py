"""Changes that one item has staged."""

from app.graph.records.vertex_record import Record

_RECORDED = ("recordedAt", "recordedBy")


def _facts(edge: Record) -> Record:
    return {key: value for key, value in edge.items() if key not in _RECORDED}
