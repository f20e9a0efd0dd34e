"""The filter inputs of the schema: every field of every one has an effect that a reader can run."""

import pytest
from graphql import get_named_type
from strawberry import ID
from support.documents.filter_samples import Sample, filters, received, samples, taking

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.catalog.properties import NATIVE_PROPERTIES
from graphql_schema.fields.filters import (
    ASSETS,
    MAX_UNUSED_DAYS,
    AssetFilter,
    AssetOrder,
    AssetOrderField,
    OrderDirection,
    asset_listing,
)
from graphql_schema.ports.conditions import BY_URN, All, AnyOf, In, Negated, SortOrder, UnusedFor, matches, nodes
from graphql_schema.ports.relation_query import LineageItemFilter
from graphql_schema.schema import build_schema
from policies.errors import InvalidError

SCHEMA = build_schema()
INDEXED = {each.name for each in NATIVE_PROPERTIES if each.index}
T, U, D = (f"mlg://{kind}/catalog/default/x" for kind in ("team", "user", "domain"))
IN_MEMORY = {"LineageFilter": "a walk passes through the nodes that it does not show, so the store must return them"}
"""Filters that a reader evaluates in memory, with the reason why they are no conditions."""

TAKEN = [name for name in filters(SCHEMA.core) if taking(SCHEMA.core, name)]
SAMPLES = [sample for name in TAKEN for sample in samples(SCHEMA.core, name)]


def test_every_filter_is_sampled() -> None:
    """Each filter input of the schema is an argument of a root field, or nested in one that is."""
    types = filters(SCHEMA.core)
    nested = {get_named_type(field.type).name for name in TAKEN for field in types[name].fields.values()}
    assert types.keys() - nested <= {*TAKEN}
    assert {*TAKEN} > IN_MEMORY.keys()


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
async def test_every_field_has_an_effect(sample: Sample) -> None:
    """A field yields a condition on indexed properties, or changes a filter that is known to run in memory."""
    found, empty = await received(SCHEMA, sample.filter, sample.given), await received(SCHEMA, sample.filter, {})
    assert found != empty
    if isinstance(found, LineageItemFilter):
        assert sample.filter in IN_MEMORY
    else:
        missing = {key for node in nodes(found) if (key := getattr(node, "key", None))} - INDEXED
        assert missing == set(), (
            f"{sample}: add {missing} to NATIVE_PROPERTIES in graphql_schema/catalog/properties.py."
        )


def test_a_listing_has_assets_alone_and_every_given_condition() -> None:
    """The kinds of assets, the conditions of the source and the filter are joined; null and absent fields add none."""
    within, where = In("domain", ("d",)), AssetFilter(kinds=[AssetKind["RUN"]], owned=None)
    assert asset_listing(where, None, within).where == All((ASSETS, within, All((In("kind", ("RUN",)),))))
    assert asset_listing(None, None).where == All((ASSETS, All(())))


def test_filters_nest() -> None:
    """`and` joins, `or` offers alternatives, `not` negates; an empty `or` is met by no asset."""
    one, two = AssetFilter(ids=[ID("1")]), AssetFilter(ids=[ID("2")])
    first, second = All((In("urn", ("1",)),)), All((In("urn", ("2",)),))
    given = AssetFilter(and_=[one, two], or_=[one, two], not_=AssetFilter(or_=[]))
    _, found = asset_listing(given, None).where.conditions  # type: ignore[union-attr]
    assert found == All((first, second, AnyOf((first, second)), Negated(All((AnyOf(()),)))))


@pytest.mark.parametrize(
    ("owners", "team", "owned"),
    [("", "", False), ("", D, False), (U, U, True), (T, T, True), (U, T, True), ("", T, True), ("", U, False)],
)
def test_an_owner_is_direct_or_inherited(owners: str, team: str, owned: bool) -> None:  # noqa: FBT001
    """An asset is owned if it has an owner, or an owner team by its parent, and unowned if it has neither."""
    values = {"kind": "FEATURE", "owners": [owners], "ownerTeam": team}
    for wanted in (True, False):
        where = asset_listing(AssetFilter(owned=wanted), None).where
        assert matches(where, values.__getitem__) is (owned is wanted)


@pytest.mark.parametrize("stored", ["", T, f"{T}2", U, D])
def test_an_owner_who_is_no_team_counts_as_none(stored: str) -> None:
    """An empty id matches the assets whose `ownerTeam` is null, also with an owner; a user or domain matches none.

    A user or a domain, such as that of a hidden parent, would otherwise be found by what an empty id does not match.
    """
    values = {"kind": "FEATURE", "owners": [""], "ownerTeam": stored}
    is_team = stored.startswith("mlg://team/")
    expected: dict[tuple[str, ...], bool] = {
        ("",): not is_team,
        ("", T): stored == T or not is_team,
        (T,): stored == T,
        (U, D): False,
        (): False,
    }
    for given, wanted in expected.items():
        where = asset_listing(AssetFilter(owner_teams=[*map(ID, given)]), None).where
        assert matches(where, values.__getitem__) is wanted, given
        where = asset_listing(AssetFilter(not_=AssetFilter(owner_teams=[*map(ID, given)])), None).where
        assert matches(where, values.__getitem__) is not wanted, given


@pytest.mark.parametrize("days", [1, MAX_UNUSED_DAYS])
def test_days_without_use_have_bounds(days: int) -> None:
    """The first and the last possible number of days are accepted, and what is beyond them is refused."""
    assert UnusedFor(days) in nodes(asset_listing(AssetFilter(unused_for_days=days), None).where)
    for beyond in (0, -1, MAX_UNUSED_DAYS + 1):
        with pytest.raises(InvalidError, match=f"`unusedForDays` is {beyond};"):
            asset_listing(AssetFilter(unused_for_days=beyond), None)


def test_the_narrow_question_needs_its_days() -> None:
    """`unread` changes the condition of `unusedForDays` in the same filter, and is refused without it."""
    for unread in (None, False, True):
        where = asset_listing(AssetFilter(unused_for_days=7, unread=unread), None).where
        assert UnusedFor(7, unread=bool(unread)) in nodes(where)
    with pytest.raises(InvalidError, match="`unread` changes the meaning of `unusedForDays`; give both"):
        asset_listing(AssetFilter(unread=True, not_=AssetFilter(unused_for_days=7)), None)


@pytest.mark.parametrize("kinds", [None, [], ["MODEL"], ["RUN", "MODEL"]])
def test_costs_are_those_of_runs(kinds: list[str] | None) -> None:
    """An order by cost is refused unless all listed assets are runs, a bound unless runs may be among them."""
    where = AssetFilter(kinds=None if kinds is None else [AssetKind[kind] for kind in kinds])
    with pytest.raises(InvalidError, match=r"`orderBy: COST` needs `filter: \{kinds: \[RUN\]\}`; for other assets"):
        asset_listing(where, AssetOrder(field=AssetOrderField.COST))
    where.cost_above = 1
    if kinds is None or "RUN" in kinds:
        asset_listing(where, None)
    else:
        with pytest.raises(InvalidError, match="`costAbove` is about the `costUsd` of runs; add RUN to `kinds`"):
            asset_listing(where, None)


@pytest.mark.parametrize("bound", [float("inf"), float("-inf"), float("nan")])
def test_a_cost_is_finite(bound: float) -> None:
    """A bound that is no number is refused."""
    with pytest.raises(InvalidError, match="`costAbove` is not a finite number"):
        asset_listing(AssetFilter(cost_above=bound), None)


@pytest.mark.parametrize("field", AssetOrderField)
def test_every_order_is_by_an_indexed_property(field: AssetOrderField) -> None:
    """Each value of the enumeration is an order that the index has, in both directions; without one, by URN."""
    where = AssetFilter(kinds=[AssetKind["RUN"]])
    up, down = (asset_listing(where, AssetOrder(field=field, direction=each)).order for each in OrderDirection)
    assert up.key in INDEXED
    assert (up, down) == (SortOrder(up.key), SortOrder(up.key, descending=True))
    assert asset_listing(None, None).order == BY_URN
