"""Redaction of the audit: an entry discloses nothing that is hidden from the viewer now."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import strawberry
from hypothesis import given
from hypothesis import strategies as st
from strawberry.types.base import get_object_definition
from strawberry.utils.str_converters import to_camel_case
from support.estates.plain_rows import PlainAccess, hiding, plain_row

from graphql_schema.governance.change_redaction import ID_KEYS, is_visible_entry, named_ids, redacted_entry
from graphql_schema.inputs.input_fields import VALUE
from graphql_schema.ports.row import Row
from graphql_schema.registry.entries import REGISTRY

DATA, TEAM = plain_row("DATASET", "clicks"), plain_row("TEAM", "search")
KNOWN = {DATA.urn: DATA, TEAM.urn: TEAM}
HIDDEN, OTHER = "mlg://dataset/test/default/hidden", "mlg://model/test/default/also-hidden"
SUBJECT = plain_row("MODEL_VERSION", "ranker", version="3")

OF_IDS = ("id", "version", "dataset", "plan", "team")
KEYS = st.sampled_from([*OF_IDS, "name", "kinds", "derivedFrom", "note", "value"])
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(0, 10**12), st.text(max_size=6), st.sampled_from([DATA.urn, TEAM.urn, HIDDEN])
)


def with_ids(value: dict[str, Any]) -> dict[str, Any]:
    """Return the object with an id in place of any other text under a key of ids."""
    ids = {DATA.urn, TEAM.urn, HIDDEN}
    return {
        key: DATA.urn if key in OF_IDS and isinstance(each, str) and each not in ids else each
        for key, each in value.items()
    }


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return objects with such values."""
    return st.dictionaries(KEYS, inner, max_size=4).map(with_ids)


VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | objects(inner))
OBJECTS = st.none() | objects(VALUES) | st.lists(VALUES, max_size=4)
"""Values of a field that are no plain text: those may contain ids, and texts of a person that look like ids."""

FIELDS = st.sampled_from(["columns", "approvals", "owners", "task", "createdAt"])


def entry(field: str, before: Any, after: Any, **values: Any) -> dict[str, Any]:
    """Return an entry of the audit as it is stored."""
    return {"field": field, "before": before, "after": after, **values}


def shown(stored: Mapping[str, Any], subject: Row = SUBJECT, known: Mapping[str, Row] = KNOWN) -> dict[str, Any] | None:
    """Return the entry as the viewer sees it; None if it is left out."""
    return redacted_entry(stored, subject, known) if is_visible_entry(stored, subject, known) else None


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def ids(value: Any) -> Iterator[str]:
    """Yield every id in a JSON value: the texts under the keys that have ids."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from [each] if key in OF_IDS and isinstance(each, str) else ids(each)
    elif isinstance(value, list):
        for each in value:
            yield from ids(each)


def renamed(value: Any, other: str = OTHER) -> Any:
    """Return the value with another id in place of the hidden one; texts that look like it stay."""
    if isinstance(value, Mapping):
        return {key: other if key in OF_IDS and each == HIDDEN else renamed(each, other) for key, each in value.items()}
    return [renamed(each, other) for each in value] if isinstance(value, list) else value


@given(FIELDS, OBJECTS, OBJECTS)
def test_no_hidden_id_is_disclosed(field: str, before: Any, after: Any) -> None:
    """Wherever a hidden id is in a value, at any depth, it is in neither side of the entry."""
    found = shown(entry(field, before, after))
    assert found is not None
    assert HIDDEN not in {*ids([json.loads(found[side] or "null") for side in ("before", "after")])}


@given(FIELDS, OBJECTS, OBJECTS)
def test_entries_that_differ_in_hidden_ids_look_the_same(field: str, before: Any, after: Any) -> None:
    """The viewer cannot distinguish two hidden assets, so no entry depends on which of them it names."""
    stored = entry(field, before, after)
    assert shown(stored) == shown(entry(field, renamed(before), renamed(after)))


@given(FIELDS, OBJECTS)
def test_a_value_of_visible_ids_is_complete(field: str, value: Any) -> None:
    """If the viewer sees every id, all texts, numbers and ids of the value are shown."""
    visible = renamed(value, TEAM.urn)
    found = shown(entry(field, None, visible))
    assert found is not None
    assert sorted(texts(json.loads(found["after"] or "null"))) == sorted(texts(visible))


@given(OBJECTS, OBJECTS)
def test_an_edge_of_something_hidden_is_left_out(before: Any, after: Any) -> None:
    """The existence of the entry would disclose that of the hidden end."""
    known = {**KNOWN, SUBJECT.urn: SUBJECT}
    stored = entry("trainedOn", before, after, edge=["FEEDS", DATA.urn, SUBJECT.urn])
    assert is_visible_entry(stored, SUBJECT, known) is {*ids([before, after])}.issubset(known)


def test_an_edge_with_a_hidden_end_is_left_out_even_if_its_values_are_visible() -> None:
    """The ends of the stored edge count, also where neither side shows them."""
    assert shown(entry("trainedOn", None, None, edge=["FEEDS", HIDDEN, SUBJECT.urn])) is None
    assert shown(entry("trainedOn", None, None, edge=["FEEDS", DATA.urn, TEAM.urn])) is not None


def test_an_alias_of_a_hidden_version_is_left_out() -> None:
    """An alias names one version, so an entry without the version would still disclose that there is one."""
    hidden, visible = entry("aliases", None, {"version": HIDDEN}), entry("aliases", None, {"version": DATA.urn})
    assert shown({**hidden, "part": "champion"}) is None
    assert shown({**visible, "part": "champion"}) is not None


USER, DOMAIN = "mlg://user/catalog/default/hana", "mlg://domain/catalog/default/shop"
NO_TEAMS = (None, "", USER, DOMAIN)


@pytest.mark.parametrize("other", NO_TEAMS)
def test_an_owner_who_is_not_a_team_counts_as_no_owner_team(other: str | None) -> None:
    """A user or domain that owns a hidden parent is in no history, where it looks like an asset without an owner."""
    assert [shown(entry("ownerTeam", each, other)) for each in NO_TEAMS] == [None] * 4
    from_team, to_team = shown(entry("ownerTeam", TEAM.urn, other)), shown(entry("ownerTeam", other, TEAM.urn))
    assert from_team == {"field": "ownerTeam", "alias": None, "before": TEAM.urn, "after": None}
    assert to_team == {"field": "ownerTeam", "alias": None, "before": None, "after": TEAM.urn}


def test_a_change_of_a_hidden_field_is_left_out() -> None:
    """Which fields were changed is as hidden as their values."""
    subject = plain_row("MODEL", "m", hiding("task"))
    assert shown(entry("task", None, "ranking"), subject) is None
    assert shown(entry("riskTier", None, "HIGH"), subject) == {
        "field": "riskTier",
        "alias": None,
        "before": None,
        "after": "HIGH",
    }


def test_showing_a_restricted_field_is_logged() -> None:
    """The audit discloses values like the field itself, so the access log records the read."""
    access = PlainAccess(logged=frozenset({"params"}))
    subject = plain_row("MODEL", "m", access)
    shown(entry("params", None, [{"key": "depth", "value": "3"}]), subject)
    assert access.reports == [f"read params {subject.urn}"]


@pytest.mark.parametrize("end", ["subject", "far end"])
def test_an_edge_is_shown_as_far_as_both_of_its_ends_show_it(end: str) -> None:
    """A value that either end hides on its edges is absent, and the report of the viewer is not changed."""
    access = PlainAccess(edge_hidden=frozenset({"confidence"}))
    subject = plain_row("MODEL", "m", access if end == "subject" else None)
    far = plain_row("DATASET", "clicks", access if end == "far end" else None)
    value = {"id": far.urn, "relation": "FEEDS", "confidence": 0.5}
    stored = entry("inputs", None, value, edge=["FEEDS", far.urn, subject.urn])
    found = shown(stored, subject, {far.urn: far, subject.urn: subject})
    assert found == {
        "field": "inputs",
        "alias": None,
        "before": None,
        "after": f'{{"id":"{far.urn}","relation":"FEEDS"}}',
    }
    assert access.reports == []


def test_an_entry_of_an_alias_names_it() -> None:
    """The entry of an alias has its name, and each version that is visible; a hidden one counts as no alias."""
    moved = entry("aliases", {"version": DATA.urn}, {"version": OTHER}, part="champion")
    before, after = f'{{"version":"{DATA.urn}"}}', f'{{"version":"{OTHER}"}}'
    for known, texts in (
        ({**KNOWN, OTHER: DATA}, (before, after)),
        ({DATA.urn: DATA}, (before, None)),
        ({OTHER: DATA}, (None, after)),
    ):
        found = shown(moved, known=known) or {}
        assert (found["alias"], found["before"], found["after"]) == ("champion", *texts)
    assert shown(moved, known={}) is None


@pytest.mark.parametrize(("recorded_by", "before"), [("ada", True), ("bo", False)])
def test_an_author_is_shown_the_ids_of_an_own_link(recorded_by: str, *, before: bool) -> None:
    """Of an edge to a hidden asset its author gets relation and id, and before only what the author recorded."""
    edge = {"id": HIDDEN, "relation": "DERIVES", "confidence": 0.5}
    stored = entry("upstream", edge, edge, edge=["DERIVES", HIDDEN, SUBJECT.urn], was={"recordedBy": recorded_by})
    assert not is_visible_entry(stored, SUBJECT, KNOWN)
    assert is_visible_entry(stored, SUBJECT, KNOWN, "ada")
    text = f'{{"id":"{HIDDEN}","relation":"DERIVES"}}'
    found = redacted_entry(stored, SUBJECT, KNOWN, "ada")
    assert (found["before"], found["after"]) == (text if before else None, text)


def test_an_edge_to_an_asset_that_its_author_saw_is_shown_by_current_rights() -> None:
    """If the far end is hidden now, the entry is left out for its author as for others; else it is complete."""
    edge = {"id": HIDDEN, "relation": "DERIVES", "confidence": 0.5}
    stored = entry("upstream", None, edge, edge=["DERIVES", HIDDEN, SUBJECT.urn], was=None, visible=True)
    known = {**KNOWN, SUBJECT.urn: SUBJECT}
    assert not is_visible_entry(stored, SUBJECT, known, "ada")
    visible = {**known, HIDDEN: plain_row("DATASET", "hidden")}
    assert is_visible_entry(stored, SUBJECT, visible, "ada")
    assert '"confidence":0.5' in (redacted_entry(stored, SUBJECT, visible, "ada")["after"] or "")


@pytest.mark.parametrize(("recorded_by", "before"), [("ada", True), ("bo", False)])
def test_an_own_link_to_a_stub_is_shown_like_one_to_a_hidden_asset(recorded_by: str, *, before: bool) -> None:
    """The stub of an absent id is visible, and its author cannot distinguish it from a hidden asset by the history."""
    stub = plain_row("DATASET", "later", hydration="STUB")
    edge = {"id": stub.urn, "relation": "DERIVES", "origin": "DECLARED", "validFrom": 7}
    stored = entry("upstream", edge, edge, edge=["DERIVES", stub.urn, SUBJECT.urn], was={"recordedBy": recorded_by})
    text = f'{{"id":"{stub.urn}","relation":"DERIVES"}}'
    found = redacted_entry(stored, SUBJECT, {**KNOWN, stub.urn: stub}, "ada")
    assert (found["before"], found["after"]) == (text if before else None, text)
    others = redacted_entry(stored, SUBJECT, {**KNOWN, stub.urn: stub})
    assert '"origin":"DECLARED"' in (others["after"] or "")


class OnlyLookedUp(dict[str, Row]):
    """Rows by id whose number cannot matter: each can be looked up, and no use can visit all."""

    def __iter__(self) -> Iterator[str]:
        """Refuse to visit the ids."""
        raise AssertionError

    items = keys = values = __iter__  # type: ignore[assignment]


@pytest.mark.parametrize("author", [None, "ada"])
def test_the_work_for_an_entry_does_not_grow_with_the_change(author: str | None) -> None:
    """A change can have thousands of entries; visiting all visible rows for each of them would take minutes."""
    edge = {"id": DATA.urn, "relation": "DERIVES", "origin": "DECLARED"}
    stored = entry("upstream", None, edge, edge=["DERIVES", DATA.urn, SUBJECT.urn])
    known = OnlyLookedUp({**KNOWN, SUBJECT.urn: SUBJECT})
    assert is_visible_entry(stored, SUBJECT, known, author)
    assert '"origin":"DECLARED"' in (redacted_entry(stored, SUBJECT, known, author)["after"] or "")


WRITTEN = [
    ("properties", [{"key": "origin", "value": HIDDEN}]),
    ("params", [{"key": HIDDEN, "value": "mlg://x"}]),
    ("metrics", [{"name": HIDDEN, "value": 0.5, "slice": "mlg://x"}]),
    ("entityKeys", [HIDDEN, "mlg://x"]),
    ("columns", [{"name": HIDDEN, "dataType": "mlg://x", "description": HIDDEN}]),
]
"""Values that callers wrote freely."""


@pytest.mark.parametrize(("field", "value"), WRITTEN)
def test_a_text_that_looks_like_an_id_is_text(field: str, value: Any) -> None:
    """What people wrote freely is shown as it is, and names nothing: no reader looks it up or misses it."""
    found = shown(entry(field, None, value))
    assert found is not None
    assert json.loads(found["after"]) == value
    assert list(named_ids(entry(field, value, value))) == []


def test_a_text_in_a_property_hides_no_edge() -> None:
    """An edge of visible ends is shown to everybody, with its properties, whatever their author wrote."""
    edge = {"id": DATA.urn, "relation": "DERIVES", "properties": [{"key": "k", "value": HIDDEN}]}
    stored = entry("upstream", None, edge, edge=["DERIVES", DATA.urn, SUBJECT.urn])
    found = shown(stored, known={**KNOWN, SUBJECT.urn: SUBJECT})
    assert found is not None
    assert json.loads(found["after"]) == edge
    assert {*named_ids(stored)} == {DATA.urn, SUBJECT.urn}


class Unread(list[Any]):
    """Pairs that nothing visits."""

    def __iter__(self) -> Iterator[Any]:
        """Refuse to visit the pairs."""
        raise AssertionError


def test_the_work_for_an_entry_does_not_grow_with_the_properties_of_its_edge() -> None:
    """They are thousands in an entry of an earlier release, and no id is among them."""
    edge = {"id": DATA.urn, "relation": "DERIVES", "properties": Unread([{"key": "k", "value": "v"}])}
    stored = entry("upstream", edge, edge, edge=["DERIVES", DATA.urn, SUBJECT.urn], was=edge)
    assert {*named_ids(stored)} == {DATA.urn, SUBJECT.urn}
    found = shown(stored, known={**KNOWN, SUBJECT.urn: SUBJECT})
    assert found is not None
    assert json.loads(found["before"])["properties"] == [{"key": "k", "value": "v"}]


@pytest.mark.parametrize("hidden", [frozenset[str](), frozenset({"properties"})], ids=["shown", "hidden"])
def test_properties_are_shown_from_the_record_of_the_edge(hidden: frozenset[str]) -> None:
    """An entry that has them in `was` and `is` alone is shown like one of an earlier release, and hides the same."""
    subject = plain_row("MODEL_VERSION", "ranker", PlainAccess(edge_hidden=hidden), version="3")
    first, second = [{"key": "k", "value": "first"}], [{"key": "k", "value": HIDDEN}]
    ends, edge = ["DERIVES", DATA.urn, subject.urn], {"id": DATA.urn, "relation": "DERIVES", "validFrom": 7}
    was, now = {"by": ["link"], "properties": first}, {"by": ["link"], "properties": second}
    known = {**KNOWN, subject.urn: subject}
    found = shown(entry("upstream", edge, edge, edge=ends, was=was, **{"is": now}), subject, known)
    former = [{**edge, "properties": pairs} for pairs in (first, second)]
    assert found == shown(entry("upstream", *former, edge=ends, was=was, **{"is": now}), subject, known)
    texts = [(found or {})[side] for side in ("before", "after")]
    assert [json.loads(text).get("properties") for text in texts] == ([None] * 2 if hidden else [first, second])
    ended = shown(entry("upstream", None, None, edge=ends, was=was, **{"is": now}), subject, known)
    assert ended is not None
    assert (ended["before"], ended["after"]) == (None, None)


def attributes(input_type: type, prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the path of each value in the lists of objects that an input stores, and whether it is an id."""
    definition = get_object_definition(input_type, strict=True)
    for each in definition.fields:
        of: Any = each.type
        while hasattr(of, "of_type"):
            of = of.of_type
        path = prefix + (each.graphql_name or to_camel_case(each.python_name))
        if get_object_definition(of) is not None:
            if prefix or VALUE in each.metadata:
                yield from attributes(of, f"{path}.")
        elif prefix:
            yield path, of is strawberry.ID


def test_the_keys_of_ids_are_those_of_the_inputs() -> None:
    """Of the objects in lists that a registration stores, each id is under a key of ids, and no other value is."""
    found = {path: is_id for each in REGISTRY.values() for path, is_id in attributes(each.input)}
    assert {"columns.derivedFrom.dataset": True, "columns.description": False, "metrics.name": False}.items() <= (
        found.items()
    )
    assert {path: path.split(".")[-1] in ID_KEYS for path in found} == found


def test_a_text_is_shown_as_it_is() -> None:
    """A text is no JSON, and an id in a description is a word like any other."""
    found = shown(entry("description", None, f"see {HIDDEN}"))
    assert found == {"field": "description", "alias": None, "before": None, "after": f"see {HIDDEN}"}
    assert list(named_ids(entry("description", HIDDEN, None))) == []


def test_instants_are_written_as_the_schema_writes_them() -> None:
    """Fields that end in ``At``, and the times of edges and aliases; any other number stays a number."""
    assert shown(entry("deletedAt", None, 0)) == {
        "field": "deletedAt",
        "alias": None,
        "before": None,
        "after": "1970-01-01T00:00:00Z",
    }
    assert shown(entry("tier", 1, 0)) == {"field": "tier", "alias": None, "before": "1", "after": "0"}
    found = shown(entry("inputs", None, {"validFrom": 0, "validTo": 1_500, "since": 1_000, "weight": 7}))
    assert json.loads((found or {})["after"]) == {
        "validFrom": "1970-01-01T00:00:00Z",
        "validTo": "1970-01-01T00:00:01.500Z",
        "since": "1970-01-01T00:00:01Z",
        "weight": 7,
    }


def test_an_element_about_something_hidden_is_left_out_completely() -> None:
    """Of a column lineage nothing of the hidden source is shown; a list that becomes empty is left out as well."""
    columns = [
        {"name": "a", "derivedFrom": [{"dataset": HIDDEN, "column": "x"}, {"dataset": DATA.urn, "column": "y"}]},
        {"name": "b", "derivedFrom": [{"dataset": HIDDEN, "column": "z"}]},
    ]
    found = shown(entry("columns", None, columns))
    assert json.loads((found or {})["after"]) == [
        {"name": "a", "derivedFrom": [{"dataset": DATA.urn, "column": "y"}]},
        {"name": "b"},
    ]


def test_the_ids_of_an_entry_are_those_of_its_edge_and_of_both_sides() -> None:
    """The resolver reads these rows to find out which of them the viewer sees."""
    stored = entry(
        "aliases",
        {"version": HIDDEN},
        {"version": OTHER, "history": [{"version": DATA.urn}], "name": "champion"},
        edge=["FEEDS", TEAM.urn, SUBJECT.urn],
    )
    assert list(named_ids(stored)) == [TEAM.urn, SUBJECT.urn, HIDDEN, OTHER, DATA.urn]


def test_the_mark_of_a_column_by_sources_is_left_out() -> None:
    """It would show that a column without a visible source has a hidden one."""
    column = {"name": "x", "bySources": True, "observedFrom": [{"dataset": HIDDEN, "column": "c"}]}
    entry = {"field": "columns", "before": None, "after": [column]}
    assert json.loads(redacted_entry(entry, SUBJECT, KNOWN)["after"]) == [{"name": "x"}]
