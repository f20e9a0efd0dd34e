"""The unit of work of one item of a batch: its changes are merged into the batch only if the item is accepted."""

from app.graph.writing.unit.audit_trail import AuditTrail
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.lookup import Lookup
from app.graph.writing.unit.staging import Staging
from app.graph.writing.unit.visibility import CallerVisibility
from app.graph.writing.unit.working_set import StagedChanges, WorkingSet


class ItemUnit:
    """Unit of work of one item; its handler takes it.

    ``lookup`` finds records and edges, ``visibility`` applies the policy to them, ``staging`` collects changes,
    ``audit`` collects what the audit records of the changes. ``now`` is the instant of the write in epoch milliseconds.
    """

    def __init__(self, batch: WorkingSet, author: Author) -> None:
        staged = StagedChanges()
        self.author = author
        self.now = author.now
        self.lookup = Lookup(batch, author, staged)
        self.visibility = CallerVisibility(self.lookup, author)
        self.staging = Staging(self.lookup, author, staged)
        self.audit = AuditTrail()
