"""The audit as it is read: changes, and what each did to a field, as far as the field may be seen now."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import orjson
import strawberry

from graphql_schema.asset import Node
from graphql_schema.catalog import KINDS
from graphql_schema.connection import After, Binding, First, Pages, paged
from graphql_schema.context import Context, Info
from graphql_schema.enums import AssetKind, ChangeAction
from graphql_schema.fields import Parent, own
from graphql_schema.listing import LARGEST_FILTER, LONGEST_TEXT, Clause
from graphql_schema.refs import AssetRef, ChangeRef
from graphql_schema.row import Row
from graphql_schema.scalars import Cursor, Instant, instant_text
from graphql_schema.urn import parse_urn
from policies.errors import InvalidError

Known = Mapping[str, Row]
"""The rows that the caller may know of, by id."""

FREE_TEXT = frozenset({"properties", "params"})
"""Fields of free keys and values: an id in there is text."""

INSTANT = "At"
"""How the names of fields end that hold an instant."""

_INSTANTS = frozenset({"validFrom", "validTo", "since"})


@strawberry.type(description="What a change did to one field.")
class FieldChange:
    """What a change did to one field."""

    field: str = own("The field, as the schema names it.")
    before: str | None = own("What it was: a text as it is, anything else as JSON. Null where there was nothing.")
    after: str | None = own("What it became.")


async def _subject(root: Parent, info: Info) -> Any:
    urn = root.record["subject"]
    return await info.context.reader.node(urn) if KINDS[parse_urn(urn).kind].asset else None


def _subject_id(root: Parent) -> Any:
    return root.record["subject"]


def _at(root: Parent) -> Any:
    return root.record["createdAt"]


async def _reverts(root: Parent, info: Info) -> Any:
    urn = root.record.get("reverts")
    return await info.context.reader.node(urn) if urn else None


async def _fields(root: Parent, info: Info) -> Any:
    """The field changes as the caller may see the fields now: what is hidden is left out without a note.

    Which fields there were a change of is as hidden as their values.
    """
    reader, entries = info.context.reader, root.record["fields"]
    subject: Row | None = await reader.node(root.record["subject"])
    named = list(dict.fromkeys(urn for entry in entries for urn in _ids(entry)))
    known = {row.urn: row for row in await reader.nodes(named) if row is not None}
    return [_shown(entry, subject, known) for entry in entries if subject is not None and _told(entry, subject, known)]


def journal_cursor(context: Context) -> Binding:
    """What seals and opens the places of changes among all changes, whatever the filter."""
    return Binding(context, "Change.cursor")


def _cursor(root: Parent, info: Info) -> Any:
    return journal_cursor(info.context).seal((root.record["createdAt"], root.urn))


@strawberry.type(description="One change of one asset, team, user, domain or tag.")
class Change(Node):
    """One change of one thing."""

    action: ChangeAction = own("What kind of change it was.")
    subject: AssetRef | None = strawberry.field(
        description="The asset that changed, as it is now; null for a team, user, domain or tag.", resolver=_subject
    )
    subject_id: strawberry.ID = strawberry.field(description="The id of what changed.", resolver=_subject_id)
    fields: list[FieldChange] | None = strawberry.field(
        description="What it did, field by field; an edge is one by itself. What is hidden from you now is left out.",
        resolver=_fields,
    )
    actor: str | None = own("The subject of the token that did it.")
    at: Instant = strawberry.field(description="When.", resolver=_at)
    reason: str | None = own("Why, where the caller said so.")
    request_id: str | None = own("The request that did it: the key to the logs.")
    reverts: ChangeRef | None = strawberry.field(description="The change that this one undid.", resolver=_reverts)
    cursor: Cursor = strawberry.field(
        description="Where it stands among all changes: pass it to `subscription changes` to go on after it.",
        resolver=_cursor,
    )


@strawberry.input(description="A condition on changes; all that are given must hold.")
class ChangeFilter:
    """A condition on changes."""

    subjects: list[strawberry.ID] | None = strawberry.field(description="Of one of these.", default=None)
    kinds: list[AssetKind] | None = strawberry.field(description="Of assets of one of these kinds.", default=None)
    actors: list[str] | None = strawberry.field(description="By one of these subjects.", default=None)
    actions: list[ChangeAction] | None = strawberry.field(description="One of these actions.", default=None)
    since: Instant | None = strawberry.field(description="At this instant or later.", default=None)
    until: Instant | None = strawberry.field(description="Before this instant.", default=None)

    def clause(self) -> Clause:
        """The filter as the store can run it; raises InvalidError on an oversized one."""
        given = {
            "subject": self.subjects,
            "subjectKind": None if self.kinds is None else [kind.name for kind in self.kinds],
            "actor": self.actors,
            "action": None if self.actions is None else [action.name for action in self.actions],
        }
        clauses: list[Clause] = [("in", key, tuple(values)) for key, values in given.items() if values is not None]
        if sum(len(values) for _, _, values in clauses) > LARGEST_FILTER:
            raise InvalidError(f"The filter holds more than {LARGEST_FILTER} values; ask in several queries.")
        if any(len(text) > LONGEST_TEXT for _, _, values in clauses for text in values):
            raise InvalidError(f"The filter holds a text of more than {LONGEST_TEXT} characters; none is so long.")
        if self.since is not None:
            clauses.append(("not", ("below", "createdAt", self.since)))
        if self.until is not None:
            clauses.append(("below", "createdAt", self.until))
        return ("and", *clauses)


ChangeFilterArg = Annotated[ChangeFilter | None, strawberry.argument(description="Which changes; all when absent.")]


async def changes(info: Info, filter: ChangeFilterArg = None, first: First = 20, after: After = None) -> Any:
    """A page of all changes that the viewer may see, the newest first."""
    where = ("and",) if filter is None else filter.clause()
    page, binding = paged(info, first, after, where)
    return Pages(await info.context.reader.facts("Change", where, page), page, binding)


def changes_field() -> Any:
    """The field of the root that lists changes."""
    return strawberry.field(description="Every change that the viewer may see, the newest first.", resolver=changes)


def _ids(entry: Mapping[str, Any]) -> Iterator[str]:
    """The ids in an entry whose existence it would tell."""
    yield from entry.get("edge", ())[1:]
    for side in ("before", "after"):
        if entry["field"] not in FREE_TEXT and not isinstance(entry[side], str):
            yield from _walked(entry[side])


def _walked(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("mlg://"):
            yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _walked(each)
    elif isinstance(value, list):
        for each in value:
            yield from _walked(each)


def _told(entry: Mapping[str, Any], subject: Row, known: Known) -> bool:
    """Whether an entry is told: not where its field is hidden, nor where it is an edge or a name for what is hidden."""
    if entry["field"] in subject.access.hidden:
        return False
    return not ("edge" in entry or "part" in entry) or all(urn in known for urn in _ids(entry))


def _shown(entry: Mapping[str, Any], subject: Row, known: Known) -> dict[str, Any]:
    field = entry["field"]
    subject.open(field)  # the access log hears of what is held closely
    sides = {side: entry[side] for side in ("before", "after")}
    if "edge" in entry:
        sides = {side: _of_edge(value, subject, known) for side, value in sides.items()}
    return {"field": field, **{side: _text(field, value, known) for side, value in sides.items()}}


def _of_edge(value: Mapping[str, Any] | None, subject: Row, known: Known) -> Mapping[str, Any] | None:
    """What an edge said, as far as both of its ends show it."""
    if value is None:
        return None
    hidden = subject.access.of_edge("Neighbour", known[value["id"]].access).hidden
    return {name: each for name, each in value.items() if name not in hidden}


def _text(field: str, value: Any, known: Known) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and field.endswith(INSTANT):
        return instant_text(value)
    shown = value if field in FREE_TEXT else _scrubbed(value, known)
    return orjson.dumps(shown).decode()


def _scrubbed(value: Any, known: Known) -> Any:
    """The value without what is about an id that the caller may not know of, instants as the schema writes them."""
    if isinstance(value, Mapping):
        kept = {key: _part(key, each, known) for key, each in value.items() if not _secret(each, known)}
        return {key: each for key, each in kept.items() if each != []}  # a list of secrets is as none
    if isinstance(value, list):
        return [_scrubbed(each, known) for each in value if not _about_secret(each, known)]
    return value


def _part(key: str, value: Any, known: Known) -> Any:
    return instant_text(value) if key in _INSTANTS else _scrubbed(value, known)


def _secret(value: Any, known: Known) -> bool:
    return isinstance(value, str) and value.startswith("mlg://") and value not in known


def _about_secret(value: Any, known: Known) -> bool:
    """Whether an element of a list is, or is about, something that the caller may not know of."""
    return any(_secret(each, known) for each in (value.values() if isinstance(value, Mapping) else [value]))
