"""The groups of a scene: what they have in common, their counts and their health."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.health_report import HealthReport
from graphql_schema.ports.lineage_query import Completeness, LineageQuery, LineageResult
from graphql_schema.ports.row import Row
from graphql_schema.scene.scene_groups import MAX_EXAMINED

Run = Callable[..., Awaitable[ExecutionResult]]
SCENE = """query ($root: ID!, $by: [SceneProperty!]) { scene(roots: [$root], groupBy: $by, openLevels: 0) { groups {
  key level kind count innerEdges gaps team { id } domain { id } versionsOf { id } countsByKind { kind count }
  health { examined statuses { status count } } } } }"""
ADS, SHOP = "mlg://team/test/default/ads", "mlg://domain/test/default/shop"


class WithHealth(PlainGraph):
    """Assets whose names begin with `bad` are unhealthy, all others healthy; keeps of which the health was read.

    ``ended_at`` is the end of an id, and the budgets that limited the health of that asset.
    """

    def __init__(self) -> None:
        super().__init__()
        self.examined: list[str] = []
        self.ended_at: tuple[str, tuple[str, ...]] = ("", ())

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """See GraphReader; follows lineage only, not what joins an asset group or a domain."""
        lineage = PlainGraph()
        lineage.records, lineage.hidden = self.records, self.hidden
        lineage.edges = [edge for edge in self.edges if edge[0] in {"FEEDS", "DERIVES"}]
        return await lineage.walk(walk)

    async def health(self, source: Row) -> HealthReport:
        """See GraphReader."""
        self.examined.append(source.urn)
        bad = source.record["name"].startswith("bad")
        end, budgets = self.ended_at
        ended = budgets if source.urn.endswith(end) else ()
        completeness = Completeness(ended, False, 1, 0, None, self.pin)  # noqa: FBT003 - as declared
        return HealthReport("UNHEALTHY" if bad else "HEALTHY", (), completeness)


@pytest.fixture
def graph() -> WithHealth:
    """Return a dataset that feeds the versions of a model of team ads, in the domain shop."""
    graph = WithHealth()
    graph.add("TEAM", "ads")
    graph.add("DOMAIN", "shop")
    clicks, model = graph.add("DATASET", "clicks"), graph.add("MODEL", "bad", ownerTeam=ADS)
    graph.join("CONTAINS", SHOP, model)
    for version in "123":
        urn = graph.add("MODEL_VERSION", "bad", version=version, ownerTeam=ADS)
        graph.join("VERSION_OF", urn, model)
        graph.join("FEEDS", clicks, urn)
    return graph


async def groups(run: Run, *by: str) -> list[dict[str, Any]]:
    """Return the groups of the scene of the dataset."""
    found = await run(SCENE, root="mlg://dataset/test/default/clicks", by=list(by))
    assert found.errors is None, found.errors
    listed: list[dict[str, Any]] = found.data["scene"]["groups"]
    return listed


NOTHING = {"kind": None, "team": None, "domain": None, "versionsOf": None, "level": 1, "count": 3, "innerEdges": 0}
COUNTS = {"gaps": [], "countsByKind": [{"kind": "MODEL_VERSION", "count": 3}]}
HEALTH = {"health": {"examined": 3, "statuses": [{"status": "UNHEALTHY", "count": 3}]}}


@pytest.mark.parametrize(
    ("by", "key", "common"),
    [
        ((), "ALL", {}),
        (("LEVEL",), "LEVEL=1", {}),
        (("KIND",), "KIND=MODEL_VERSION", {"kind": "MODEL_VERSION"}),
        (("TEAM",), f"TEAM={ADS}", {"team": {"id": ADS}}),
        (("DOMAIN",), f"DOMAIN={SHOP}", {"domain": {"id": SHOP}}),
        (
            ("VERSIONS",),
            "VERSIONS=model/test/default/bad",
            {"versionsOf": {"id": "mlg://model/test/default/bad"}},
        ),
    ],
)
async def test_what_the_assets_of_a_group_have_in_common(
    run: Run, by: tuple[str, ...], key: str, common: dict[str, Any]
) -> None:
    """A group has the values of the properties that it is made by, and no others; counts are those of its assets."""
    assert await groups(run, *by) == [{"key": key, **NOTHING, **common, **COUNTS, **HEALTH}]


async def test_the_asset_of_hidden_versions_is_null(run: Run, graph: WithHealth) -> None:
    """The versions are grouped all the same."""
    del graph.records["mlg://model/test/default/bad"]
    (found,) = await groups(run, "VERSIONS")
    assert (found["versionsOf"], found["count"]) == (None, 3)


async def test_hidden_health_is_not_examined(run: Run, graph: WithHealth) -> None:
    """An asset that hides its health, or evidence of it, does not count."""
    for field in ("health", "checks"):
        graph.hidden = {"MODEL_VERSION": {field}}
        graph.examined.clear()
        assert (await groups(run))[0]["health"] == {"examined": 0, "statuses": []}
        assert graph.examined == []


@pytest.mark.parametrize(
    ("budgets", "count"), [(("EDGES",), 2), (("NODES",), 2), (("DEPTH", "TIME"), 2), (("DEPTH", "CAUSES"), 3)]
)
async def test_an_uncertain_status_does_not_count(
    run: Run, graph: WithHealth, budgets: tuple[str, ...], count: int
) -> None:
    """A status is not certain if a budget cut the walk that it is computed from."""
    graph.ended_at = ("@2", budgets)
    (found,) = await groups(run)
    assert found["health"] == {"examined": count, "statuses": [{"status": "UNHEALTHY", "count": count}]}


async def test_health_is_examined_up_to_a_limit(run: Run, graph: WithHealth) -> None:
    """All groups together are examined up to the limit, each to an equal share, the nearest first."""
    for number in range(MAX_EXAMINED):
        graph.join("DERIVES", "mlg://dataset/test/default/clicks", graph.add("DATASET", f"copy{number:03}"))
    versions, copies = sorted(await groups(run, "KIND"), key=lambda each: each["count"])
    assert (versions["health"]["examined"], copies["count"]) == (3, MAX_EXAMINED)
    assert copies["health"] == {
        "examined": MAX_EXAMINED // 2,
        "statuses": [{"status": "HEALTHY", "count": MAX_EXAMINED // 2}],
    }
