"""The demo estate, read through the API; the expected values were derived by hand from its scenario."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.estates.demo_estate import load_demo_estate, open_demo
from support.servers.in_process import Api
from support.source_tree import code_blocks, read
from support.stores.janusgraph import StoreGraph
from support.stores.writers import stored
from support.waiting import until

from graphql_schema.governance.change_redaction import ID_KEYS

WAREHOUSE = "mlg://dataset/warehouse/harbour"
VERSION = "mlg://model-version/mlflow/harbour"
PII = "mlg://tag/catalog/default/pii"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the issuer's key."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, folder: Path) -> AsyncIterator[Api]:
    """Return the API over the demo estate."""
    async with open_demo(module_graph, folder) as api:
        yield api


def today() -> date:
    """Return the current day in UTC, because the scenario is dated relative to UTC days."""
    return datetime.now(UTC).date()


async def of(api: Api, who: str, urn: str, selection: str) -> Any:
    """Return the selected fields of one asset, read by a persona."""
    return (await api.ask(who, f"query ($id: ID!) {{ asset(id: $id) {{ {selection} }} }}", id=urn))["asset"]


def examples(page: str) -> list[tuple[str, str]]:
    """Return the GraphQL examples of a documentation page as (persona, query)."""
    return re.findall(r"(?ms)^```graphql\n# as (\w+)\n(.*?)^```$", read(page))


LINEAGE = examples("docs/lineage.md")


@pytest.mark.parametrize(("who", "query"), LINEAGE, ids=("walk", "impact", "paths", "scene", "states", "past"))
async def test_the_examples_in_the_lineage_docs_return_results(api: Api, who: str, query: str) -> None:
    """Each query of docs/lineage.md runs unchanged, returns results, and has the completeness it is meant to show."""
    for found in (await api.ask(who, query)).values():
        members = {
            name: found[name] for name in ("nodes", "services", "upstream", "paths", "elements") if name in found
        }
        lists = [each if isinstance(each, list) else each["nodes"] for each in members.values() if "state" not in each]
        assert lists
        assert all(lists) or found["from"] == found["to"]  # two equal states differ in nothing, but have assets
        assert found.get("from", {"total": 1})["total"]
        states = [found[name] for name in ("completeness", "upstream", "downstream") if "state" in found.get(name, {})]
        assert {each["reason"] for each in states} <= {"PATHS" if "paths" in found else None}


async def test_one_evaluation_of_the_demo_is_contaminated(api: Api) -> None:
    """Of all evaluations that root reads, one used data of the training; the others on golden sets are CLEAN."""
    query = """{ assets(filter: {kinds: [EVALUATION]}, first: 100) { nodes { displayName ... on Evaluation {
      contamination { verdict } } } } }"""
    found = (await api.ask("root", query))["assets"]["nodes"]
    verdicts = {each["displayName"]: each["contamination"]["verdict"] for each in found}
    assert verdicts.pop("search-ranker v3 online") == "UNKNOWN"
    assert verdicts.pop("homepage-ranker v3 offline") == "DIRECT"
    assert {*verdicts.values()} == {"CLEAN"}
    ((who, listed),) = examples("docs/contamination.md")
    found = (await api.ask(who, listed))["assets"]
    assert found["totalCount"] == len(found["nodes"]) == 1
    assert found["nodes"][0]["displayName"] == "homepage-ranker v3 offline"


async def test_aliases_point_at_the_serving_versions(api: Api) -> None:
    """Every model in production has an alias `champion`, protected except for payment-fraud."""
    query = """{ assets(filter: {kinds: [MODEL]}, first: 50) { nodes { displayName
      ... on Model { aliases { name version { version } protected setBy } } } } }"""
    found = {
        (model["displayName"], alias["name"]): (alias["version"]["version"], alias["protected"], alias["setBy"])
        for model in (await api.ask("root", query))["assets"]["nodes"]
        for alias in model["aliases"]
    }
    assert found == {
        ("title-embedder", "champion"): ("2", True, "finn"),
        ("homepage-ranker", "champion"): ("2", True, "eli"),
        ("homepage-ranker", "challenger"): ("3", False, "eli"),
        ("search-ranker", "champion"): ("3", True, "eli"),
        ("ad-click", "champion"): ("2", True, "gus"),
        ("ad-click", "challenger"): ("3", False, "gus"),
        ("ad-pacing", "champion"): ("3", True, "gus"),
        ("churn", "champion"): ("2", True, "hana"),
        ("account-takeover", "champion"): ("2", True, "juno"),
        ("payment-fraud", "champion"): ("3", False, "juno"),
    }


async def test_the_history_of_search_ranker_has_both_champion_moves(api: Api) -> None:
    """The history of search-ranker lists both moves of `champion` with their reasons, newest first."""
    changes = await of(api, "ada", "mlg://model/mlflow/harbour/search-ranker", "history { nodes { action reason } }")
    moves = [change["reason"] for change in changes["history"]["nodes"] if change["action"] == "ALIAS_SET"]
    assert moves == ["its canary went well", "first version with vectors"]


@pytest.mark.parametrize(
    ("version", "missing", "failing", "violations"),
    [
        ("homepage-ranker@2", [], 0, 0),
        ("homepage-ranker@3", ["release"], 0, 0),
        ("churn@3", ["release"], 1, 0),
        ("account-takeover@2", [], 0, 0),
        ("payment-fraud@3", [], 0, 1),
        ("payment-fraud@2", ["governance", "release"], 0, 1),
    ],
)
async def test_gates_report_unmet_conditions(
    api: Api, version: str, missing: list[str], failing: int, violations: int
) -> None:
    """Gates report missing approvals, failing evaluations and sensitivity violations of each version."""
    selection = """... on ModelVersion { gate(alias: "champion") {
      open missingApprovals failingEvaluations { id } sensitivityViolations } }"""
    gate = (await of(api, "cy", f"{VERSION}/{version}", selection))["gate"]
    assert gate["open"] == (not missing and not failing and not violations)
    assert (gate["missingApprovals"], len(gate["failingEvaluations"]), len(gate["sensitivityViolations"])) == (
        missing,
        failing,
        violations,
    )


@pytest.mark.parametrize(
    ("deployment", "statuses", "shares"),
    [
        ("canary/search-ranker-3", ["ACTIVE", "RETIRED"], [0.05, 0.25, 0.0]),
        ("production/search-ranker-3", ["PENDING", "ACTIVE"], [0.0, 1.0]),
        ("production/search-ranker-1", ["ACTIVE", "RETIRED"], [1.0, 0.0]),
        ("canary/churn-3", ["PENDING", "ACTIVE", "ROLLED_BACK"], [0.0, 0.1, 0.0]),
    ],
)
async def test_the_history_of_a_rollout_has_all_its_states(
    api: Api, deployment: str, statuses: list[str], shares: list[float]
) -> None:
    """The history of promoted and of rolled back deployments has every status and traffic share, in order."""
    urn = f"mlg://deployment/kubernetes/{deployment}"
    found = await of(api, "root", urn, "history { nodes { fields { field after } } }")
    fields = [field for change in reversed(found["history"]["nodes"]) for field in change["fields"]]
    assert [field["after"] for field in fields if field["field"] == "status"] == statuses
    assert [float(field["after"]) for field in fields if field["field"] == "trafficShare"] == shares


def places_of_ids(value: Any, key: str = "") -> Iterator[str]:
    """Yield the key of each id in a JSON value; that of a list for an id that is an element of it."""
    if isinstance(value, str):
        yield from [key] if value.startswith("mlg://") else []
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from places_of_ids(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from places_of_ids(each, f"an element of {key}")


@pytest.mark.usefixtures("api")
async def test_each_stored_id_of_the_history_is_under_a_key_of_ids(module_graph: StoreGraph) -> None:
    """What the server stores as an id has one of the keys by which the history finds it, and hides a hidden one."""
    changes = (await stored(module_graph)).changes
    assert {"LINKED", "ALIAS_SET", "APPROVED"} <= {change["action"] for change in changes}
    sides = [entry[side] for change in changes for entry in change["fields"] for side in ("before", "after")]
    found = {key for side in sides if not isinstance(side, str) for key in places_of_ids(side)}
    assert {"id", "version", "dataset"} <= found <= ID_KEYS


@pytest.mark.parametrize(
    ("asset", "checks"),
    [
        (f"{WAREHOUSE}/impressions", {"freshness_daily": ("FRESHNESS", "FAIL", 9.5, 7)}),
        (f"{WAREHOUSE}/plays", {"row_count": ("VOLUME", "PASS", 0.99, 7)}),
        (f"{WAREHOUSE}/payments", {"columns": ("SCHEMA", "PASS", 0, 7)}),
        ("mlg://feature-set/feast/harbour/profile-taste", {"online_offline_skew": ("SKEW", "PASS", 0.003, 7)}),
        ("mlg://service/kubernetes/production/ranking-service", {"p99_latency": ("PERFORMANCE", "PASS", 66, 7)}),
        (
            f"{VERSION}/homepage-ranker@2",
            {"score_drift": ("DRIFT", "PASS", 0.14, 7), "exposure_by_language": ("BIAS", "PASS", 0.9, 7)},
        ),
    ],
)
async def test_each_check_has_results_of_a_week(api: Api, asset: str, checks: dict[str, Any]) -> None:
    """Each check has seven results up to yesterday, and the newest is its latest result."""
    selection = "checks { nodes { name checkKind latestResult { status value observedAt } results { nodes { id } } } }"
    found = (await of(api, "root", asset, selection))["checks"]["nodes"]
    reported = {
        check["name"]: (
            check["checkKind"],
            check["latestResult"]["status"],
            check["latestResult"]["value"],
            len(check["results"]["nodes"]),
        )
        for check in found
    }
    assert reported == checks
    assert {check["latestResult"]["observedAt"][:10] for check in found} == {str(today() - timedelta(days=1))}


async def test_the_late_result_is_listed_by_its_observation_time(api: Api) -> None:
    """A FAIL reported last is listed by its observation time, and does not open an incident."""
    selection = "checks { nodes { results { nodes { status } } } } incidents { nodes { id } }"
    found = await of(api, "root", f"{WAREHOUSE}/plays", selection)
    (check,) = found["checks"]["nodes"]
    assert [result["status"] for result in check["results"]["nodes"]] == ["PASS", "PASS", "FAIL", *["PASS"] * 4]
    assert found["incidents"]["nodes"] == []


async def test_one_incident_is_open_and_one_is_resolved(api: Api) -> None:
    """The open incident is on the training data of the serving ranker, and its cause is the failed check."""
    query = """{ incidents { nodes { state severity assets { id } cause { ... on CheckResult { status } } } } }"""
    assert (await api.ask("root", query))["incidents"]["nodes"] == [
        {
            "state": "RESOLVED",
            "severity": "MEDIUM",
            "assets": [{"id": f"{WAREHOUSE}/engagement-weekly"}],
            "cause": None,
        },
        {
            "state": "OPEN",
            "severity": "HIGH",
            "assets": [{"id": f"{WAREHOUSE}/impressions"}],
            "cause": {"status": "FAIL"},
        },
    ]
    selection = "... on ModelVersion { trainedOn { nodes { ... on DatasetVersion { dataset { id } } } } aliases }"
    assert await of(api, "ada", f"{VERSION}/homepage-ranker@2", selection) == {
        "trainedOn": {"nodes": [{"dataset": {"id": f"{WAREHOUSE}/impressions"}}]},
        "aliases": ["champion"],
    }


USAGE = "usage(days: 31) { reads calls distinctConsumers lastUsedAt byDay { day reads calls costUsd } }"


async def test_impressions_are_read_on_weekdays(api: Api) -> None:
    """Three consumers read impressions on weekdays only, 515 times on each Monday."""
    usage = (await of(api, "ada", f"{WAREHOUSE}/impressions", USAGE))["usage"]
    assert usage["distinctConsumers"] == 3
    days = {date.fromisoformat(use["day"]): use["reads"] for use in usage["byDay"]}
    expected = {today() - timedelta(days=back) for back in range(1, 31)}
    assert set(days) == {day for day in expected if day.weekday() < 5}
    assert {reads for day, reads in days.items() if day.weekday() == 0} == {515}


async def test_the_ranking_service_is_called_most_on_saturdays(api: Api) -> None:
    """The ranking service is called on each of 30 days up to yesterday, most often on Saturdays."""
    urn = "mlg://service/kubernetes/production/ranking-service"
    usage = (await of(api, "ada", urn, USAGE))["usage"]
    assert usage["distinctConsumers"] == 2
    assert usage["lastUsedAt"] == str(today() - timedelta(days=1))
    days = {date.fromisoformat(use["day"]): (use["calls"], use["costUsd"]) for use in usage["byDay"]}
    assert len(days) == 30
    assert {use for day, use in days.items() if day.weekday() == 5} == {(1_876_000, 225.12)}
    assert max(calls for day, (calls, _) in days.items() if day.weekday() < 5) == 1_474_000


async def test_the_deprecated_dataset_has_no_usage(api: Api) -> None:
    """The usage of the deprecated dataset clicks-legacy is zero, without any day."""
    usage = (await of(api, "root", f"{WAREHOUSE}/clicks-legacy", USAGE))["usage"]
    assert usage == {"reads": 0, "calls": 0, "distinctConsumers": 0, "lastUsedAt": None, "byDay": []}


async def test_the_pii_tag_propagates_until_it_is_blocked(api: Api) -> None:
    """The tag `pii` propagates from accounts through profiles, is blocked at two charts, and misses the dashboard."""

    async def modes() -> dict[str, str | None]:
        found = {}
        for urn in (
            *(f"{WAREHOUSE}/{name}" for name in ("accounts", "profiles", "ad-clicks")),
            *(f"mlg://report/looker/harbour/{name}" for name in ("ad-revenue", "cancellations", "monday-meeting")),
        ):
            tags = (await of(api, "root", urn, "tags { mode tag { id } }"))["tags"]
            found[urn.rsplit("/", 1)[1]] = next((tag["mode"] for tag in tags if tag["tag"]["id"] == PII), None)
        return found

    async def recomputed() -> bool:
        return await modes() == {
            "accounts": "DIRECT",
            "profiles": "PROPAGATED",
            "ad-clicks": "PROPAGATED",
            "ad-revenue": "BLOCKED",
            "cancellations": "BLOCKED",
            "monday-meeting": None,
        }

    await until(recomputed)


async def test_an_experiment_of_a_deployment_is_inferred_for_its_version(api: Api) -> None:
    """The version under test is inferred from its deployment, and the response equals that of docs/enrichment.md."""
    query, response = code_blocks("docs/enrichment.md", "graphql", "json")
    await api.wait_for_jobs()
    assert await api.ask("ada", query) == json.loads(response)


async def test_loading_the_demo_again_records_no_changes(api: Api, folder: Path) -> None:
    """Loading the demo estate a second time records no further change."""
    query = "{ changes(first: 1) { totalCount nodes { id } } }"
    before = await api.ask("root", query)
    await load_demo_estate(api, folder)
    assert await api.ask("root", query) == before


async def test_the_examples_in_the_health_docs_return_the_described_health(api: Api) -> None:
    """The queries of docs/health.md run: late impressions degrade the ranking service, and the incident affects it."""
    service, listed, incidents = [await api.ask(who, query) for who, query in examples("docs/health.md")]
    health = service["asset"]["health"]
    assert (health["status"], health["completeness"]["state"]) == ("DEGRADED", "COMPLETE")
    late = [cause for cause in health["causes"] if cause["asset"]["id"] == f"{WAREHOUSE}/impressions"]
    assert {cause["check"] and cause["check"]["name"] for cause in late} == {"freshness_daily", None}
    assert [cause["depth"] for cause in late] == [3, 3]
    states = {node["displayName"]: node["health"]["status"] for node in listed["assets"]["nodes"]}
    assert states["homepage-ranker v2"] == "DEGRADED"
    (incident,) = incidents["incidents"]["nodes"]
    routes = {node["asset"]["displayName"]: node["via"] for node in incident["impact"]["services"]["nodes"]}
    assert routes["ranking-service"][0] == f"{WAREHOUSE}/impressions"
