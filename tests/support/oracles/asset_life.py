"""A model of the life of assets in plain Python: the effect of every write on records, edges and history.

It follows the design and shares no code with the writer under test. Datasets and their versions derive from one
another, have owners, tags and a stage, and are deleted, restored and reverted. A single caller has every right.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from support.oracles.edge_intervals import interval, marked
from support.oracles.life_records import Refused, declare, new_stub, parent_of, refuse_deleted, registered, set_values
from support.stores.writers import NOW

Key = tuple[str, str, str]
STEP = 1_000
"""Milliseconds between two writes."""

_BOOKS = {"id", "kind", "tenant", "source", "namespace", "version", "index", "deletedWith"} | {
    "revision", "createdAt", "createdBy", "registeredAt", "updatedAt", "updatedBy"
}  # fmt: skip
_FIRST: dict[str, dict[str, Any]] = {"OWNED_BY": {"kinds": ["TECHNICAL"]}, "TAGGED": {"mode": "DIRECT"}}
_FIELDS = {"owners": "OWNED_BY", "tags": "TAGGED", "derivedFrom": "DERIVES"}
_REPORTED = ("kinds", "mode", "origin", "validFrom", "validTo")
_FOLLOWS = {"ownerTeam", "hydration", "sensitivity", "deletedAt", "deletedWith"}


@dataclass(frozen=True)
class Response:
    """The result of a write: the outcome or the error code, and the revision."""

    outcome: str
    revision: int | None = None


@dataclass
class Life:
    """The stored state of a tenant, and the changes that led to it, the oldest first."""

    tenant: str
    now: int = NOW
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: dict[Key, dict[str, Any]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    _kept: dict[str, tuple[Any, Response]] = field(default_factory=dict)
    _moves: dict[tuple[str, Key], str] = field(default_factory=dict)
    _noted: dict[str, dict[str, Any]] = field(default_factory=dict)

    def history(self, name: str) -> list[dict[str, Any]]:
        """Return the changes of one asset."""
        return [change for change in self.changes if change["subject"] == name]

    def once(self, key: str, payload: Any, write: Callable[[], Response]) -> Response:
        """Execute a write under a key once; a rejected write may be repeated."""
        if key in self._kept:
            before, response = self._kept[key]
            return response if before == payload else Response("IDEMPOTENCY_CONFLICT")
        response = write()
        if response.outcome in {"CREATED", "UPDATED", "UNCHANGED"}:
            self._kept[key] = (deepcopy(payload), response)
        return response

    def register(
        self, name: str, values: Mapping[str, Any], lists: Mapping[str, Any], expected: int | None = None
    ) -> Response:
        """Register a dataset or a version of one; ``lists`` are its owners (with kinds), tags and origins."""

        def write() -> str:
            known = self.records.get(name)
            self._expect(known, expected)
            refuse_deleted(known)
            creates = known is None or known["hydration"] == "STUB"
            record = self._ensure(name)
            if creates:
                self._entry(name, "REGISTERED")
                record |= registered(record, self.now)
            set_values(record, values)
            self._dated(name)
            for each, far in lists.items():
                self._declare(name, each, far)
            for key, edge in list(self.edges.items()) if creates else ():
                if key[:2] == ("TAGGED", name) and edge["mode"] == "BLOCKED" and self._holds(edge):
                    self._put(name, "tags", key, self._closed(edge))
            return "CREATED" if creates else ""

        return self._do(name, write)

    def govern(self, name: str, action: str, expected: int | None = None, **given: Any) -> Response:
        """Set owners, tags or the stage of an existing asset."""

        def write() -> str:
            record = self._there(name)
            self._expect(record, expected)
            refuse_deleted(record)
            self._entry(name, action, reason=given.get("reason"))
            if "stage" in given:
                set_values(record, {"stage": given["stage"]})
            if "owners" in given:
                self._declare(name, "owners", given["owners"])
            if "add" in given:
                modes = {**dict.fromkeys(given["add"], "DIRECT"), **dict.fromkeys(given["block"], "BLOCKED")}
                self._declare(name, "tags", {tag: {"mode": mode} for tag, mode in modes.items()}, adds=True)
                for tag in given["remove"]:
                    edge = self.edges.get(("TAGGED", name, tag))
                    if edge is not None and self._holds(edge):
                        self._put(name, "tags", ("TAGGED", name, tag), self._closed(edge))
                self._list(name, "tags", list(modes))
            return ""

        return self._do(name, write)

    def link(self, source: str, target: str, origin: str, since: int | None) -> Response:
        """Declare a data flow; its audit entry belongs to the target."""

        def write() -> str:
            refuse_deleted(self._ensure(target))
            self._ensure(source)
            key = ("DERIVES", source, target)
            edge = self.edges.get(key)
            goes_on = edge is not None and self._holds(edge)
            after = dict(edge) if edge is not None and goes_on else self._opened("DERIVES", edge)
            if since is not None:
                after["validFrom"] = since
            if "validTo" in after and after["validTo"] <= after["validFrom"]:
                raise Refused("INVALID")
            self._entry(target, "LINKED")
            self._put(target, "upstream", key, declare(after, "link", origin))
            return "" if goes_on else "CREATED"

        return self._do(target, write)

    def unlink(self, source: str, target: str, until: int | None) -> Response:
        """End the flow, now or at an instant."""

        def write() -> str:
            refuse_deleted(self._there(target))
            key = ("DERIVES", source, target)
            edge = self.edges.get(key)
            if edge is None or not (self._holds(edge) or until is not None):
                raise Refused("NOT_FOUND")
            if until is not None and until <= edge["validFrom"]:
                raise Refused("INVALID")
            self._entry(target, "UNLINKED")
            self._put(target, "upstream", key, self._closed(edge, until))
            return ""

        return self._do(target, write)

    def delete(self, name: str, expected: int | None = None) -> Response:
        """Delete it with its versions, unless a remaining asset derives from them."""
        return self._do(name, lambda: self._delete(name, expected))

    def restore(self, name: str) -> Response:
        """Restore it, with the versions deleted along with it."""
        return self._do(name, lambda: self._restore(name))

    def revert(self, number: int) -> Response:
        """Revert one change."""
        change = self.changes[number]
        name = change["subject"]

        def write() -> str:
            record = self._there(name)
            self._noted[name] = {"action": "REVERTED", "reverts": number}
            if "deletedAt" in change["values"] or change["action"] == "REGISTERED":
                went = change["values"].get("deletedAt", (None, None))[1] is not None
                if not name.startswith("mlg://dataset"):
                    raise Refused("INVALID")
                if went != ("deletedAt" in record):
                    raise Refused("CONFLICT")
                return self._restore(name) if went else self._delete(name, None)
            refuse_deleted(record)
            self._undo(name, record, change)
            return ""

        return self._do(name, write)

    def _undo(self, name: str, record: dict[str, Any], change: dict[str, Any]) -> None:
        values = {key: pair for key, pair in change["values"].items() if key not in _FOLLOWS}
        team, left = change["values"].get("ownerTeam", (None, None))
        reorders = bool(team) and any(owner == team for owner, _ in record["index"]["owners"])
        if not values and not change["edges"] and not reorders:
            raise Refused("INVALID")
        moved_on = [key for key, (_, after) in values.items() if record.get(key) != after]
        moved_on += [key for key, (_, after) in change["edges"].items() if not self._same(key, after)]
        if moved_on or (not values and not change["edges"] and record["ownerTeam"] != left):
            raise Refused("CONFLICT")
        set_values(record, {key: before for key, (before, _) in values.items()})
        for key, (before, _) in change["edges"].items():
            self._put(name, change["of"][key], key, self._again(key, before))
        for each in ("owners", "tags"):
            held = [owner[0] if each == "owners" else owner for owner in record["index"][each]]
            back = [key[2] for key in change["edges"] if key[0] == _FIELDS[each]]
            if back or (each == "owners" and reorders):
                self._list(name, each, [*([team] if team and each == "owners" else []), *held, *back])

    def _same(self, key: Key, left: dict[str, Any]) -> bool:
        """Return whether an edge still has the values that a change gave it."""
        edge, books = self.edges[key], {"recordedAt", "recordedBy", "earlier", "at", "opened", "closed"}
        if not self._holds(edge) and not self._holds(left):
            return (edge["validFrom"], edge["validTo"]) == (left["validFrom"], left["validTo"])
        both = [{k: v for k, v in one.items() if k not in books} for one in (edge, left)]
        return self._holds(edge) and self._holds(left) and both[0] == both[1]

    def _again(self, key: Key, before: dict[str, Any] | None) -> dict[str, Any]:
        """Return the edge with its earlier values: in a new interval if it has ended since; closed if it was closed."""
        edge = self.edges[key]
        if before is not None and self._holds(before):
            if self._holds(edge):
                return deepcopy(before)
            return {**before, "validFrom": self.now, "earlier": self._past(edge)}
        if self._holds(edge):
            return self._closed(edge)
        return {**edge, "by": [], "validTo": edge["validFrom"]} if before is None else deepcopy(before)

    def _delete(self, name: str, expected: int | None) -> str:
        record = self._there(name)
        self._expect(record, expected)
        if "deletedAt" in record:
            return ""
        going = [name, *(part for part in self._parts(name) if "deletedAt" not in self.records[part])]
        for relation, source, target in self.edges:
            user = self.records[target]
            used = relation == "DERIVES" and source in going and target not in going
            alive = "deletedAt" not in user and user["stage"] != "RETIRED"
            if used and alive and self._holds(self.edges[relation, source, target]):
                raise Refused("CONFLICT")
        for each in going:
            self.records[each] |= {"deletedAt": self.now, **({} if each == name else {"deletedWith": name})}
            self._noted.setdefault(each, {"action": "DELETED"})
        return ""

    def _restore(self, name: str) -> str:
        record = self._there(name)
        if "deletedAt" not in record:
            return ""
        parent = parent_of(name)
        if parent and "deletedAt" in self.records[parent]:
            raise Refused("CONFLICT")
        back = [name, *(part for part in self._parts(name) if self.records[part].get("deletedWith") == name)]
        for each in back:
            self.records[each].pop("deletedAt")
            self.records[each].pop("deletedWith", None)
            self._noted.setdefault(each, {"action": "RESTORED"})
        return ""

    def _do(self, about: str, write: Callable[[], str]) -> Response:
        """Apply a write completely or not at all, count the changes, and record them."""
        records, edges = deepcopy(self.records), deepcopy(self.edges)
        self._moves, self._noted = {}, {}
        try:
            outcome = write()
        except Refused as refused:
            self.records, self.edges = records, edges
            return Response(str(refused))
        self._recompute_teams()
        linked = self._noted.get(about, {}).get("action") in {"LINKED", "UNLINKED"}
        moved = set() if linked else {name for name, _ in self._moves}
        for name, record in self.records.items():
            if name in records and (records[name] != record or name in moved):
                record |= {"revision": records[name]["revision"] + 1, "updatedAt": self.now, "updatedBy": "root"}
        for name, record in self.records.items():
            if records.get(name) != record or name in {name for name, _ in self._moves}:
                self._audit(name, records.get(name), edges)
        changed = records != self.records or edges != self.edges
        return Response(outcome or ("UPDATED" if changed else "UNCHANGED"), self.records[about]["revision"])

    def _audit(self, name: str, before: dict[str, Any] | None, edges: dict[Key, dict[str, Any]]) -> None:
        record, was = self.records[name], before or {}
        names = () if before is None and record["hydration"] == "STUB" else {*was, *record} - _BOOKS
        moved = {key: of for (about, key), of in self._moves.items() if about == name}
        moved = {key: of for key, of in moved.items() if edges.get(key) != self.edges[key]}
        values = {key: (was.get(key), record.get(key)) for key in names if was.get(key) != record.get(key)}
        self.changes.append(
            {
                "subject": name,
                "action": "UPDATED" if before else "REGISTERED",
                **self._noted.get(name, {}),
                "revision": record["revision"],
                "at": self.now,
                "values": deepcopy(values),
                "edges": {key: deepcopy((edges.get(key), self.edges[key])) for key in moved},
                "of": moved,
                "told": {
                    (of, key): (self._shown(key, name, edges.get(key)), self._shown(key, name, self.edges[key]))
                    for key, of in moved.items()
                },
            }
        )

    def _shown(self, key: Key, name: str, edge: dict[str, Any] | None) -> Any:
        if edge is None or not self._holds(edge):
            return None
        far = key[1] if key[2] == name else key[2]
        return {"id": far, "relation": key[0], **{each: edge[each] for each in _REPORTED if each in edge}}

    def _entry(self, name: str, action: str, **more: Any) -> None:
        self._noted[name] = {"action": action, **{key: value for key, value in more.items() if value}}

    def _expect(self, record: dict[str, Any] | None, expected: int | None) -> None:
        if expected is not None and (record["revision"] if record else 0) != expected:
            raise Refused("CONFLICT")

    def _there(self, name: str) -> dict[str, Any]:
        if name not in self.records:
            raise Refused("NOT_FOUND")
        return self.records[name]

    def _ensure(self, name: str) -> dict[str, Any]:
        if name not in self.records:
            parent = parent_of(name)
            begun = {key: self._ensure(parent)[key] for key in ("ownerTeam", "visibility")} if parent else {}
            self.records[name] = {**new_stub(name, self.tenant, self.now), **begun}
            if parent:
                stated = {"relation": "VERSION_OF", "validFrom": 0, "by": ["id"], "origin": "DECLARED", "at": 0}
                self.edges["VERSION_OF", name, parent] = {**stated, "opened": self.now, **self._recorded()}
        return self.records[name]

    def _dated(self, name: str) -> None:
        """Order a registered version among the others by its time."""
        record, edge = self.records[name], self.edges.get(("VERSION_OF", name, parent_of(name)))  # type: ignore[arg-type]
        if edge is not None and edge["at"] == 0:
            edge |= {"at": record.get("registeredAt", record["createdAt"]), **self._recorded()}

    def _declare(self, own: str, of: str, targets: Mapping[str, Mapping[str, Any]], *, adds: bool = False) -> None:
        """Set all edges of a field, or add some."""
        relation = _FIELDS[of]
        kind = "DatasetVersion" if "@" in own else "Dataset"
        declarer = f"{kind}.{of}"
        keys: dict[Key, None] = {}
        for far, details in targets.items():
            self._ensure(far)
            key = (relation, far, own) if relation == "DERIVES" else (relation, own, far)
            edge = self.edges.get(key)
            after = dict(edge) if edge is not None and self._holds(edge) else self._opened(relation, edge)
            stated = {"mode": "DIRECT", **details} if of == "tags" else details
            self._put(own, of, key, {**declare(after, declarer, "DECLARED"), **stated})
            keys[key] = None
        for key, edge in list(self.edges.items()):
            mine = key[0] == relation and own == key[2 if relation == "DERIVES" else 1]
            listed = mine and declarer in edge["by"] and edge.get("mode") != "BLOCKED"
            if listed and not adds and key not in keys and self._holds(edge):
                left = [each for each in edge["by"] if each != declarer]
                self._put(own, of, key, {**edge, "by": left} if left else self._closed(edge))
        if relation != "DERIVES":
            self._list(own, of, list(targets))

    def _list(self, own: str, of: str, order: Sequence[str]) -> None:
        """Keep the list by which owners and tags are found: newly declared ones first, then the others."""
        held = [each[0] if of == "owners" else each for each in self.records[own]["index"][of]]
        now = {}
        for far in [*order, *held]:
            edge = self.edges.get((_FIELDS[of], own, far))
            if edge is not None and self._holds(edge) and edge.get("mode") != "BLOCKED":
                now[far] = edge
        self.records[own]["index"][of] = [
            [far, list(edge["kinds"])] if of == "owners" else far for far, edge in now.items()
        ]

    def _put(self, own: str, of: str, key: Key, after: dict[str, Any]) -> None:
        books = {"recordedAt", "recordedBy"}
        before = self.edges.get(key)
        after = marked(before, after, self.now)
        if before is None or {k: v for k, v in before.items() if k not in books} != {
            k: v for k, v in after.items() if k not in books
        }:
            self.edges[key] = {**after, **self._recorded()}
            self._moves[own, key] = of

    def _recorded(self) -> dict[str, Any]:
        return {"recordedAt": self.now, "recordedBy": "root"}

    def _holds(self, edge: dict[str, Any]) -> bool:
        return "validTo" not in edge or edge["validTo"] > self.now

    def _opened(self, relation: str, edge: dict[str, Any] | None) -> dict[str, Any]:
        past = self._past(edge) if edge else []
        first = {"relation": relation, "validFrom": self.now, "by": [], **_FIRST.get(relation, {})}
        return {**first, **({"earlier": past} if past else {})}

    def _past(self, edge: dict[str, Any]) -> list[list[int]]:
        return [each for each in [*edge.get("earlier", []), interval(edge)] if each[0] < each[1]]

    def _closed(self, edge: dict[str, Any], until: int | None = None) -> dict[str, Any]:
        return {**edge, "by": [], "validTo": max(self.now, edge["validFrom"]) if until is None else until}

    def _parts(self, name: str) -> list[str]:
        return [source for relation, source, target in self.edges if (relation, target) == ("VERSION_OF", name)]

    def _recompute_teams(self) -> None:
        for name in sorted(self.records, key=lambda name: "@" in name):
            record, parent = self.records[name], parent_of(name)
            teams = [(far, kinds) for far, kinds in record["index"]["owners"] if "//team/" in far]
            best = [far for far, kinds in teams if "TECHNICAL" in kinds] or [far for far, _ in teams]
            users = [(far, kinds) for far, kinds in record["index"]["owners"] if "//user/" in far]
            best += [above for above in [self.records[parent]["ownerTeam"] if parent else ""] if "//team/" in above]
            best += [far for far, kinds in users if "TECHNICAL" in kinds] + [far for far, _ in users]
            record["ownerTeam"] = best[0] if best else self.records[parent]["ownerTeam"] if parent else ""
