"""Runs and results of checks, from a real build with a warning, failures and skipped models."""

from collections import Counter
from typing import Any

import pytest

from app.ingest.sources.dbt.artifacts import Artifacts
from app.ingest.sources.dbt.dbt_names import DbtNames
from app.ingest.sources.dbt.results import check_results, run_items

DATASET = "mlg://dataset/duckdb/shop.duckdb/shop."


@pytest.fixture
def skipped() -> Counter[str]:
    """Return an empty count of what did not run."""
    return Counter()


def changed(shop: Artifacts, uid: str, **values: Any) -> Artifacts:
    """Return the artifacts with other values in the results of one resource."""
    results = [{**each, **(values if each["unique_id"] == uid else {})} for each in shop.run_results["results"]]
    return Artifacts(shop.manifest, shop.catalog, {**shop.run_results, "results": results}, shop.freshness)


def test_runs_are_those_of_the_build(shop: Artifacts, names: DbtNames, skipped: Counter[str]) -> None:
    """Each builder that ran is a run of the invocation, with its state; what was skipped is counted."""
    runs = [item["run"] for _, item in run_items(shop, names, skipped)]
    states = {run["displayName"]: run["state"] for run in runs}
    assert states == {
        "dbt shop": "FAIL",
        "model.shop.broken": "FAIL",
        "model.shop.daily_orders": "COMPLETE",
        "model.shop.stg_customers": "COMPLETE",
        "model.shop.time_spine": "COMPLETE",
        "snapshot.shop.orders_history": "COMPLETE",
    }
    assert skipped == {"model skipped": 1}
    assert {run.get("parentRun") for run in runs} == {None, runs[0]["id"]}
    (broken,) = (run for run in runs if run["displayName"] == "model.shop.broken")
    timing = next(each for each in shop.run_results["results"] if each["unique_id"] == "model.shop.broken")["timing"]
    assert (broken["startedAt"], broken["endedAt"]) == (timing[0]["started_at"], timing[1]["completed_at"])
    assert "Could not convert string" in broken["error"]
    assert broken["workflow"] == "mlg://workflow/dbt/shop/model.shop.broken"


def test_an_invocation_without_failure_is_complete(churn: Artifacts, names: DbtNames, skipped: Counter[str]) -> None:
    """Results of exposures, which do nothing, are no failure and no run."""
    runs = [item["run"] for _, item in run_items(churn, names, skipped)]
    assert (runs[0]["state"], len(runs), skipped) == ("COMPLETE", 6, {})


def test_rows_become_a_metric(shop: Artifacts, names: DbtNames, skipped: Counter[str]) -> None:
    """The number of rows is one if the adapter reports it."""
    some = changed(shop, "model.shop.daily_orders", adapter_response={"rows_affected": 3}, timing=[])
    run = next(item["run"] for where, item in run_items(some, names, skipped) if where == "model.shop.daily_orders")
    assert run["metrics"] == [{"name": "rows_affected", "value": 3.0}]
    assert "startedAt" not in run
    assert run["endedAt"] == shop.run_results["metadata"]["generated_at"]


def test_tests_are_checks_of_the_tables_that_they_read(shop: Artifacts, names: DbtNames, skipped: Counter[str]) -> None:
    """A generic test has its column in its name, a singular test is a check of all its tables."""
    found = {(each["asset"], each["check"]): each for _, each in check_results(shop, names, skipped)}
    statuses = {(asset.removeprefix(DATASET), check): each["status"] for (asset, check), each in found.items()}
    assert statuses == {
        ("main_staging.stg_customers", "not_null(customer_id)"): "PASS",
        ("main_staging.stg_customers", "unique(customer_id)"): "PASS",
        ("main_staging.stg_customers", "accepted_values(country)"): "WARN",
        ("main_raw.orders", "orders_have_customers"): "FAIL",
        ("main_raw.customers", "orders_have_customers"): "FAIL",
        ("main_raw.orders", "freshness"): "WARN",
    }
    assert skipped == {"test skipped": 3}
    warned = found[f"{DATASET}main_staging.stg_customers", "accepted_values(country)"]
    assert (warned["value"], warned["threshold"], warned["checkKind"]) == (1.0, "warn if failures != 0", "SCHEMA")


def test_freshness_is_a_check_with_the_age(shop: Artifacts, names: DbtNames, skipped: Counter[str]) -> None:
    """The threshold is in words, and the instant is that of the measurement."""
    (result,) = shop.freshness["results"]
    fresh = [each for where, each in check_results(shop, names, skipped) if where.startswith("freshness")]
    assert fresh == [
        {
            "asset": f"{DATASET}main_raw.orders",
            "check": "freshness",
            "checkKind": "FRESHNESS",
            "status": "WARN",
            "value": result["max_loaded_at_time_ago_in_s"],
            "threshold": "warn after 1 day, fail after 3650 day",
            "observedAt": result["snapshotted_at"],
        }
    ]


@pytest.mark.parametrize(
    ("result", "status"), [("error", "FAIL"), ("runtime error", "ERROR"), ("pass", "PASS"), ("other", None)]
)
def test_data_that_is_too_old_fails(
    shop: Artifacts, names: DbtNames, skipped: Counter[str], result: str, status: str | None
) -> None:
    """An `error` of freshness is old data; one that could not be measured has no age; other results are counted."""
    stale = {"unique_id": "source.shop.raw.purchases", "status": result}
    unknown = {"unique_id": "source.shop.raw.gone", "status": "pass"}
    freshness = {**shop.freshness, "results": [stale, unknown]}
    of = Artifacts(shop.manifest, {}, {}, freshness)
    found = [each for _, each in check_results(of, names, skipped)]
    assert [each["status"] for each in found] == ([status] if status else [])
    assert all(each["observedAt"] == shop.freshness["metadata"]["generated_at"] for each in found)
    assert skipped == {"freshness of an unknown source": 1, **({} if status else {"freshness other": 1})}


@pytest.mark.parametrize(("status", "expected"), [("fail", "FAIL"), ("error", "ERROR"), ("warn", "WARN")])
def test_of_tests_with_one_name_the_most_severe_counts(
    shop: Artifacts, names: DbtNames, skipped: Counter[str], status: str, expected: str
) -> None:
    """Two tests of a kind on one column are one check, as in the events of OpenLineage, whatever their order."""
    uid = next(each for each in shop.resources if each.startswith("test.shop.unique_stg"))
    twin = {**shop.resources[uid], "unique_id": "test.shop.twin"}
    nodes = {**shop.manifest["nodes"], "test.shop.twin": twin}
    passed = next(each for each in shop.run_results["results"] if each["unique_id"] == uid)
    both = [passed, {**passed, "unique_id": "test.shop.twin", "status": status}]
    for results in (both, both[::-1]):
        of = Artifacts({**shop.manifest, "nodes": nodes}, {}, {**shop.run_results, "results": results}, {})
        assert [each["status"] for _, each in check_results(of, names, skipped)] == [expected]


@pytest.mark.parametrize("given", [{}, {"invocation_id": ""}, {"invocation_id": None}, {"invocation_id": 5}])
def test_without_the_id_of_the_invocation_no_run_is_sent(
    shop: Artifacts, names: DbtNames, skipped: Counter[str], given: dict[str, Any]
) -> None:
    """All of them are counted: the runs of the next such invocation would have the same ids."""
    metadata = {key: value for key, value in shop.run_results["metadata"].items() if key != "invocation_id"} | given
    some = Artifacts(shop.manifest, {}, {**shop.run_results, "metadata": metadata}, {})
    assert [*run_items(some, names, skipped)] == []
    assert skipped == {"run without an invocation id": 6, "model skipped": 1}


def test_without_results_nothing_ran(shop: Artifacts, names: DbtNames, skipped: Counter[str]) -> None:
    """A project that was only parsed has no run and no result of a check."""
    parsed = Artifacts(shop.manifest, {}, {}, {})
    assert [*run_items(parsed, names, skipped), *check_results(parsed, names, skipped)] == []
