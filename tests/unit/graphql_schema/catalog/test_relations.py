"""The relations of the catalog, and the pairs and hops that follow from the kinds."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from graphql_schema.catalog import relations
from graphql_schema.catalog.kinds import ALL_KINDS, ASSETS, ATTACHED_KINDS, KINDS, VERSIONS, Kind
from graphql_schema.catalog.relations import (
    CARRYING,
    CHILD_HOPS,
    CONTAINS,
    DERIVES,
    FEEDS,
    LINEAGE,
    OWNED_BY,
    PARENT_HOPS,
    PRECEDES,
    PRODUCES,
    RELATIONS,
    REPLACED_BY,
    SERVED_BY,
    SUBJECT_HOPS,
    TAGGED,
    TRIGGERS,
    VERSION_OF,
    Direction,
    Hop,
    Relation,
    RelationFamily,
)

OUT, IN = Direction.OUT, Direction.IN


@contextmanager
def a_relation(*rules: str, kind: Kind | None = None) -> Iterator[Relation]:
    """Make a relation from rules, and from the joins of one more kind, and remove both from the catalog afterwards."""
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
    with a_relation("Run > Report", kind=Kind("Trial", "trial", joins={"TRIED": "Trial > Model"})) as tried:
        assert tried.ends == {("Run", "Report"), ("Trial", "Model")}
        assert not FEEDS.allows("Trial", "Model")


@pytest.mark.parametrize("rule", ["Modle > Run", "Run > ", "Run"])
def test_a_rule_that_names_no_kind_stops_the_import(rule: str) -> None:
    """A misspelt kind would be a pair that never occurs; the error quotes the rule."""
    with pytest.raises(ValueError, match=f"`{rule}`"), a_relation(rule):
        pass


def test_joins_of_an_unknown_relation_stop_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt relation would join nothing; the error names kind and relation."""
    monkeypatch.setitem(KINDS, "Trial", Kind("Trial", "trial", joins={"FEDS": "Trial > Model"}))
    with pytest.raises(ValueError, match=r"'Trial', 'FEDS'"):
        relations._check()  # noqa: SLF001 - runs at import


def test_every_asset_has_the_common_relations() -> None:
    """Owners, tags and successors are relations of all assets, without a rule of a kind."""
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


def test_the_catalog_has_the_relations_of_the_design() -> None:
    """The names are the edge labels of the store, so none may be renamed or removed; a new one needs no line here."""
    stored = (
        "INPUT_TO PRODUCES DERIVES FEEDS BASE_OF EVALUATED_BY DEPLOYED_AS SERVED_BY TESTED_IN CELL_OF CALLED_BY "
        "TRIGGERS VERSION_OF PRECEDES RUN_OF CHILD_OF STARTED_BY CONTAINS OWNED_BY MEMBER_OF PART_OF TAGGED "
        "REPLACED_BY DECIDED_FOR MONITORED_BY RESULT_OF RAISED_ON CAUSED_BY USAGE_OF USED_BY CHANGED"
    )
    assert {*stored.split()} <= RELATIONS.keys()


def test_lineage_is_the_first_twelve_relations() -> None:
    """Walks follow these; structure, ownership, tags and attached records are no lineage."""
    assert [relation.name for relation in LINEAGE] == list(RELATIONS)[:12]
    assert not VERSION_OF.lineage


def test_sensitivity_flows_over_six_relations() -> None:
    """A service does not expose its model's data, so serving, testing and calling carry none (docs/sensitivity.md)."""
    assert CARRYING == ("INPUT_TO", "PRODUCES", "DERIVES", "FEEDS", "BASE_OF", "EVALUATED_BY")


@pytest.mark.parametrize(
    ("relation", "source", "target", "allowed"),
    [
        (FEEDS, "Dataset", "Model", True),
        (FEEDS, "Model", "Dataset", False),
        (FEEDS, "Report", "Report", True),
        (PRODUCES, "Service", "Dataset", True),
        (PRODUCES, "Service", "Model", False),
        (DERIVES, "Feature", "FeatureSet", True),
        (CONTAINS, "Domain", "Report", True),
        (CONTAINS, "Domain", "Tag", False),
        (TAGGED, "Report", "Tag", True),
        (TAGGED, "Team", "Tag", False),
    ],
)
def test_a_relation_joins_listed_kinds(relation: Relation, source: str, target: str, *, allowed: bool) -> None:
    """Rows of the design's table, both sides of the alternatives, and `*`, which is every asset."""
    assert relation.allows(source, target) is allowed


def test_by_time_relations_are_those_with_a_newest_first_list() -> None:
    """Versions, runs and attached records are read newest first without reading the others."""
    assert [name for name, relation in RELATIONS.items() if relation.by_time] == [
        "VERSION_OF", "RUN_OF", "DECIDED_FOR", "PLANNED_FOR", "RESULT_OF", "RAISED_ON", "USAGE_OF", "USED_BY",
        "CHANGED",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("relation", "source", "ends"),
    [
        (SERVED_BY, "Deployment", {IN}),
        (TRIGGERS, "Workflow", {IN}),
        (FEEDS, "Dataset", {OUT}),
        (PRODUCES, "Run", {IN, OUT}),
        (VERSION_OF, "ModelVersion", {IN, OUT}),
        (CONTAINS, "FeatureSet", {IN, OUT}),
        (CONTAINS, "Workflow", {IN, OUT}),
        (CONTAINS, "Domain", {OUT}),
    ],
)
def test_a_link_changes_the_end_that_declares_it_and_the_end_that_receives(
    relation: Relation, source: str, ends: set[Direction]
) -> None:
    """Sensitivity, owners and a latest version arrive at the *to* end; a domain is not changed by its assets."""
    assert relation.changed_ends(source) == ends


def test_a_hop_follows_an_edge_or_goes_against_it() -> None:
    """Far kinds restrict a hop; without them it leads to every kind that the relation allows."""
    assert FEEDS.out("Model") == Hop(FEEDS, OUT, ("Model",))
    assert FEEDS.into() == Hop(FEEDS, IN, ())


def test_every_attached_record_leads_to_assets() -> None:
    """From each kind of attached record its hops end at every kind of asset, and a change also at what is no asset."""
    for name, hops in SUBJECT_HOPS.items():
        kinds = {name}
        for hop in hops:
            pairs = hop.relation.ends if hop.direction is OUT else {(b, a) for a, b in hop.relation.ends}
            kinds = {far for near, far in pairs if near in kinds}
        assert kinds == ({*KINDS} if name == "Change" else {*ASSETS})
    assert set(SUBJECT_HOPS) == set(ATTACHED_KINDS)
