"""What one item would make of the state: kept apart until it is known that the item may have all of it."""

from collections import defaultdict
from functools import partial
from typing import Any

from app.graph.records.edge_record import IDENTITY, UNCONFIRMED, EdgeKey, declared, is_current, recorded
from app.graph.records.vertex_record import Record, attributes, is_attached, kind_of, stub, time_of
from app.graph.writing.unit.audit_trail import Move
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.placeholders import _begun
from app.graph.writing.unit.read_set import require_all
from app.graph.writing.unit.rejections import invalid
from app.graph.writing.unit.staging import _facts
from app.graph.writing.unit.working_set import Mark, MarkKey, WorkingSet
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.kinds import KIND_OF_CODE, KIND_OF_SLUG
from graphql_schema.catalog.relations import RELATIONS, VERSION_OF, Direction, Hop, Relation
from graphql_schema.catalog.urn import parent_urn, slug_of
from graphql_schema.rules.gate_evaluation import visible_fields
from policies.decision import Decision


class ItemUnit:
    """A layer over a :class:`WorkingSet`; reads see the layer first. Nothing is shared that could change.

    For the audit it remembers the ``moves`` of edges, by which ``action`` what the item is about was changed (all else
    was changed by consequence), and what it was ``told`` of fields whose change is not to be seen from records.
    """

    def __init__(self, state: WorkingSet, author: Author) -> None:
        self.state = state
        self.author = author
        self.now = author.now
        self.vertices: dict[int, Record] = {}
        self.edges: dict[EdgeKey, Record] = {}
        self.receipts: dict[int, Record] = {}
        self.marks: dict[MarkKey, Mark] = {}
        self.hidden: dict[str, None] = {}
        self.moves: list[Move] = []
        self.action: dict[int, ChangeAction] = {}
        self.told: dict[int, list[Record]] = defaultdict(list)
        self.reason: Record = {}
        self.noted: dict[int, Record] = {}

    @property
    def changes(self) -> bool:
        """Whether the item would change anything that is stored."""
        return bool(self.vertices or self.edges)

    def vid(self, urn: str) -> int:
        """The vertex id of a URN; raises where the store keeps something else under it."""
        vid = self.author.vid(urn)
        if vid in self.state.read.taken:
            raise invalid(
                f"{urn} cannot be stored: its vertex id, a hash of tenant and URN, is that of something else. "
                "Register it under another name and tell the operators."
            )
        return vid

    def vertex(self, vid: int) -> Record | None:
        """The record, where it is known."""
        return self.vertices.get(vid) or self.state.vertices.get(vid)

    def visible(self, urn: str) -> Record | None:
        """What stands at an id, as far as the caller may know of it; it is read if need be."""
        record = self.stored(urn)
        if record is None and KIND_OF_SLUG[slug_of(urn)].shown_by:
            self.read(f"subjects\0{urn}")  # a fact that is there takes one more reading, that of its subjects
        return record if record is not None and self.is_visible(record) else None

    def stored(self, urn: str) -> Record | None:
        """What stands at an id, whoever may know of it; it is read if need be. Nothing of it may reach the caller."""
        vid = self.vid(urn)
        self.state.need_point(vid, urn)
        return self.vertex(vid)

    def read(self, *urns: str) -> None:
        """Read what stands at ids in one go, where it is not known yet."""
        require_all(partial(self.state.need_point, self.vid(urn), urn) for urn in urns)

    def around(self, hop: Hop, vid: int) -> list[tuple[EdgeKey, Record]]:
        """The edges over a hop that hold now and lead to what the caller may know of, with the far records."""
        self.state.need_hop(hop.direction, hop.relation.name, vid)
        found = []
        for key in self.at(hop.relation.name, hop.direction, vid):
            _, source, target = key
            far = self.known(target if hop.direction is Direction.OUT else source)
            held = self.current(key) and not (self.edge(key) or {}).get(UNCONFIRMED)
            if held and (not hop.kinds or kind_of(far) in hop.kinds) and self.is_visible(far):
                found.append((key, far))
        return found

    def known(self, vid: int) -> Record:
        """The record of a vertex that must be there."""
        return self.vertices.get(vid) or self.state.vertices[vid]

    def edge(self, key: EdgeKey) -> Record | None:
        """The edge, where it is known."""
        return self.edges.get(key) or self.state.edges.get(key)

    def at(self, relation: str, direction: Direction, vid: int) -> list[EdgeKey]:
        """The known edges of a relation that leave (OUT) or reach (IN) a vertex, in a stable order."""
        end = 1 if direction is Direction.OUT else 2
        own = {key for key in self.edges if key[0] == relation and key[end] == vid}
        return sorted(own | self.state.at(relation, direction, vid))

    def may(self, action: str, record: Record) -> Decision:
        """Ask the policy, which judges the record as fences let it be seen."""
        return self.author.may(action, attributes(self._seen(record)))

    def record_action(self, about: int, action: ChangeAction, reason: str | None = None, **facts: str) -> None:
        """Say by what action something was changed, and what else the audit is to tell of it.

        The reason is told of all that was changed by an action, the other facts of this alone.
        """
        self.action[about] = action
        self.reason = {"reason": reason} if reason else {}
        self.noted[about] = facts

    def record_field(self, about: int, field: str, before: Any, after: Any, **more: str) -> None:  # noqa: ANN401 - JSON values
        """Have the audit tell of a field whose change is not to be seen from records."""
        self.told[about].append({"field": field, **more, "before": before, "after": after})

    def _seen(self, record: Record) -> Record:
        return self.author.fences.with_floor(self.author.vid(record["id"]), record)

    def is_visible(self, record: Record) -> bool:
        """Whether the caller may know of this; what is hidden is treated as what is not there.

        A change that is only about other things is known to whoever knows of one of them, as it is to readers.
        """
        if not is_attached(record):
            return self.author.knows(attributes(self._seen(record)))
        ends = record.get("ends", ())
        self.read(*record["subjects"], *ends)
        if ends and not any(map(self.visible, ends)):
            return False
        subjects = map(self.visible, record["subjects"])
        return any(self._shows(subject, record) for subject in subjects if subject is not None)

    def _shows(self, subject: Record, about: Record) -> bool:
        """Whether the caller reads a subject, and the field that leads to what is recorded about it."""
        if not KIND_OF_CODE[subject["kind"]].asset:
            return True
        field = KIND_OF_CODE[about["kind"]].shown_by
        return self.author.sees(field, kind_of(subject), attributes(self._seen(subject)))

    def shown(self, record: Record) -> Record:
        """What the caller may see of an asset that the caller may know of: what a gate may judge by, and tell."""
        record = self._seen(record)
        return visible_fields(record, self.author.withheld(kind_of(record), attributes(record)))

    def put(self, vid: int, record: Record) -> bool:
        """Make this the record of a vertex; whether that changes it."""
        if self.vertex(vid) == record:
            return False
        self.vertices[vid] = record
        return True

    def put_edge(self, key: EdgeKey, record: Record) -> bool:
        """Make this the record of an edge; whether that changes it. Its order in time follows its *from* end."""
        timed = RELATIONS[key[0]].by_time
        timely = {**record, "at": time_of(self.known(key[1]))} if timed else record
        before = self.edge(key)
        after = recorded(before, timely, self.now)
        if before is not None and _facts(before) == _facts(after):
            return False
        after = recorded(self.state.edges.get(key), after, self.now)
        self.edges[key] = {**after, "recordedAt": self.now, "recordedBy": self.author.subject}
        return True

    def attach(self, relation: Relation, source: int, target: int, at: int) -> None:
        """Write the edge that a fact hangs on: it holds always, in order by ``at`` where its relation has one."""
        ordered = {"at": at} if relation.by_time else {}
        self.edges[relation.name, source, target] = {"relation": relation.name, "validFrom": 0, **ordered}

    def mark(self, vid: int, name: str, at: int, *, exact: bool = False) -> None:
        """Move a native value that is no part of a record on to an instant, or to it whatever stood there.

        Nothing of it is told: neither the revision nor the audit knows of marks.
        """
        self.marks[vid, name] = Mark(at, exact).after(self.marks.get((vid, name)))

    def ensure_stub(self, urn: str) -> int:
        """The vertex id of something that is referred to; a stub is made where there is nothing, with its whole.

        A version begins with the owner team and the visibility of its whole: it says no more than that does.
        """
        vid = self.vid(urn)
        if self.vertex(vid) is not None:
            return vid
        self.state.need_point(vid, urn)
        record = stub(self.author.tenant, urn, self.author.subject, self.now)
        whole = parent_urn(urn)
        if whole is not None:
            record = _begun(record, self.known(self.ensure_stub(whole)))
        self.vertices[vid] = record
        if whole is not None:
            key = (VERSION_OF.name, vid, self.vid(whole))
            self.put_edge(key, declared(self.edge(key), VERSION_OF, IDENTITY, self.now))
        return vid

    def as_unknown(self, urn: str) -> Record:
        """What would be referred to if there were nothing at a URN, as far as the caller may know."""
        record = stub(self.author.tenant, urn, self.author.subject, self.now)
        whole = parent_urn(urn)
        known = self.vertex(self.vid(whole)) if whole else None
        return _begun(record, known) if known is not None and self.is_visible(known) else record

    def report_hidden_id(self, urn: str, vid: int) -> None:
        """Remember, for the access log, that the item refers to something that its caller may not know of."""
        if self.state.stored(vid) and not self.is_visible(self.known(vid)):
            self.hidden[urn] = None

    def parent(self, record: Record) -> Record | None:
        """The record of the whole that a part belongs to, where there is one and it is known."""
        urn = parent_urn(record["id"]) or record["index"]["whole"]
        return self.vertex(self.author.vid(urn)) if urn else None

    def current(self, key: EdgeKey) -> bool:
        """Whether the edge is there and has not ended."""
        return is_current(self.edge(key), self.now)

    def bump_revisions(self, *also: int) -> None:
        """Count the change of every vertex that was there before and differs, and of ``also``."""
        for vid in {*self.vertices, *also}:
            before, after = self.state.vertices.get(vid), self.known(vid)
            if before is None:
                continue
            if before == after and vid not in also:
                del self.vertices[vid]
                continue
            self.vertices[vid] = {
                **after,
                "revision": before["revision"] + 1,
                "updatedAt": self.now,
                "updatedBy": self.author.subject,
            }

    def adopt(self) -> None:
        """Make the draft part of the state."""
        self.state.adopt(self.vertices, self.edges, self.receipts, self.marks)


def name_of(unit: ItemUnit, vid: int) -> str:
    """The catalog's name of the kind of a known vertex."""
    return kind_of(unit.known(vid))
