"""What the author of an item may see and do: the policy applied to records within a write."""

from collections.abc import Collection, Iterable, Iterator
from functools import cache

from app.graph.records.change_record import is_own_link
from app.graph.records.edge_record import UNCONFIRMED, EdgeKey, is_current, was_confirmed
from app.graph.records.vertex_record import GIVEN_BY, attributes, is_attached, kind_of
from app.graph.writing.unit.apart_declarations import declared_anew, own_declaration, with_own_declarers
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.lookup import Lookup
from graphql_schema.catalog.kinds import KIND_OF_CODE, KIND_OF_SLUG
from graphql_schema.catalog.relations import RELATIONS, Hop
from graphql_schema.catalog.urn import parent_urn, slug_of
from graphql_schema.ports.record import Record
from graphql_schema.rules.gate_evaluation import visible_fields
from policies.attributes import PolicyAttributes
from policies.decision import Decision


class CallerVisibility:
    """Applies the policy to looked-up records. The policy does not depend on whether an asset is deleted.

    What it lets the caller discover, and which fields it hides, is evaluated once for equal attributes: an asset may
    have very many neighbours.

    ``hidden_ids`` has, as keys, the URNs that :meth:`report_hidden_id` added, for the access log. ``placeholders`` has,
    as keys, the URNs that the item refers to and that are hidden, absent or new stubs.
    """

    def __init__(self, lookup: Lookup, author: Author) -> None:
        self.hidden_ids: dict[str, None] = {}
        self.placeholders: dict[str, None] = {}
        self._lookup = lookup
        self._author = author
        self._discovers = cache(author.discovers)
        self._hidden_fields = cache(author.hidden_fields)

    def visible(self, urn: str) -> Record | None:
        """Return the record of a URN, None if it does not exist or is hidden."""
        record = self._lookup.record(urn)
        if record is None and KIND_OF_SLUG[slug_of(urn)].shown_by:
            # a stored record needs one more request, for its subjects; so does an absent one, to disclose nothing
            self._lookup.require_records(f"subjects\0{urn}")
        return record if record is not None and self.is_visible(record) else None

    def is_visible(self, record: Record) -> bool:
        """Return whether the caller may discover a record.

        An attached record is visible if the caller may see one of its subjects and the field that leads to it, and has
        the right there that its kind needs. For a change with ``ends`` (of edges or aliases alone), one of these must
        also be visible, unless it is an own link of the caller.
        """
        if not is_attached(record):
            return self._discovers_asset(record, attributes(self._with_floor(record)))
        ends, caller = record.get("ends", ()), self._author.principal
        self._lookup.require_records(*record["subjects"], *ends)
        author = caller.author if caller is not None else None
        if ends and not any(map(self.visible, ends)) and not is_own_link(record, author):
            return False
        subjects = map(self.visible, record["subjects"])
        return any(self._shows(subject, record) for subject in subjects if subject is not None)

    def is_withheld(self, record: Record) -> bool:
        """Return whether an asset is hidden from the caller only by a raise that is not confirmed.

        The caller could see it before, and may have caused the raise. So where a hidden asset counts as absent, and the
        caller would so get a right over it, a withheld one does not.
        """
        if is_attached(record) or self.is_visible(record) or self._is_below_hidden(record):
            return False
        raised = attributes(self._with_floor(record))
        return self._discovers(raised._replace(sensitivity=raised.confirmed_sensitivity))

    def _discovers_asset(self, record: Record, found: PolicyAttributes) -> bool:
        return self._discovers(found) and not self._is_below_hidden(record)

    def _is_below_hidden(self, record: Record) -> bool:
        """Return whether a record is a stub that the batch creates of a version, whose parent is hidden.

        Its sensitivity is raised to that of the parent at the end of the batch only.
        """
        parent = parent_urn(record["id"]) if record["hydration"] == "STUB" else None
        if parent is None or self._lookup.batch.existed(self._author.vid(record["id"])):
            return False
        known = self._lookup.vertex(self._lookup.vid(parent))
        return known is not None and not self.is_visible(known)

    def name(self, record: Record) -> str:
        """Return the id by which results and audit name a record.

        It is the id of the record. But if the record is hidden from the caller, and the item named it by the id of a
        merged dataset, it is that one.
        """
        vid, urn = self._author.vid(record["id"]), str(record["id"])
        given = self._lookup.given_name(vid)
        if given is None:
            return urn
        stored = self._lookup.vertex(vid)
        return urn if stored is not None and self.is_visible(stored) else given

    def could_see(self, vid: int) -> bool:
        """Return whether an asset existed before the batch and the caller may discover it."""
        return self._lookup.batch.existed(vid) and self.is_visible(self._lookup.known(vid))

    def was_visible(self, vid: int) -> bool:
        """Return whether an asset was registered before the item and the caller may discover it.

        A placeholder does not count, also if it is visible: it must not differ from a hidden asset.
        """
        record = self._lookup.batch.vertex(vid)
        return record is not None and record.get("hydration") != "STUB" and self.is_visible(record)

    def allows(self, action: str, record: Record) -> Decision:
        """Return the policy's decision on an action, with the sensitivity of the record raised to its floor."""
        return self._author.may(action, attributes(self._with_floor(record)))

    def masked(self, record: Record) -> Record:
        """Return a visible record as :func:`visible_fields` does, without the fields that the policy hides."""
        record = self._with_floor(record)
        return visible_fields(record, self._hidden_fields(kind_of(record), attributes(record)))

    def mask(self, asset: Record) -> Collection[str] | None:
        """Return the hidden fields, which :meth:`masked` leaves out; None if the asset itself is hidden."""
        found = attributes(self._with_floor(asset))
        return self._hidden_fields(kind_of(asset), found) if self._discovers_asset(asset, found) else None

    def hidden_fields(self, record: Record) -> frozenset[str]:
        """Return the fields of a record that the policy hides from the caller; none of a stub or of a non-asset."""
        if record["hydration"] == "STUB" or not KIND_OF_CODE[record["kind"]].asset:
            return frozenset()
        record = self._with_floor(record)
        return frozenset(self._hidden_fields(kind_of(record), attributes(record)))

    def unknown_fields(self, record: Record) -> frozenset[str]:
        """Return the hidden fields of a stored asset, except those whose stored values the caller gave."""
        known = {name for name, subject in record.get(GIVEN_BY, {}).items() if subject == self._author.subject}
        return self.hidden_fields(record) - known

    def changed_secrets(self, before: Record, after: Record) -> frozenset[str]:
        """Return the restricted and secret fields of an asset that differ between two of its records."""
        logged = self._author.logged_fields(kind_of(after))
        return frozenset(name for name in logged if before.get(name) != after.get(name))

    def conceals(self, key: EdgeKey) -> bool:
        """Return whether a stored edge must be concealed: it has a hidden end, and another caller recorded it last.

        The response to a declaration of the edge must then be the same as if it were not stored.
        """
        edge = self._lookup.edge(key)
        return edge is not None and self.conceals_record(edge, key)

    def conceals_record(self, edge: Record, key: EdgeKey) -> bool:
        """Return whether the stored edge with this record must be concealed, as :meth:`conceals` does."""
        return edge["recordedBy"] != self._author.subject and self.has_hidden_end(key)

    def has_hidden_end(self, key: EdgeKey) -> bool:
        """Return whether an end of an edge is hidden from the caller."""
        return not all(self.is_visible(self._lookup.known(end)) for end in key[1:])

    def known(self, key: EdgeKey) -> Record | None:
        """Return the edge, as stored or staged, as :meth:`known_edge` does."""
        return self.known_edge(self._lookup.edge(key), key)

    def known_edge(self, edge: Record | None, key: EdgeKey) -> Record | None:
        """Return the edge with this record as the caller knows it, None if there is none.

        Of a concealed edge, the caller knows what the caller declared apart
        (:mod:`app.graph.writing.unit.apart_declarations`). What the caller declared apart of any other edge is part of
        it.
        """
        if edge is None:
            return None
        if self.conceals_record(edge, key):
            return own_declaration(edge, self._author.subject)
        return with_own_declarers(edge, self._author.subject, self._author.now)

    def keeps_apart(self, key: EdgeKey) -> bool:
        """Return whether a declaration of the edge is kept apart: it is concealed, current and confirmed."""
        edge = self._lookup.edge(key)
        return edge is not None and self.conceals(key) and self._lookup.is_current(key) and not edge.get(UNCONFIRMED)

    def redeclared(self, key: EdgeKey) -> Record | None:
        """Return the edge that a declaration amends, None if there is none.

        It is the one that the caller knows. If the caller knows none, and a concealed edge has ended or is unconfirmed,
        the stored edge is returned as if it began now: the declaration replaces all earlier ones.
        """
        edge = self._lookup.edge(key)
        known = self.known_edge(edge, key)
        if edge is None or known is not None or self.keeps_apart(key):
            return known
        return declared_anew(edge, RELATIONS[key[0]], self._author.now)

    def neighbours(self, hop: Hop, vid: int, *, ended: bool = False) -> list[tuple[EdgeKey, Record]]:
        """Return the keys and far records of the current, confirmed edges of a hop from ``vid`` to visible records.

        With the flag ``ended``, edges that had effect before, because they have ended or become unconfirmed, are among
        them.
        """
        return self._visible_ends(hop, self.active_edges(hop, vid, ended=ended))

    def current_neighbours(self, hop: Hop, vid: int) -> list[tuple[EdgeKey, Record]]:
        """Return what :meth:`neighbours` returns, without the need to read edges that have ended."""
        return self._visible_ends(hop, self.current_edges(hop, vid))

    def _visible_ends(self, hop: Hop, edges: Iterable[tuple[EdgeKey, Record]]) -> list[tuple[EdgeKey, Record]]:
        found = [(key, far) for key, far in edges if not hop.kinds or kind_of(far) in hop.kinds]
        self._require_subjects([far for _, far in found])
        return [(key, far) for key, far in found if self.is_visible(far)]

    def _require_subjects(self, records: Iterable[Record]) -> None:
        """Require what :meth:`is_visible` reads of attached records, so that one request reads it for all of them."""
        attached = [record for record in records if is_attached(record)]
        self._lookup.require_records(
            *dict.fromkeys(urn for record in attached for urn in (*record["subjects"], *record.get("ends", ())))
        )

    def active_edges(self, hop: Hop, vid: int, *, ended: bool = False) -> Iterator[tuple[EdgeKey, Record]]:
        """Yield what :meth:`neighbours` returns, and also hidden far records and far records of other kinds."""
        self._lookup.require_hops((hop, vid))
        yield from self._known_edges(hop, vid, ended=ended)

    def current_edges(self, hop: Hop, vid: int) -> Iterator[tuple[EdgeKey, Record]]:
        """Yield what :meth:`active_edges` yields, without the need to read edges that have ended."""
        self._lookup.require_current_hops((hop, vid))
        yield from self._known_edges(hop, vid)

    def _known_edges(self, hop: Hop, vid: int, *, ended: bool = False) -> Iterator[tuple[EdgeKey, Record]]:
        now = self._author.now
        for key in self._lookup.edges_at(hop.relation.name, hop.direction, vid):
            edge = self._lookup.edge(key)
            if edge is None:
                continue
            if (ended and was_confirmed(edge)) or (not edge.get(UNCONFIRMED) and is_current(edge, now)):
                yield key, self._lookup.known(hop.far_end(key))

    def report_hidden_id(self, urn: str) -> None:
        """Add a URN to ``hidden_ids``, for the access log, if its record is stored and hidden from the caller."""
        vid = self._lookup.vid(urn)
        if self._lookup.batch.existed(vid) and not self.is_visible(self._lookup.known(vid)):
            self.hidden_ids[urn] = None

    def report_placeholder(self, urn: str) -> None:
        """Add a URN to ``placeholders``, and do the same for the parent that it names.

        A URN is not added, and its parent is not examined, if the caller may see its record and this is not a stub that
        the batch creates. A hidden asset is added like an absent one.
        """
        vid, record = self._lookup.vid(urn), self._lookup.record(urn)
        is_new_stub = record is not None and record["hydration"] == "STUB" and not self._lookup.batch.existed(vid)
        if record is not None and not is_new_stub and self.is_visible(record):
            return
        self.placeholders[urn] = None
        parent = parent_urn(urn)
        if parent is not None:
            self.report_placeholder(parent)

    def _shows(self, subject: Record, attached: Record) -> bool:
        """Return whether the caller may read the field of a visible subject that leads to an attached record.

        A kind with a right is shown only to callers who also have that right to the subject. Subjects that are not
        assets have no such policy: the result is true.
        """
        if not KIND_OF_CODE[subject["kind"]].asset:
            return True
        kind = KIND_OF_CODE[attached["kind"]]
        has_right = not kind.right or self.allows(kind.right, subject).allowed
        return has_right and self.shows(subject, kind.shown_by)

    def shows(self, asset: Record, field: str) -> bool:
        """Return whether the caller may read an asset and see a field of it."""
        return self._author.reads_field(field, kind_of(asset), attributes(self._with_floor(asset)))

    def _with_floor(self, record: Record) -> Record:
        floors = self._author.floors
        return floors.with_floor(self._author.vid(record["id"]), record) if floors.any else record
