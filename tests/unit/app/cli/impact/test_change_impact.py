"""The impact of changed files: where it begins, what counts as reached, and what is missing."""

import json
from typing import Any

import httpx2
import pytest

from app.cli.impact.change_impact import MAX_ROOTS, ChangeImpact, FailOn, read_change_impact
from app.cli.impact.changed_files import NamedAsset
from app.ingest.load.api_client import ApiClient


def found(total: int = 0, services: int = 0, **completeness: Any) -> ChangeImpact:
    """Return an impact with counts and a completeness."""
    counts = [{"kind": "SERVICE", "count": services}] if services else []
    state = {"state": "COMPLETE", "reason": None, **completeness}
    return ChangeImpact(1, (), {"total": total, "countsByKind": counts, "completeness": state})


@pytest.mark.parametrize(("fail_on", "reached"), [(FailOn.NOTHING, 0), (FailOn.PRODUCTION, 2), (FailOn.ANYTHING, 5)])
def test_what_counts_as_reached(fail_on: FailOn, reached: int) -> None:
    """Production is the services, anything is every affected asset, and nothing is none."""
    assert found(total=5, services=2).reached(fail_on) == reached


def test_an_incomplete_result_has_a_reason() -> None:
    """State and reason are those of the walk."""
    assert (found().gap(), found(state="TRUNCATED", reason="DEPTH").gap()) == ("", "TRUNCATED, DEPTH")


async def test_the_impact_begins_at_assets_and_their_runs() -> None:
    """Assets are ordered by id, each once, and then their runs; more than an impact accepts is a gap."""
    roots: list[str] = []
    runs = [{"id": f"run {number}"} for number in range(MAX_ROOTS)]
    nodes: list[dict[str, Any]] = [{"id": urn, "displayName": urn.upper(), "reference": "x"} for urn in ("b", "a", "b")]
    nodes[0] |= {"runs": {"nodes": runs}}
    nodes[2] |= {"runs": {"nodes": runs}}

    def respond(request: httpx2.Request) -> httpx2.Response:
        variables = json.loads(request.content)["variables"]
        page = {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}
        roots.extend(variables.get("roots", ()))
        return httpx2.Response(200, json={"data": {"impact": found(3).impact} if roots else {"assets": page}})

    async with ApiClient("http://api", "t", transport=httpx2.MockTransport(respond)) as client:
        impact = await read_change_impact(client, ["x"])
    assert roots == impact.roots == ["a", "b", *(f"run {number}" for number in range(MAX_ROOTS - 2))]
    assert [each.id for each in impact.assets] == ["a", "b"]
    assert impact.starts["run 99"] == "B"
    assert impact.gap() == "102 assets and runs are changed, and this is the impact of 100 of them"


async def test_files_that_name_nothing_have_no_impact() -> None:
    """Without an asset nothing is walked, and the result is complete."""
    page = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"data": {"assets": page}}))
    async with ApiClient("http://api", "t", transport=transport) as client:
        impact = await read_change_impact(client, ["x", "y"])
    assert impact == ChangeImpact(2)
    assert (impact.gap(), impact.reached(FailOn.ANYTHING)) == ("", 0)


def test_the_name_of_a_run_is_that_of_its_workflow() -> None:
    """An asset that is a run of another one keeps its own name only if it has no workflow here."""
    impact = ChangeImpact(1, [NamedAsset("w", "etl", "x", ("r1", "r2"))])
    assert impact.starts == {"w": "etl", "r1": "etl", "r2": "etl"}
