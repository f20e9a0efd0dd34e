"""The unit of work of one item of a batch: its changes are merged into the batch only if the item is accepted."""

from app.graph.records.vertex_record import attributes, owner_team
from app.graph.writing.unit.audit_trail import AuditTrail
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.lookup import Lookup
from app.graph.writing.unit.staging import Staging
from app.graph.writing.unit.visibility import CallerVisibility
from app.graph.writing.unit.working_set import StagedChanges, WorkingSet
from graphql_schema.ports.background.owner_commands import HandOver
from graphql_schema.ports.record import Record


class ItemUnit:
    """Unit of work of one item; its handler takes it.

    ``lookup`` finds records and edges, ``visibility`` applies the policy to them, ``staging`` collects changes,
    ``audit`` collects what the audit records of the changes. ``now`` is the instant of the write in epoch milliseconds.
    ``hand_overs`` are changes of the parent of the item's asset that it may follow by the rights of their callers.
    """

    def __init__(self, batch: WorkingSet, author: Author) -> None:
        staged = StagedChanges()
        self.author = author
        self.now = author.now
        self.lookup = Lookup(batch, author, staged)
        self.visibility = CallerVisibility(self.lookup, author)
        self.staging = Staging(self.lookup, author, staged)
        self.audit = AuditTrail()
        self.hand_overs: tuple[HandOver, ...] = ()

    def follows_hand_overs(self, child: Record, after: Record) -> bool:
        """Return whether a child gets its owner by hand-overs of its parent, each by a caller who may update it then.

        The callers changed the parent one after the other, before the child followed any of them. So the caller of each
        hand-over needs the right to update the child with an owner that it had or got before, and with the one that
        follows. It may also have stayed with an owner while the parent was handed over. About a child without an owner
        the right was decided with the first hand-over: what others raised since then must not keep the child from it.
        """
        parent = self.lookup.parent(after) if self.hand_overs else None
        raised = self.author.floors.with_floor(self.author.vid(child["id"]), child)
        owners = {str(child["ownerTeam"])}
        unowned = {""}
        for each in self.hand_overs if parent is not None else ():
            following = owner_team(child, parent if each.owner is None else {"ownerTeam": each.owner})
            with_earlier = (attributes({**raised, "ownerTeam": owner}) for owner in owners)
            if not each.may("update", attributes({**raised, "ownerTeam": following})).allowed:
                continue
            if owners == unowned or any(each.may("update", one).allowed for one in with_earlier):
                owners.add(following)
        return after["ownerTeam"] in owners
