"""A parent gets an owner beside an item that refers to one of its children with a long text.

What is referred to is read without its long values. The child changes with its parent, and is then read completely.
"""

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.reads_ahead import ROOT
from support.stores.writers import Writers, asset, stored, urn

from app.graph.commits.state_read import LONG_VALUE
from graphql_schema.ports.commands import RegisterCommand

ADS, RANKING = {"team ads": ["TECHNICAL"]}, {"team ranking": ["TECHNICAL"]}
LONG = {"description": "long " * LONG_VALUE}
STORED = [
    asset("model m", owners=RANKING),
    asset("model-version m@1", LONG),
    asset("dataset d", owners=RANKING),
    asset("dataset-version d@1", LONG),
    asset("feature-set s", owners=RANKING, features=["feature s.f"]),
    asset("feature s.f", LONG),
    asset("feature s.g", LONG),
]


async def written(writers: Writers, items: list[RegisterCommand]) -> list[str]:
    """Write the items in one call, and name their outcomes."""
    return [each.outcome.name for each in await writers.of(ROOT).write(items, dry_run=False, atomic=False)]


@pytest.mark.parametrize(
    ("items", "children"),
    [
        (
            [asset("dataset o", derivedFrom=["dataset-version d@1"]), asset("dataset d", owners=ADS)],
            ["dataset-version d@1"],
        ),
        ([asset("run r", inputs=["model-version m@1"]), asset("model m", owners=ADS)], ["model-version m@1"]),
        ([asset("dataset d", owners=ADS, derivedFrom=["dataset-version d@1"])], ["dataset-version d@1"]),
        ([asset("feature-set s", owners=ADS, features=["feature s.f"])], ["feature s.f"]),
        ([asset("feature-set s", owners=ADS, features=["feature s.f", "feature s.g"])], ["feature s.f", "feature s.g"]),
        ([asset("feature-set s", owners=ADS, features=[])], []),
    ],
    ids=["another asset", "a run", "its own list", "a set", "a further feature", "no features"],
)
async def test_the_child_follows(
    graph: StoreGraph, writers: Writers, items: list[RegisterCommand], children: list[str]
) -> None:
    """All items of the call are written, and the child has its text and the new owner."""
    assert {*await written(writers, STORED)} == {"CREATED"}
    assert {*await written(writers, items)} <= {"CREATED", "UPDATED"}
    found = (await stored(graph)).records
    assert {each: found[urn(each)]["ownerTeam"] for each in children} == dict.fromkeys(children, urn("team ads"))
    assert [found[urn(each)]["description"] for each in children] == [LONG["description"]] * len(children)
