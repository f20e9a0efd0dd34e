"""The policy's word on an item, as a refusal that names what is missing and nothing that is hidden."""

from app.graph.writing.draft import Draft
from app.graph.writing.refusal import denied
from app.graph.writing.vertices import Record


def permit(draft: Draft, action: str, record: Record) -> None:
    """Raise unless the caller may do this to what has this record."""
    decision = draft.may(action, record)
    if not decision.allowed:
        kind = record["kind"].lower().replace("_", " ")
        raise denied(f"You may not {action} this {kind}: {'; '.join(decision.reasons)}")
