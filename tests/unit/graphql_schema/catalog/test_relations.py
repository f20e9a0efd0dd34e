"""The relations of the catalog, and the pairs and hops that follow from the kinds."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from graphql_schema.catalog import relations
from graphql_schema.catalog.enums import RelationName
from graphql_schema.catalog.kinds import ALL_KINDS, ASSETS, KINDS, VERSIONS, Kind
from graphql_schema.catalog.relations import (
    CHILD_HOPS,
    CONTAINS,
    FEEDS,
    OWNED_BY,
    PARENT_HOPS,
    PRECEDES,
    RELATIONS,
    REPLACED_BY,
    TAGGED,
    VERSION_OF,
    Relation,
    RelationFamily,
)


@contextmanager
def a_relation(*rules: str, kind: Kind | None = None) -> Iterator[Relation]:
    """A relation made from rules, and from the joins of one more kind; it leaves no trace in the catalog."""
    if kind is not None:
        KINDS[kind.name] = ALL_KINDS[kind.name] = kind
    try:
        yield relations._relation("TRIED", RelationFamily.LINEAGE, *rules)  # noqa: SLF001 - the way into the table
    finally:
        RELATIONS.pop("TRIED", None)
        if kind is not None:
            del KINDS[kind.name], ALL_KINDS[kind.name]


def test_a_relation_enters_the_table_where_it_is_made() -> None:
    """The table holds every relation of the module under its name, so that its order is that of the file."""
    assert {name: each for name, each in vars(relations).items() if isinstance(each, Relation)} == RELATIONS
    with a_relation("Run > Report") as tried:
        assert list(RELATIONS.values())[-1] is tried


def test_a_rule_joins_each_kind_on_the_left_to_each_on_the_right() -> None:
    """Rules add up, and `*` is every asset."""
    with a_relation("Run Workflow > Report", "Domain > *") as tried:
        expected = {("Run", "Report"), ("Workflow", "Report"), *(("Domain", asset) for asset in ASSETS)}
        assert tried.ends == expected


def test_a_kind_adds_its_own_joins() -> None:
    """A new kind joins a relation from its own line of the catalog."""
    with a_relation("Run > Report", kind=Kind("Prompt", "prompt", joins={"TRIED": "Prompt > Model"})) as tried:
        assert tried.ends == {("Run", "Report"), ("Prompt", "Model")}
        assert not FEEDS.allows("Prompt", "Model")


@pytest.mark.parametrize("rule", ["Modle > Run", "Run > ", "Run"])
def test_a_rule_that_names_no_kind_stops_the_import(rule: str) -> None:
    """A misspelt kind would be a pair that never occurs; the error quotes the rule."""
    with pytest.raises(ValueError, match=f"`{rule}`"), a_relation(rule):
        pass


def test_joins_of_an_unknown_relation_stop_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt relation would join nothing; the error names kind and relation."""
    monkeypatch.setitem(KINDS, "Prompt", Kind("Prompt", "prompt", joins={"FEDS": "Prompt > Model"}))
    with pytest.raises(ValueError, match=r"'Prompt', 'FEDS'"):
        relations._check()  # noqa: SLF001 - runs at import


def test_every_asset_has_the_common_relations() -> None:
    """Owners, tags and successors are for all assets, without a word about a kind."""
    for asset in ASSETS:
        assert OWNED_BY.allows(asset, "Team")
        assert TAGGED.allows(asset, "Tag")
        assert REPLACED_BY.allows(asset, asset)
        assert CONTAINS.allows("Domain", asset)


def test_versions_and_parts_follow_from_their_parents() -> None:
    """Each version belongs to its parent and comes before the next, each part is contained; the hops lead both ways."""
    assert {(kind.name, kind.version_of) for kind in VERSIONS} == VERSION_OF.ends
    assert {(kind.name, kind.name) for kind in VERSIONS} == PRECEDES.ends
    assert PARENT_HOPS.keys() == {kind.name for kind in KINDS.values() if kind.parent}
    for name, hop in PARENT_HOPS.items():
        assert hop.kinds == (KINDS[name].parent,)
        assert CHILD_HOPS[hop.kinds[0]].kinds == (name,)
        assert CHILD_HOPS[hop.kinds[0]].direction is hop.direction.reverse
    assert PARENT_HOPS["Feature"] == CONTAINS.into("FeatureSet")
    assert PARENT_HOPS["ModelVersion"] == VERSION_OF.out("Model")


def test_the_enum_has_the_relations_that_callers_may_name() -> None:
    """`Relation` is made from the catalog: all lineage, and what else joins assets alone and has a description."""
    named = {each.name for each in RelationName}
    assert {name for name, relation in RELATIONS.items() if relation.lineage} < named
    assert named.isdisjoint({"OWNED_BY", "TAGGED", "CHANGED", "RAISED_ON"})
