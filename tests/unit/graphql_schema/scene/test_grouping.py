"""The values by which a scene groups assets, and the keys of groups."""

import re

import pytest
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.urn import MAX_URN_BYTES
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.row import Row
from graphql_schema.scene.grouping import MAX_KEY, GroupValues, SceneProperty, family_of, group_values, key_of, read_key
from policies.errors import InvalidError

ADS, SHOP = "mlg://team/test/default/ads", "mlg://domain/test/default/shop"
ALL = (*SceneProperty,)


@pytest.fixture
def graph() -> PlainGraph:
    """Return a model of a domain, with a version, and a dataset of another team."""
    graph = PlainGraph()
    graph.add("TEAM", "ads")
    graph.add("DOMAIN", "shop")
    model = graph.add("MODEL", "ranker", ownerTeam=ADS)
    graph.join("CONTAINS", SHOP, model)
    graph.join("VERSION_OF", graph.add("MODEL_VERSION", "ranker", version="1", ownerTeam=ADS), model)
    graph.add("DATASET", "clicks", ownerTeam="mlg://team/test/default/hidden")
    return graph


def rows(graph: PlainGraph) -> list[Row]:
    """Return the assets."""
    found = [graph.row(urn) for urn in graph.records if "/team/" not in urn and "/domain/" not in urn]
    return [row for row in found if row is not None]


async def test_values(graph: PlainGraph) -> None:
    """A version is in the domain of its model; a team that is not visible, or no domain, is no value."""
    assets = rows(graph)
    values = await group_values(graph, OperationBudget(), assets, ALL)
    assert [key_of(values.of(row, -2), ALL) for row in assets] == [
        f"LEVEL=-2 KIND=MODEL TEAM={ADS} DOMAIN={SHOP} VERSIONS=model/test/default/ranker",
        f"LEVEL=-2 KIND=MODEL_VERSION TEAM={ADS} DOMAIN={SHOP} VERSIONS=model/test/default/ranker",
        "LEVEL=-2 KIND=DATASET TEAM= DOMAIN= VERSIONS=dataset/test/default/clicks",
    ]
    assert ([*values.domains], {*values.domain_of.values()}) == ([SHOP], {SHOP})


async def test_a_hidden_domain_is_no_value(graph: PlainGraph) -> None:
    """An asset that hides its `domain` has none; its version, which shows it, is not in it through the asset either."""
    graph.hidden = {"MODEL": {"domain"}, "MODEL_VERSION": {"domain"}}
    values = await group_values(graph, OperationBudget(), rows(graph), ALL)
    assert (values.domains, values.domain_of) == ({}, {})


async def test_only_what_is_wanted_is_read(graph: PlainGraph) -> None:
    """Teams and domains are read if groups are made by them."""
    values = await group_values(graph, OperationBudget(), rows(graph), (SceneProperty.KIND,))
    assert values == GroupValues({}, {}, {})


def test_a_key_is_read_as_it_was_written() -> None:
    """An empty value, and the key of everything, too."""
    assert read_key("ALL") == []
    values = dict.fromkeys(SceneProperty, "")
    text = key_of({**values, SceneProperty.LEVEL: "2", SceneProperty.TEAM: ADS}, ALL)
    assert read_key(text) == [*{**values, SceneProperty.LEVEL: "2", SceneProperty.TEAM: ADS}.items()]


def test_the_longest_key_is_read() -> None:
    """Each value that is made of an id may be as long as an id."""
    longest = dict.fromkeys((SceneProperty.TEAM, SceneProperty.DOMAIN, SceneProperty.VERSIONS), "x" * MAX_URN_BYTES)
    values = {SceneProperty.LEVEL: "-50", SceneProperty.KIND: "MODEL_VERSION", **longest}
    assert read_key(key_of(values, ALL)) == [*values.items()]


@pytest.mark.parametrize(
    "text",
    [
        *("", "LEVEL", "level=2", "LEVEL=2  KIND=DATASET", "OWNER=x", "LEVEL=1 LEVEL=1", "LEVEL=1 KIND=RUN LEVEL=2"),
        "LEVEL=1 KIND=RUN TEAM= DOMAIN= VERSIONS= LEVEL=1",
        " ".join(["LEVEL=1"] * 500_000),
        f"TEAM={'x' * MAX_KEY}",
    ],
    ids=lambda text: text[:60],
)
def test_other_texts_are_no_keys(text: str) -> None:
    """Neither one that states a property twice, nor one longer than any key; the error names the begin of the text."""
    with pytest.raises(InvalidError, match=f"^'{re.escape(text[:80])}' is no key of a group"):
        read_key(text)


def test_the_family_does_not_contain_the_id_of_the_parent() -> None:
    """A version may be visible while its model is hidden."""
    version = family_of("mlg://model-version/test/default/ranker@1")
    assert version == family_of("mlg://model/test/default/ranker")
    assert "mlg://" not in version
