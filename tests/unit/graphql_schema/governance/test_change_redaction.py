"""Redaction of the audit: an entry discloses nothing that is hidden from the viewer now."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.estates.plain_rows import PlainAccess, hiding, plain_row

from graphql_schema.governance.change_redaction import FREE_TEXT, is_visible_entry, named_ids, redacted_entry
from graphql_schema.ports.row import Row

DATA, TEAM = plain_row("DATASET", "clicks"), plain_row("TEAM", "search")
KNOWN = {DATA.urn: DATA, TEAM.urn: TEAM}
HIDDEN, OTHER = "mlg://dataset/test/default/hidden", "mlg://model/test/default/also-hidden"
SUBJECT = plain_row("MODEL_VERSION", "ranker", version="3")

KEYS = st.sampled_from(["id", "dataset", "version", "name", "kinds", "derivedFrom", "note"])
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(0, 10**12), st.text(max_size=6), st.sampled_from([DATA.urn, TEAM.urn, HIDDEN])
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))
OBJECTS = st.none() | st.dictionaries(KEYS, VALUES, max_size=4) | st.lists(VALUES, max_size=4)
"""Values of a field that are no plain text: those may contain ids, which a text of a person only looks like."""

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


def renamed(value: Any) -> Any:
    """Return the value with another hidden id in place of the hidden one."""
    return json.loads(json.dumps(value).replace(HIDDEN, OTHER))


@given(FIELDS, OBJECTS, OBJECTS)
def test_no_hidden_id_is_disclosed(field: str, before: Any, after: Any) -> None:
    """Wherever a hidden id is in a value, at any depth, it is in neither side of the entry."""
    found = shown(entry(field, before, after))
    assert found is not None
    assert HIDDEN not in json.dumps(found)


@given(FIELDS, OBJECTS, OBJECTS)
def test_entries_that_differ_in_hidden_ids_look_the_same(field: str, before: Any, after: Any) -> None:
    """The viewer cannot distinguish two hidden assets, so no entry depends on which of them it names."""
    stored = entry(field, before, after)
    assert shown(stored) == shown(renamed(stored))


@given(FIELDS, OBJECTS)
def test_a_value_of_visible_ids_is_complete(field: str, value: Any) -> None:
    """If the viewer sees every id, all texts, numbers and ids of the value are shown."""
    visible = json.loads(json.dumps(value).replace(HIDDEN, TEAM.urn))
    found = shown(entry(field, None, visible))
    assert found is not None
    assert sorted(texts(json.loads(found["after"] or "null"))) == sorted(texts(visible))


@given(OBJECTS, OBJECTS)
def test_an_edge_of_something_hidden_is_left_out(before: Any, after: Any) -> None:
    """The existence of the entry would disclose that of the hidden end."""
    known = {**KNOWN, SUBJECT.urn: SUBJECT}
    stored = entry("trainedOn", before, after, edge=["FEEDS", DATA.urn, SUBJECT.urn])
    assert is_visible_entry(stored, SUBJECT, known) is (HIDDEN not in list(texts([before, after])))


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


def test_an_id_in_free_text_is_text() -> None:
    """Keys and values that people wrote freely are shown as they are, and name nothing."""
    for field in FREE_TEXT:
        value = [{"key": "origin", "value": HIDDEN}]
        assert shown(entry(field, None, value)) == {
            "field": field,
            "alias": None,
            "before": None,
            "after": f'[{{"key":"origin","value":"{HIDDEN}"}}]',
        }
        assert list(named_ids(entry(field, value, value))) == []


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
