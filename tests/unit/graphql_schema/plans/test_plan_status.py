"""The status of a change plan: teams, acknowledgements and the state; the journeys have two states of a store."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.plans import plan_status
from graphql_schema.ports import lineage_query
from graphql_schema.ports.row import RowPage

Run = Callable[..., Awaitable[ExecutionResult]]
STATUS = """query ($id: ID!) { changePlan(id: $id) { roots { id } status { state waiting complete added removed
  teams { team { id } reasons isNew acknowledgement { decision user { id } } } } } }"""
ROOT = "mlg://dataset/test/default/root"
OWNER, OTHER = "mlg://team/test/default/owner", "mlg://team/test/default/other"
ADA = "mlg://user/test/default/ada"
PLAN = "mlg://change-plan/test/default/p"


@pytest.fixture
def estate(graph: PlainGraph) -> PlainGraph:
    """Add two teams, a dataset, and one downstream of it that the team `owner` owns."""
    for name in ("owner", "other"):
        graph.add("TEAM", name)
    graph.add("USER", "ada")
    graph.join("DERIVES", graph.add("DATASET", "root"), graph.add("DATASET", "used", ownerTeam=OWNER))
    return graph


async def found(run: Run, graph: PlainGraph, *subjects: str, **values: Any) -> Any:
    """Add a plan and return it with its status."""
    known = {"state": "OPEN", "acknowledgements": {}, "maxDepth": 20, "snapshot": [1, 1]}
    plan = graph.add("CHANGE_PLAN", "p", subjects=[*subjects], **{**known, **values})
    result = await run(STATUS, id=plan)
    assert result.errors is None
    return result.data["changePlan"]


async def test_concerned_teams_come_before_others_that_acknowledged(run: Run, estate: PlainGraph) -> None:
    """A team that only acknowledged has no reasons, and does not count as waiting."""
    acknowledgements = {OTHER: {"decision": "AGREED", "by": "ada", "at": 1, "user": ADA}}
    assert (await found(run, estate, ROOT, acknowledgements=acknowledgements))["status"] == {
        "state": "OPEN", "waiting": 1, "complete": True, "added": 0, "removed": 0,
        "teams": [
            {"team": {"id": OWNER}, "reasons": ["OWNS"], "isNew": False, "acknowledgement": None},
            {"team": {"id": OTHER}, "reasons": [], "isNew": False,
             "acknowledgement": {"decision": "AGREED", "user": {"id": ADA}}},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"acknowledgements": {OWNER: {"decision": "NOT_CONCERNED", "by": "ada", "at": 1}}}, "READY"),
        ({"acknowledgements": {OWNER: {"decision": "OBJECTED", "by": "ada", "at": 1}}}, "OBJECTED"),
        ({"deadline": 1}, "OVERDUE"),
        ({"deadline": 2**42}, "OPEN"),
        ({"state": "CLOSED", "outcome": "DONE"}, "CLOSED"),
    ],
)
async def test_the_state_is_computed(run: Run, estate: PlainGraph, values: dict[str, Any], state: str) -> None:
    """The acknowledgements, the deadline and the stored end decide."""
    assert (await found(run, estate, ROOT, **values))["status"]["state"] == state


async def test_roots_that_are_gone_are_left_out(run: Run, estate: PlainGraph) -> None:
    """An unknown root is neither listed nor a gap of the impact, as if the plan were not about it."""
    plan = await found(run, estate, ROOT, "mlg://dataset/test/default/gone")
    assert (plan["roots"], plan["status"]["complete"]) == ([{"id": ROOT}], True)


async def test_a_plan_whose_teams_were_not_all_found_is_not_ready(
    run: Run, estate: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Usage that is too much to read may be that of a team which the change concerns."""
    given = {OWNER: {"decision": "NOT_CONCERNED", "by": "ada", "at": 1}}
    ready = (await found(run, estate, ROOT, acknowledgements=given))["status"]
    assert (ready["state"], ready["complete"]) == ("READY", True)
    together = PlainGraph.related_to_all

    async def in_part(*read: Any) -> list[RowPage]:
        return [replace(page, has_next=True) for page in await together(*read)]

    monkeypatch.setattr(PlainGraph, "related_to_all", in_part)
    unknown = (await found(run, estate, ROOT, acknowledgements=given))["status"]
    assert (unknown["state"], unknown["complete"]) == ("OPEN", False)


async def test_long_impacts_are_compared_in_the_side_thread(
    run: Run, estate: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two impacts of thousands of assets are compared beside the event loop."""
    threads, compare = list[str](), plan_status.impact_difference

    def difference(*impacts: Any) -> Any:
        threads.append(threading.current_thread().name)
        return compare(*impacts)

    monkeypatch.setattr(plan_status, "impact_difference", difference)
    for maximum, thread in ((2, "MainThread"), (1, "side_0")):
        monkeypatch.setattr(lineage_query, "LONG_LINEAGE", maximum)
        await found(run, estate, ROOT)
        assert threads.pop() == thread


async def test_aliases_compute_a_status_once(run: Run, estate: PlainGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty aliases of the field compare the two impacts of a plan once."""
    compared, compare = list[Any](), plan_status.impact_difference

    def difference(*impacts: Any) -> Any:
        compared.append(impacts)
        return compare(*impacts)

    monkeypatch.setattr(plan_status, "impact_difference", difference)
    await found(run, estate, ROOT)
    aliases = " ".join(f"a{n}: status {{ waiting }}" for n in range(20))
    result = await run(f"query ($id: ID!) {{ changePlan(id: $id) {{ {aliases} }} }}", id=PLAN)
    assert result.data == {"changePlan": {f"a{n}": {"waiting": 1} for n in range(20)}}
    assert len(compared) == 2 * 2  # each of the two queries runs on both paths
