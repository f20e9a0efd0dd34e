"""Stubs: placeholders for assets that were referenced and never registered."""

from app.graph.records.vertex_record import Record


def _begun(version: Record, whole: Record) -> Record:
    return {**version, "ownerTeam": whole["ownerTeam"], "visibility": whole["visibility"]}
