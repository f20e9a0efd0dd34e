"""The policy as conditions: the rows that are listed, and filters that cannot read a hidden field."""

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strawberry import ID
from support.estates.random_conditions import conditions, records
from support.oracles.decision_table import CALLERS
from support.stores.writers import shipped_policy

from app.graph.reading.access.row_conditions import UNGOVERNED, RowConditions, condition_of_rows
from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.access.spread_conditions import spread
from app.graph.reading.level.index_filter import filter_of
from app.graph.records.read_time import PRESENT, ReadTime, vertex_at
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.fields.filters import AssetFilter, asset_listing
from graphql_schema.ports.conditions import (
    ALWAYS,
    Above,
    Condition,
    In,
    Negated,
    UnusedFor,
    matches,
    nodes,
    rewrite,
)
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.rules.search_text import parse_search_text
from graphql_schema.search.search_conditions import search_query
from policies.attributes import PolicyAttributes
from policies.predicate import (
    Everything,
    Nothing,
    Predicate,
    compiled,
    conjunction,
    disjunction,
    negation,
    within,
)

CLASSES = [
    PolicyAttributes("DATASET", owner, visibility, "PUBLIC", stage, "PUBLIC")
    for owner, visibility, stage in product(("", "t"), ("ORG", "TEAM"), ("DRAFT", "ACTIVE"))
]
ORG, OWN, ACTIVE = within("visibility", ["ORG"]), within("ownerTeam", ["t"]), within("stage", ["ACTIVE"])
PREDICATES: list[Predicate] = [
    Everything(),
    Nothing(),
    ORG,
    negation(ORG),
    conjunction((ORG, OWN)),
    disjunction((ORG, negation(OWN), conjunction((OWN, ACTIVE)))),
]
rows = st.sampled_from(CLASSES).map(lambda each: {"kind": "DATASET", **each.named()})


@dataclass
class StubPolicy:
    """A policy under which a caller discovers some rows, and sees the fields of some properties on fewer rows."""

    discovered: Predicate = ORG
    hidden: dict[str, Predicate] = field(default_factory=dict)
    instant: ReadTime = PRESENT

    def rows_filter(self) -> Predicate:
        """See RowPolicy."""
        return self.discovered

    def shown(self, key: str) -> Predicate:
        """See RowPolicy."""
        return self.hidden.get(key, self.discovered)


def of(policy: StubPolicy) -> RowConditions:
    """Return the conditions of a policy."""
    return RowConditions(cast("RowPolicy", policy))


def holds(condition: Condition, record: dict[str, Any]) -> bool:
    """Return whether a record by native property meets a condition."""
    return matches(condition, record.get)


@pytest.mark.parametrize("predicate", PREDICATES, ids=str)
def test_a_predicate_becomes_a_condition_of_the_same_rows(predicate: Predicate) -> None:
    """The condition holds for the assets that the predicate holds for, and for every other vertex."""
    condition, test = condition_of_rows(predicate), compiled(predicate)
    for row in CLASSES:
        assert holds(condition, {"kind": "DATASET", **row.named()}) is test(row)
    assert all(holds(condition, {"kind": kind}) for kind in ("TEAM", "USER", "DOMAIN", "TAG"))


def absent(value: Any) -> Any:
    """Return the value that the store has in place of an absent one: an empty text or a set of it, else None."""
    return [""] if isinstance(value, list) else "" if isinstance(value, str) else None


def without_text_bounds(condition: Condition) -> Condition:
    """Return a condition as a filter may have it: only positions, which are not masked, have bounds of texts."""
    return rewrite(condition, lambda leaf: ALWAYS if isinstance(getattr(leaf, "bound", None), str) else leaf)


DRAFT = {"kind": "DATASET", **CLASSES[0].named()}


@example(In("tags", ("", "b")), {"name": "a", "tags": ["a"], "updatedAt": 1}, DRAFT, {"tags"})
@example(Negated(In("name", ("a",))), {"name": "a", "tags": ["a"], "updatedAt": 1}, DRAFT, {"name"})
@given(conditions.map(without_text_bounds), records, rows, st.sets(st.sampled_from(("name", "tags", "updatedAt"))))
def test_a_hidden_field_counts_as_absent(
    condition: Condition, record: dict[str, Any], row: dict[str, str], keys: set[str]
) -> None:
    """A masked condition holds for a row exactly if the condition holds for the row without its hidden values."""
    masked = of(StubPolicy(Everything(), dict.fromkeys(keys, ACTIVE))).mask(condition)
    hidden = keys if row["stage"] != "ACTIVE" else set()
    visible = {key: absent(value) if key in hidden else value for key, value in record.items()}
    assert holds(masked, {**record, **row}) is holds(condition, visible)


@pytest.mark.parametrize("team", ["", *(f"mlg://{kind}/catalog/default/x" for kind in ("user", "domain", "team"))])
@pytest.mark.parametrize("stage", ["DRAFT", "ACTIVE"])
def test_who_owns_an_asset_counts_only_where_it_is_shown(stage: str, team: str) -> None:
    """`ownerTeam` shows teams: a user counts as an owner of its own asset, and where `owners` is shown."""
    policy = of(StubPolicy(Everything(), {"owners": ACTIVE}))
    for direct, owned in product(("", team), (True, False)):
        is_known = "/team/" in team or ("/user/" in direct and stage == "ACTIVE")
        where = policy.mask(asset_listing(AssetFilter(owned=owned), None).where)
        row = {"kind": "DATASET", "visibility": "ORG", "stage": stage, "ownerTeam": team, "owners": [direct]}
        assert holds(where, row) is (owned is is_known)


@given(conditions)
def test_nothing_is_added_where_nothing_is_hidden(condition: Condition) -> None:
    """If every row that the caller discovers shows a field, conditions on it are only spread."""
    policy = of(StubPolicy())
    assert policy.mask(condition) == spread(condition)
    assert not policy.hides("name")


def test_usage_is_replaced_and_not_masked_again() -> None:
    """An `UnusedFor` becomes its replacement, also inside a negation; one without replacement is a defect."""
    policy = of(StubPolicy(Everything(), {"usedAt": ACTIVE}))
    replacement = Above("usedAt", 7)
    assert policy.mask(Negated(UnusedFor(3)), {UnusedFor(3): replacement}) == Negated(replacement)
    assert policy.mask(replacement) != replacement
    with pytest.raises(KeyError):
        policy.mask(UnusedFor(4), {UnusedFor(3): replacement})


def test_rows_that_show_several_fields() -> None:
    """`shows` holds where each of the fields is shown, and `hides` says whether that is less than everywhere."""
    policy = of(StubPolicy(Everything(), {"usedAt": ACTIVE, "begins": OWN}))
    found = [row for row in CLASSES if holds(policy.shows("usedAt", "begins", "name"), {"kind": "X", **row.named()})]
    assert found == [row for row in CLASSES if row.stage == "ACTIVE" and row.owner_team == "t"]
    assert (policy.hides("usedAt"), policy.hides("begins"), policy.hides("name")) == (True, True, False)


DATES = [
    {"id": "u", "kind": "DATASET", "createdAt": created, "sourceCreatedAt": begun, "deletedAt": deleted}
    for created, begun, deleted in product((5, 8), (3, 5, 7), (None, 5, 6, 7))
]
TIMES = (PRESENT, ReadTime(6, 9, past=True), ReadTime(6, 8, past=True), ReadTime(2, 9, past=True))
"""Read times that are recorded after every change of the records, as those of a listing are."""


@pytest.mark.parametrize("read_time", TIMES, ids=str)
@pytest.mark.parametrize("hidden", [(), ("createdAt", "begins", "deletedAt"), ("deletedAt",), ("begins",)], ids=str)
def test_what_exists_at_the_read_time(read_time: ReadTime, hidden: tuple[str, ...]) -> None:
    """A listing has the vertices that exist by id at the read time and are not deleted, whichever times are hidden."""
    policy = of(StubPolicy(Everything(), dict.fromkeys(hidden, Nothing()), read_time))
    fields = {"sourceCreatedAt" if key == "begins" else key for key in hidden}
    for record in DATES:
        shown = vertex_at(record, read_time, fields)
        times = {"begins": record["sourceCreatedAt"], "deletedAt": record["deletedAt"] or FOREVER}
        expected = shown is not None and shown.get("deletedAt") is None
        assert holds(policy.visible(), {**record, **times}) is expected, record


def test_only_what_is_discovered_is_visible() -> None:
    """The row filter is part of every listing; teams, users, domains and tags are visible to every caller."""
    visible = of(StubPolicy()).visible()
    alive = {"deletedAt": FOREVER}
    found = [row.visibility for row in CLASSES if holds(visible, {**alive, "kind": "DATASET", **row.named()})]
    assert found == ["ORG"] * 4
    assert all(holds(visible, {**alive, "kind": kind}) for kind in UNGOVERNED.values)
    assert In("visibility", ("ORG",)) in nodes(visible)


def test_a_caller_with_a_thousand_owners_searches_by_several_words() -> None:
    """The filter has the owners once for each word and once for the rows, so six words are not refused."""
    owners = frozenset(f"mlg://user/catalog/default/person-{number:06}" for number in range(1000))
    caller = replace(CALLERS["ada"], acts_for=owners)
    conditions = RowConditions(RowPolicy(shipped_policy().access(caller), "default", PolicyReport("v1")))
    query = search_query(parse_search_text("fraud model of the payments team"), AssetFilter(tags=[ID(""), ID("pii")]))
    where = conditions.mask(query.where)
    for each in (query.candidates, *query.best):
        filter_ = filter_of(where, conditions.mask(each), conditions.visible())
        lists = [values for element in filter_ for branch in element for _, key, values in branch if key == "ownerTeam"]
        assert len(lists) <= 8
        assert all(owners <= set(cast("list[str]", values)) for values in lists)
