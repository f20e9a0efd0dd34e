"""Audit of propagated sensitivity: a ``Change`` of each asset of a batch that becomes more sensitive by propagation.

A higher declared sensitivity is an entry in the ``Change`` of its item. The entry of the edge that raises an asset is
hidden from readers who may not see its source. The raise is not.
"""

from collections.abc import Mapping

from app.graph.records.vertex_record import kind_of
from app.graph.writing.audit_entries import stage_change
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.catalog.enums import ChangeAction


def audited_levels(batch: WorkingSet, author: Author) -> dict[int, str]:
    """Return the sensitivity of the stored assets of which a planned batch has a new ``Change``, by vertex id."""
    new = [batch.vertices[vid] for vid in batch.changed()[0] if not batch.existed(vid)]
    subjects = {author.vid(record["subject"]) for record in new if kind_of(record) == "Change"}
    return {
        vid: batch.vertices[vid]["sensitivity"]
        for vid in sorted(subjects)
        if batch.existed(vid) and "sensitivity" in batch.vertices[vid]
    }


def stage_raises(batch: WorkingSet, author: Author, before: Mapping[int, str]) -> None:
    """Add a change with the action RAISED for each asset whose sensitivity is no longer that of ``before``."""
    for vid, level in before.items():
        present = batch.vertices[vid]["sensitivity"]
        if present != level:
            unit = ItemUnit(batch, author)
            entry = {"field": "sensitivity", "before": level, "after": present}
            stage_change(unit, vid, ChangeAction.RAISED, [entry], comes_last=True)
            unit.staging.merge()
